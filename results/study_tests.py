"""What decides a claim on a study, as data: which of its quantities must stand in which relation."""

from __future__ import annotations

from dataclasses import dataclass

#: first against second, one value against the number `factor`, or a value along its own index
RELATIONS = ("higher", "lower", "ratio", "value", "above", "below", "rises")
#: the unit that varies by chance: the study's seeds, the MDPs or initialisations that it draws independently (one to a
#: `task`), or nothing
SAMPLES = ("seeds", "mdps", "draws", "exact")


@dataclass(frozen=True)
class StudyTest:
    """Compares `quantity` of `first` with `against` of `second`, each the mean over a unit's rows.

    first, second: the claim's own, each with each, if empty; with `against` both sides are the same algorithm unless
    `second` says otherwise.  factor, tolerance: of a ratio, or of a value that must be `factor`; of the order of exact
    sides a difference that decides nothing.  `margin_from` says what a tolerance rests on: of a ratio or a value what
    in the paper, of exact sides to what these numbers are accurate.  With `logarithm` sides are compared by their
    ratio, which suits what is positive and spans magnitudes.  margin: of what is claimed higher or lower, a share of
    the second side's magnitude by which it may fall short ("no lower").
    trivial: of a bound (the larger side), the quantity from which on it excludes nothing, such as the range of returns;
    a test on it is vacuous then.  judged: whether the verdict rests on it, or it is only shown beside.
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
    margin_from: str = ""
    trivial: str = ""
    judged: bool = True
    sampled: str = "seeds"
    suite: str = ""
    index: int = -1
    last: bool = False
    logarithm: bool = False
    margin: float = 0.0

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            raise ValueError(f"a test's relation {self.relation!r} must be one of {', '.join(RELATIONS)}")
        if self.sampled not in SAMPLES:
            raise ValueError(f"a test's sampled {self.sampled!r} must be one of {', '.join(SAMPLES)}")
        if self.relation in ("ratio", "value") and self.tolerance <= 0:
            raise ValueError(f"the relation {self.relation!r} needs a tolerance above 0")
        if self.relation == "ratio" and self.tolerance >= self.factor:
            raise ValueError(f"a ratio's tolerance must be below its factor {self.factor:g}, got {self.tolerance:g}")
        if self.margin < 0 or (self.margin and (self.logarithm or self.relation not in ("higher", "lower"))):
            raise ValueError(f"only the relations 'higher' and 'lower', no ratios, have a margin, got {self.margin:g}")

        ordered = self.relation not in ("ratio", "value")
        if ordered and self.sampled == "exact" and self.tolerance and not self.margin_from:
            raise ValueError(
                f"a tolerance of {self.tolerance:g} needs margin_from: to what the exact sides are accurate"
            )

    @property
    def single(self) -> bool:
        """Whether it has one side."""
        return self.relation in ("value", "above", "below", "rises")
