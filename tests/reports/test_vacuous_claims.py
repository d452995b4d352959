"""Claims on a bound above everything, which the shipped studies can decide neither way."""

from __future__ import annotations

from pathlib import Path

from reports.papers.evidence import gather
from reports.papers.parts import VACUOUS
from reports.papers.study_evidence import choose_studies
from reports.papers.verdicts import judge
from results.published import find_paper
from results.store import Store

SHIPPED = Path(__file__).parents[2] / "results" / "reference"


def test_what_is_held_against_a_vacuous_bound_is_vacuous_whatever_its_relation() -> None:
    """Of figure1.bound, whose bound is 12.2 and 6.1 where no policy's gap is above 6.0 and 5.4."""
    studies = choose_studies(Store(SHIPPED, read_only=True).studies(), ())
    verdicts = judge(gather(find_paper("bo-mrl"), [], studies=studies))
    families = [f"bo-mrl.figure1.{name}" for name in ("bound", "tight", "policy-gradient")]
    words = {verdict.claim.id: verdict.word for verdict in verdicts if verdict.claim.family in families}
    assert len(words) == 6 and set(words.values()) == {VACUOUS}
