"""How long our runs trained beside the paper's, which stands with every verdict."""

from __future__ import annotations

from dataclasses import dataclass

from reports.papers.evidence import Comparable
from reports.papers.study_claims import pairs_of, rows_of
from reports.papers.study_evidence import ChosenStudy
from reports.text.numbers import short_count
from results.published import Paper
from results.published_claims import Claim


@dataclass(frozen=True)
class TrainingLength:
    """Environment steps of a run's training; `printed`: the paper's, if it has any."""

    ours: int
    printed: int | None

    def __str__(self) -> str:
        """As in "3 M of 160 M steps"."""
        if self.printed is None:
            return f"{short_count(self.ours)} steps; the paper's are not printed"
        return f"{short_count(self.ours)} of {short_count(self.printed)} steps"


def length_of_runs(paper: Paper, claim: Claim, found: Comparable) -> TrainingLength:
    return TrainingLength(found.budget, paper.suite(claim.suite).budget)


def length_of_study(paper: Paper, claim: Claim, study: ChosenStudy) -> list[TrainingLength]:
    """The longest of the policies that the claim compares; none where the study trains nothing that counts steps.

    A policy that goes on from a trained one has trained for more than the study's budget.
    """
    suite = paper.suite(claim.suite) if claim.suite else None
    budget = (study.configuration if suite is None else study.on(suite.base)).get("budget")
    if not isinstance(budget, int | float) or isinstance(budget, bool) or not 0 < budget < float("inf"):
        return []
    steps = _spent(claim, "" if suite is None else suite.base, study) or int(budget)
    return [TrainingLength(steps, None if suite is None else suite.budget)]


def _spent(claim: Claim, base: str, study: ChosenStudy) -> int:
    """The most environment steps, which `x` is in a study that has a budget of them; 0 where no row counts any."""
    most = 0.0
    for test in (test for test in claim.tests if test.judged):
        rows = rows_of(test, base, study)
        names = {name for pair in pairs_of(claim, test) for name in pair}
        own = rows["quantity"].isin({test.quantity, test.against} - {""}) & rows["algorithm"].isin(names)
        counted = rows.loc[own & rows["x"].between(0, float("inf"), inclusive="neither"), "x"]
        most = max(most, float(counted.max()) if len(counted) else 0.0)
    return int(most)
