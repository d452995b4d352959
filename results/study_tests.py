"""What decides a claim on a study, as data: which of its quantities must stand in which relation."""

from __future__ import annotations

from dataclasses import dataclass

#: first against second, one value alone, or a value along its own index
RELATIONS = ("higher", "lower", "ratio", "value", "rises")
#: what varies by chance: the seeds, a study's own repeats (`index`), or nothing
SAMPLES = ("seeds", "repeats", "exact")


@dataclass(frozen=True)
class StudyTest:
    """Compares `quantity` of `first` with `against` of `second`, each the mean over a seed's (or repeat's) rows.

    first, second: the claim's own, each with each, if empty; with `against` both sides are the same algorithm unless
    `second` says otherwise.  factor, tolerance: of a ratio, or of a value that must be `factor`;
    a tolerance of exact sides is a difference that decides nothing.  With `logarithm`
    sides are compared by their ratio, which suits what is positive and spans magnitudes.
    suite: of the rows, in place of the claim's, which stands where this says `{suite}`.  index: rows of `quantity` with
    that index alone, -1 for all.  last: rows of the largest `x` alone.
    """

    quantity: str
    relation: str
    against: str = ""
    first: str = ""
    second: str = ""
    factor: float = 0.0
    tolerance: float = 0.0
    sampled: str = "seeds"
    suite: str = ""
    index: int = -1
    last: bool = False
    logarithm: bool = False

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            raise ValueError(f"a test's relation {self.relation!r} must be one of {', '.join(RELATIONS)}")
        if self.sampled not in SAMPLES:
            raise ValueError(f"a test's sampled {self.sampled!r} must be one of {', '.join(SAMPLES)}")
        if self.relation in ("ratio", "value") and self.tolerance <= 0:
            raise ValueError(f"the relation {self.relation!r} needs a tolerance above 0")
