"""Suites that are not the project's own, judged before anything runs on them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import torch

from benchmarks.conformance.suite_rules import check_suite
from benchmarks.specs.run_spec import planned_suite
from environments.typed_options import UsageError


def refuse_spoilt_suites(texts: Iterable[str]) -> None:
    """texts: names with options, or sources.  Raises UsageError, naming the suite and the rule that it breaks.

    What runs on it would fail late, or not at all, and seem to be the algorithm's fault.
    """
    for text in dict.fromkeys(texts):
        fault = _fault(text)
        if fault is not None:
            raise UsageError(f"{fault}; nothing runs on it until `metarl check {text}` finds no fault")


@cache  # a command asks before its check, its trials and its runs; a file is imported once in a process, too
def _fault(text: str) -> str | None:
    """What is wrong with the suite; None of one of the project's own, and of one that keeps every rule."""
    suite = planned_suite(text)
    if type(suite).__module__.partition(".")[0] == "environments":
        return None
    threads = torch.get_num_threads()
    try:
        broken = next((finding for finding in check_suite(suite) if finding.passed is False), None)
    finally:
        torch.set_num_threads(threads)  # which a check pins, in a process that may be a notebook's
    return None if broken is None else f"suite {suite.name} breaks {broken.rule!r}: {broken.reason}"
