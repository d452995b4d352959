"""How long our runs trained beside the paper's, which stands with every verdict."""

from __future__ import annotations

from dataclasses import dataclass

from reports.papers.evidence import Comparable
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
    """Of the claim's suite; none where it trains nothing that counts steps."""
    suite = paper.suite(claim.suite) if claim.suite else None
    budget = (study.configuration if suite is None else study.on(suite.base)).get("budget")
    if not isinstance(budget, int | float) or isinstance(budget, bool) or not 0 < budget < float("inf"):
        return []
    return [TrainingLength(int(budget), None if suite is None else suite.budget)]
