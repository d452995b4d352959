"""What is said of a claim beside its verdict: equality, what is excluded, how long was trained, what still moved."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from reports.papers.allowed import allowed, excluded_text, moved_text
from reports.papers.change import what_would_change
from reports.papers.claims import ALIKE
from reports.papers.last_move import last_move
from reports.papers.page import write_paper
from reports.papers.parts import CONTRADICTED, EQUAL, NOT_RUN, REPRODUCED, UNDECIDED, Moved, Part
from reports.papers.picture import picture_of
from reports.papers.verdicts import ClaimVerdict, word_of
from reports.scores.entries import collect_entries
from reports.scores.reading import read_learning_curve
from reports.statistics.mean_difference import compare_means
from reports.statistics.multiplicity import holm
from reports.statistics.worst_case import p_value
from results.store import Store
from tests.support.paper_claims import ABOVE_BOTH, HIGHER, evidence_of, fill, paper_of, verdicts_of

SUITE = "point[horizon=20]"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def means(store: Store) -> dict[str, np.ndarray]:
    return {entry.algorithm: entry.scores[-1].mean(axis=1) for entry in collect_entries(store.finished())[0]}


def test_methods_that_are_alike_are_equal_within_the_margin_and_not_undecided(store: Store, tmp_path: Path) -> None:
    fill(store, 8, promp=8.0, maml=8.0)
    paper = paper_of(tmp_path, HIGHER)
    (verdict,) = verdicts_of(paper, store)
    assert verdict.word == EQUAL and verdict.design is not None
    (part,) = verdict.parts
    ours, others = means(store)["promp"], means(store)["maml"]
    assert part.margin is not None
    assert part.margin == min(verdict.design.effect, ALIKE * others.mean())
    error = np.sqrt(2) * max(stats.sem(ours), stats.sem(others))
    assert part.equal_p == pytest.approx(p_value((part.margin - abs(ours.mean() - others.mean())) / error, 8, "two"))
    assert re.search(r"less than \d\.\d+ apart, p = .* over 1 test of that", part.reason)
    assert "tell smaller differences from none" in what_would_change(verdict, paper)


def test_the_statement_says_what_equal_means_where_a_claim_is(store: Store, tmp_path: Path) -> None:
    fill(store, 8, promp=8.0, maml=8.0)
    said = "Two methods are equal within margin where one was claimed above the other"
    page = write_paper(paper_of(tmp_path, HIGHER), store.finished(), tmp_path / "equal")
    assert said in (page.parent / "statement.md").read_text()
    margin = "their difference is shown to be smaller than the effect that 8 seeds decide, and smaller than 20 % of"
    assert margin in " ".join(page.read_text().split())
    fill(store, 8, lvc=3.0)
    page = write_paper(paper_of(tmp_path, HIGHER.replace("maml", "lvc")), store.finished(), tmp_path / "apart")
    assert said not in (page.parent / "statement.md").read_text()


def test_what_differs_by_more_than_a_fifth_is_never_called_equal(store: Store, tmp_path: Path) -> None:
    """However little the design decides: on a scale where the spread is as large as the scores, nothing is equal."""
    fill(store, 8, promp=0.3, maml=0.3)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert verdict.word == UNDECIDED and verdict.design is not None
    (part,) = verdict.parts
    assert part.margin == pytest.approx(ALIKE * abs(means(store)["maml"].mean()))
    assert part.margin is not None and part.margin < verdict.design.effect
    # the fifth is as uncertain as the mean: held against 0.8 and 1.2 times the other's scores, not a fixed distance
    ours, others = means(store)["promp"], means(store)["maml"]
    ends = [compare_means(ours, times * others, "plane", part.pair, "score").p_value or 0 for times in (0.8, 1.2)]
    inside = 0.8 * others.mean() < ours.mean() < 1.2 * others.mean()
    assert part.equal_p == pytest.approx(max(ends) if inside else 1.0)
    assert inside, "the scores of the test no longer lie where the margin decides"


def test_an_order_that_is_decided_is_not_called_equal_however_small(store: Store, tmp_path: Path) -> None:
    fill(store, 30, promp=8.8, maml=8.3)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    (part,) = verdict.parts
    assert part.equal_p is not None and part.equal_p <= 0.05  # it would be
    assert verdict.word == part.word == REPRODUCED


def test_tests_of_equality_are_corrected_among_themselves_and_weaken_no_order(store: Store, tmp_path: Path) -> None:
    fill(store, 8, promp=9.0, maml=8.6, lvc=8.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, ABOVE_BOTH), store)
    found = means(store)
    orders = [compare_means(found["promp"], found[name]).p_value or 0 for name in ("maml", "lvc")]
    assert [part.p_value for part in verdict.parts] == holm(orders, [0.0, 0.0])
    close = [part.equal_p or 0 for part in verdict.parts]
    words = [EQUAL if p <= 0.05 else UNDECIDED for p in holm(close, [0.0, 0.0])]
    assert [part.word for part in verdict.parts if part.word != REPRODUCED] == [
        word for part, word in zip(verdict.parts, words, strict=True) if part.word != REPRODUCED
    ]


def test_equal_parts_make_an_equal_claim_only_where_none_is_open_or_fails() -> None:
    def parts(*words: str) -> list[Part]:
        return [Part("a against b", word, "") for word in words]

    assert word_of(parts(REPRODUCED, EQUAL)) == EQUAL
    assert word_of(parts(EQUAL, UNDECIDED)) == UNDECIDED
    assert word_of(parts(EQUAL, NOT_RUN)) == UNDECIDED
    assert word_of(parts(EQUAL, CONTRADICTED)) == CONTRADICTED


def test_an_undecided_claim_says_what_its_interval_excludes(store: Store, tmp_path: Path) -> None:
    fill(store, 3, promp=8.0, maml=8.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert verdict.interval is not None and verdict.word == UNDECIDED
    low, high = (f"{end:.3f}".replace("-", "−") for end in verdict.interval)
    assert allowed(verdict)[0].startswith(f"promp against maml: an effect below {low} or above {high} is excluded")


def test_one_seed_excludes_nothing_and_an_infinite_end_is_no_end() -> None:
    part = Part("a against b", UNDECIDED, "", 3.0, None, 1, units=1)
    assert excluded_text(part) == "1 seed excludes nothing"
    open_above = Part("a", UNDECIDED, "", 1.5, (1.25, float("inf")), 3, units=3)
    assert excluded_text(open_above) == "an effect below 1.25 is excluded (at 95 %, this comparison alone)"


def test_the_length_of_training_stands_beside_the_papers(store: Store, tmp_path: Path) -> None:
    fill(store, 3, promp=8.0, maml=8.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert verdict.trained == ("100 k of 5 M steps",)
    assert "trained for 100 k of 5 M steps" in allowed(verdict)


def verdict_of_curves(store: Store, tmp_path: Path) -> ClaimVerdict:
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    return verdict


def test_the_last_stretch_of_the_curves_says_whether_the_difference_was_still_moving(
    store: Store, tmp_path: Path
) -> None:
    fill(store, 8, promp=40.0, maml=8.0)  # curves rise in proportion to their levels, to the end
    (part,) = verdict_of_curves(store, tmp_path).parts
    evidence = evidence_of(paper_of(tmp_path, HIGHER), store.finished())
    entries = evidence.sets[0].entries
    changes = {}
    for name in ("promp", "maml"):
        curves = [read_learning_curve(run) for run in entries[name].runs]
        changes[name] = np.array([c.values[-1, 1].mean() - c.values[3, 1].mean() for c in curves if c is not None])
    expected = compare_means(changes["promp"], changes["maml"])
    assert part.moved == Moved(0.25, expected.effect, expected.interval)
    assert part.moved.change == pytest.approx((40 - 8) / 4, abs=1.0)
    assert part.moved.shown and moved_text(part.moved, part.effect).endswith("it was still growing")
    assert moved_text(part.moved, -1.0).endswith("it was still turning the other way")


def test_a_difference_that_stands_still_shows_no_movement(store: Store, tmp_path: Path) -> None:
    fill(store, 8, promp=8.0, maml=8.0)
    (part,) = verdict_of_curves(store, tmp_path).parts
    assert part.moved is not None and not part.moved.shown
    assert "no movement is shown, and none within these ends excluded" in moved_text(part.moved, part.effect)


def test_without_curves_nothing_is_said_of_movement(store: Store, tmp_path: Path) -> None:
    fill(store, 2, promp=8.0, maml=8.0)
    promp, _ = collect_entries(store.finished())[0]
    assert last_move(promp) is None
    verdict = verdict_of_curves(store, tmp_path)
    assert verdict.parts[0].moved is not None


def test_the_picture_has_the_effect_its_interval_and_the_margin_in_order() -> None:
    part = Part("a against b", UNDECIDED, "", 2.0, (-1.0, 5.0), 8, held=0.0, margin=4.0)
    picture = picture_of(part)
    (places,) = re.findall(r'class="band" x="([\d.]+)" y="2" width="([\d.]+)"', picture)
    band, width = map(float, places)
    (held,), (dot,) = re.findall(r'class="held" d="M([\d.]+)', picture), re.findall(r'<circle cx="([\d.]+)"', picture)
    low, high = (float(each) for each in re.findall(r'class="whisker" d="M([\d.]+) 9H([\d.]+)"', picture)[0])
    assert band < low < float(held) < float(dot) < band + width < high
    assert float(held) == pytest.approx((low * 5 + high) / 6, abs=0.2)


def test_there_is_no_picture_where_there_is_no_interval() -> None:
    assert picture_of(None) == ""
    assert picture_of(Part("a", UNDECIDED, "", 2.0, None, 1, held=0.0)) == ""
    assert picture_of(Part("a", REPRODUCED, "", 2.0, None, unit="")) == ""
    endless = picture_of(Part("a", UNDECIDED, "", 1.0, (-float("inf"), float("inf")), 3, held=1.0))
    assert 'd="M0.0 9H150.0"' in endless
