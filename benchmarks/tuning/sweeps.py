"""What a paper's printed grid says to try of a method, in place of the spaces that our options declare."""

from __future__ import annotations

from collections.abc import Mapping

from algorithms.search_space import Choice, Space
from environments.discovery import ClassEntry
from environments.suite import Suite
from environments.typed_options import UsageError, make_options
from results.files import StoreError
from results.published import find_paper


def sweep_space(paper: str, found: ClassEntry, suite: Suite) -> Mapping[str, Space]:
    """By option, the grid's values; empty where the paper prints none for this method on this suite.

    Raises UsageError for a paper that there is not, and for a value that the method refuses.
    """
    try:
        printed = find_paper(paper)
    except StoreError as error:
        raise UsageError(str(error)) from None
    ids = {entry.id for entry in printed.suites if entry.base == suite.name}
    for sweep in printed.sweeps:
        if sweep.algorithm == found.name and (not sweep.suites or ids & set(sweep.suites)):
            first = {option: values[0] for option, values in sweep.options.items()}
            for option, values in sweep.options.items():
                for value in values:
                    make_options(found.load().Config, {**first, option: value}, f"{paper}'s {sweep.id}: {found.name}")
            return {option: Choice(values) for option, values in sweep.options.items()}
    return {}
