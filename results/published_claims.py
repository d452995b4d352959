"""What a paper claims, as data: its own words, and the comparison that we decide them by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from results.study_tests import StudyTest

#: how the two sides of a claim are related, or one side and the number `factor`; a claim on anything but scores has the
#: relation "measurement"
RELATIONS = ("higher", "rises", "ratio", "equivalent", "above", "below", "measurement")
#: of a run: its score after an adaptation step (the last if none is named); what it gains from the first of two named
#: steps to the second; the mean and the end of its learning curve after adaptation, over environment steps or over
#: processor time, or where both have had equally many steps of meta-training alone (an expert's not counted); the
#: steps, all or of meta-training alone, until nine tenths of the first side's progress; and of training the processor's
#: seconds for each step and the share of wall time spent in sampling
QUANTITIES = (
    "score",
    "gain",
    "learning-curve",
    "learning-curve-end",
    "learning-curve-over-time",
    "at-equal-meta-training",
    "steps-to-level",
    "meta-training-to-level",
    "seconds-per-step",
    "sampling-share",
)
#: those that only two sides have together
PAIRED = ("learning-curve-over-time", "at-equal-meta-training", "steps-to-level", "meta-training-to-level")
#: a statement whose print has a slip stands twice: as it is printed, and as its proof needs it
FORMS = ("", "as printed", "as corrected")


@dataclass(frozen=True)
class Claim:
    """A statement on one suite (or, of a study, on none).

    Each method of `first` stands in the relation to each of `second`.  `steps`: adaptation steps, the last if empty.
    """

    id: str  # as in "promp.figure2.half-cheetah-direction"
    paper: str
    place: str
    sentence: str
    relation: str
    family: str = ""  # the id without its suite
    general_sentence: str = ""  # of all suites of its family
    suite: str = ""
    quote: str = ""  # the paper's own words; what is left out of them is "…"
    form: str = ""  # of FORMS
    first: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()
    quantity: str = "score"
    factor: float | None = None
    tolerance: float | None = None  # of a ratio
    margin: float | None = None  # of equivalence, as a share of the second side's magnitude
    margin_from: str = ""  # what in the paper the tolerance or margin rests on
    measurement: str = ""  # what must be measured
    measured_by: str = ""  # the study of ours that decides it, which need not exist yet
    tests: tuple[StudyTest, ...] = ()  # how that decides it
    nothing_below: str = ""  # why an effect below what is claimed decides nothing
    would_run: str = ""  # what would decide it, where nothing does yet
    apart: str = ""  # why its verdict may be the opposite of another claim's on the same figure
    table: str = ""  # the table that prints both sides' numbers
    printed: str = ""  # the numbers that the paper gives for it; taken from the table, if there is one

    @property
    def figure(self) -> tuple[str, str]:
        """What may not carry two opposite verdicts unsaid: the first place that it names, and the suite."""
        return self.place.partition(",")[0], self.suite

    def shares_figure(self, other: Claim) -> bool:
        """Whether both are about one figure; what names no suite is about every suite of its place."""
        (place, suite), (other_place, other_suite) = self.figure, other.figure
        return place == other_place and (suite == other_suite or not suite or not other_suite)


def claims_of(paper: str, table: dict[str, Any], printed: Mapping[str, str]) -> list[dict[str, Any]]:
    """The values of one claim for each suite that an entry names.  printed: what the paper calls suites, by id."""
    table = dict(table)
    suites = table.pop("suites", None)
    family = f"{paper}.{table['id']}"
    base = {**table, "paper": paper, "id": family, "family": family}
    if suites is None:
        return [base | {"general_sentence": table["sentence"]}]
    base["general_sentence"] = table["sentence"].format(suite="each suite")
    return [
        base
        | {
            "id": f"{family}.{suite}",
            "suite": suite,
            "sentence": table["sentence"].format(suite=printed[suite]),
        }
        for suite in suites
    ]


def check_claim(claim: Claim) -> None:
    """Raises ValueError for a word that means nothing and a relation that lacks what it needs."""
    for key, word, known in (
        ("relation", claim.relation, RELATIONS),
        ("quantity", claim.quantity, QUANTITIES),
        ("form", claim.form, FORMS),
    ):
        if word not in known:
            raise ValueError(f"{claim.id}: {key} {word!r} must be one of {', '.join(filter(None, known))}")
    if bool(claim.measured_by) != bool(claim.tests):
        raise ValueError(f"{claim.id}: measured_by and tests go together")
    one = (claim.suite, claim.first, claim.factor is not None)
    needs: dict[str, tuple[Any, ...]] = {
        "higher": (claim.suite, claim.first, claim.second),
        "rises": (claim.suite, claim.first, len(claim.steps) > 1),
        "ratio": (claim.suite, claim.first, claim.second or len(claim.steps) == 2, claim.factor, claim.tolerance),
        "equivalent": (claim.suite, claim.first, claim.second, claim.margin),
        "above": one,
        "below": one,
        "measurement": (claim.measurement,),
    }
    if not all(needs[claim.relation]) or (claim.quantity == "gain" and len(claim.steps) != 2):
        raise ValueError(f"{claim.id}: the relation {claim.relation!r} needs more: see docs/papers.md")
    if claim.quantity in PAIRED and not claim.second:
        raise ValueError(f"{claim.id}: the quantity {claim.quantity!r} compares two sides, and it names no second")
    if claim.nothing_below and claim.relation not in ("ratio", "above"):
        raise ValueError(f"{claim.id}: nothing_below is of the relations 'ratio' and 'above', got {claim.relation!r}")
    if claim.relation in ("ratio", "equivalent") and not claim.margin_from:
        raise ValueError(f"{claim.id}: margin_from must say what in the paper its tolerance or margin rests on")
