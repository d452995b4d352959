"""How many more tests of a paper would leave a decided claim open, and that its page says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.papers.change import what_would_change
from reports.papers.evidence import gather
from reports.papers.parts import ALPHA, REPRODUCED, UNDECIDED
from reports.papers.verdicts import ClaimVerdict, judge
from reports.scores.entries import collect_entries
from reports.statistics.multiplicity import holm
from results.published import Paper
from results.store import Store
from tests.support.paper_claims import HIGHER, fill, paper_of

NOT_RUN_YET = 'relation = "higher"\nfirst = ["maml"]\nsecond = ["lvc"]'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def judged(paper: Paper, store: Store) -> tuple[ClaimVerdict, ...]:
    entries, refused = collect_entries(store.finished())
    return judge(gather(paper, entries, refused, algorithms={"promp", "maml", "lvc"}, suites={"point"}))


def test_a_decided_claim_says_how_many_tests_that_are_to_come_would_undo_it(store: Store, tmp_path: Path) -> None:
    fill(store, 6, promp=9.6, maml=8.0)
    paper = paper_of(tmp_path, HIGHER, *[NOT_RUN_YET] * 30)
    verdict, *others = judged(paper, store)
    (part,) = verdict.parts
    assert (verdict.word, verdict.to_come) == (REPRODUCED, 30)
    assert part.raw_p is not None and part.smallest_p is not None
    p_value, least = part.raw_p, part.smallest_p

    def corrected(further: int) -> float:
        return holm([p_value, *[1.0] * further], [least, *[0.0] * further])[0]

    expected = next(further for further in range(1, 31) if corrected(further) > ALPHA)
    assert verdict.undone_by == expected > 1
    said = f"or {expected} further tests of the paper that could decide and do not, of 30 that have no runs yet"
    assert said in what_would_change(verdict, paper)
    assert {other.undone_by for other in others} == {None}

    few = paper_of(tmp_path, HIGHER, *[NOT_RUN_YET] * (expected - 1))
    assert judged(few, store)[0].undone_by is None
    assert "further test" not in what_would_change(judged(few, store)[0], few)
    fill(store, 6, lvc=8.0)  # and they do undo it
    assert judged(paper_of(tmp_path, HIGHER, *[NOT_RUN_YET] * expected), store)[0].word == UNDECIDED
    assert judged(few, store)[0].word == REPRODUCED
