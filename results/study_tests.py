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
    sides a difference that decides nothing.  With `logarithm` sides are compared by their ratio, which suits what is
    positive and spans magnitudes.  margin: of what is claimed higher or lower, a share of the second side's magnitude
    by which it may fall short ("no lower").  margin_from: what a tolerance or margin rests on, which is the paper's
    words or numbers, to what the compared numbers are accurate, or that it is ours, since the paper gives none.
    trivial: where `against` is a bound, the quantity from which on that excludes nothing, such as the range of returns;
    a test on it is vacuous then, whatever its relation.  cannot_fail: why the test could not have failed, which makes
    it vacuous too.  judged: whether the verdict rests on it, or it is only shown beside.
    every: the statement is of every row, as a bound or an identity is, and exact sides are judged at the row that
    favours it least; means would let rows that hold outweigh one that does not.
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
    cannot_fail: str = ""
    judged: bool = True
    every: bool = False
    sampled: str = "seeds"
    suite: str = ""
    index: int = -1
    last: bool = False
    logarithm: bool = False
    margin: float = 0.0
    magnitude: bool = False

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            raise ValueError(f"a test's relation {self.relation!r} must be one of {', '.join(RELATIONS)}")
        if self.sampled not in SAMPLES:
            raise ValueError(f"a test's sampled {self.sampled!r} must be one of {', '.join(SAMPLES)}")
        if self.relation in ("ratio", "value") and self.tolerance <= 0:
            raise ValueError(f"the relation {self.relation!r} needs a tolerance above 0")
        if self.relation == "ratio" and self.tolerance >= self.factor:
            raise ValueError(f"a ratio's tolerance must be below its factor {self.factor:g}, got {self.tolerance:g}")
        if self.every and self.sampled != "exact":
            raise ValueError(f"every holds of exact numbers, not of a sample of {self.sampled}")
        if self.magnitude and (self.sampled != "seeds" or self.relation == "rises"):
            raise ValueError(f"a magnitude is that of a seed's mean, not of {self.sampled} with {self.relation!r}")
        if self.margin < 0 or (self.margin and (self.logarithm or self.relation not in ("higher", "lower"))):
            raise ValueError(f"only the relations 'higher' and 'lower', no ratios, have a margin, got {self.margin:g}")

        if (self.tolerance or self.margin) and not self.margin_from:
            raise ValueError(
                f"a tolerance or margin of {self.tolerance or self.margin:g} needs margin_from: the paper's words or "
                "numbers, to what the sides are accurate, or that it is ours"
            )

    @property
    def single(self) -> bool:
        """Whether it has one side."""
        return self.relation in ("value", "above", "below", "rises")
