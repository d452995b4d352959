"""Which cells are left out of a plan, since the algorithm says that it does not fit the suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from algorithms.catalogue import parents_of
from environments.discovery import ClassEntry
from environments.facts import SuiteFacts
from environments.suite import Suite
from environments.typed_options import UsageError


@dataclass(frozen=True)
class LeftOut:
    """A cell that was asked for and is not run; no failure.  `reason`: the algorithm's own sentence."""

    suite: str  # full name
    algorithm: str
    reason: str

    def __str__(self) -> str:
        return f"{self.algorithm} on {self.suite}: {self.reason}"


def misfit(found: ClassEntry, suite: Suite) -> str | None:
    """Why the algorithm, or one that it begins with a run of, does not fit the suite, as it says itself without being
    constructed; None if it fits.

    Raises UsageError if it answers anything else.
    """
    ask = getattr(found.load(), "fits", None)  # what is no Algorithm at all is refused where it is run
    if ask is None:
        return None
    try:
        answer = ask(SuiteFacts.of(suite))
    except Exception as error:  # the adapter's own, whatever it is
        raise UsageError(f"algorithm {found.name}: fits raised {type(error).__name__}: {error}") from error
    if answer is not None and not (isinstance(answer, str) and answer.strip()):
        raise UsageError(f"algorithm {found.name}: fits must return None or a sentence on why not, got {answer!r}")
    for role, parent in parents_of(found).items():
        reason = misfit(parent, suite) if answer is None else None
        if reason is not None:
            return f"it begins with a run of {parent.name} as its {role}, which does not fit: {reason}"
    return answer


def print_left_out(left_out: Sequence[LeftOut], notes: Sequence[str] = ()) -> None:
    for cell in left_out:
        print(f"left out: {cell}")
    for note in notes:
        print(f"note: {note}")
