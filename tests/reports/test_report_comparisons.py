"""What a report says beyond one score: pairs of algorithms, results across suites, pictures, the gap to the physics."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest

from reports.page import make_report, write_report
from reports.scores.simulation_gap import simulation_gaps
from reports.sections.pairwise import summary_of as in_words
from results.reference_scores import load_reference_scores
from results.store import Store
from tests.support.report_reading import digests, text_of
from tests.support.scored_runs import store_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def test_pairs_that_no_scores_could_decide_are_never_called_insignificant(store: Store, tmp_path: Path) -> None:
    for seed in range(3):
        for algorithm, level in (("promp", 18.0), ("maml", 9.0), ("random-init", 3.0)):
            store_run(store, algorithm=algorithm, seed=seed, level=level)
    report = make_report(store.finished())
    assert report.tests["point"].decided == ()
    words = "No pair can be decided with 3 seeds: the smallest attainable p is 0.1"
    assert in_words(report.tests["point"]).startswith(words)
    assert in_words(report.tests["point"]).endswith("5 seeds of each could.")
    text = text_of(write_report(store.finished(), tmp_path / "report"))
    assert words in text
    assert text.count("needs more seeds") == 3
    assert "significant" not in text


def test_enough_seeds_decide_what_differs_and_only_that(store: Store) -> None:
    for seed in range(5):
        for algorithm, level in (("promp", 18.0), ("maml", 3.01), ("random-init", 3.0)):
            store_run(store, algorithm=algorithm, seed=seed, level=level)
    tests = make_report(store.finished()).tests["point"]
    winners = {frozenset((pair.first.algorithm, pair.second.algorithm)): pair.winner for pair in tests.pairs}
    assert [winner and winner.algorithm for winner in winners.values()].count("promp") == 2
    assert winners[frozenset(("maml", "random-init"))] is None
    assert in_words(tests) == "2 of 3 pairs decided at 5 %."


def test_what_may_not_be_compared_is_in_no_test_and_no_aggregate(store: Store) -> None:
    for seed in range(2):
        store_run(store, "frozen-lake-low", "promp", seed, 1.0)
        store_run(store, "frozen-lake-low", "maml", seed, 1.2)
        store_run(store, "frozen-lake-low", "cavia", seed, 1.2, budget=5)
        store_run(store, "frozen-lake-low", "oracle", seed, 2.0, access=("train", "test"))
    report = make_report(store.finished())
    assert set(report.across.aggregates) == {"promp", "maml"}
    assert {pair.first.label for pair in report.tests["frozen-lake-low"].pairs} == {"maml"}
    assert len(report.across.improvements) == 1


def test_scores_are_put_on_one_scale_and_what_cannot_be_is_named(store: Store, tmp_path: Path) -> None:
    for seed in range(3):
        for algorithm, level in (("promp", 1.0), ("maml", -1.0)):
            store_run(store, "frozen-lake-low", algorithm, seed, level)
            store_run(store, "point", algorithm, seed, level)
        store_run(store, "frozen-lake-high", "promp", seed, 1.0)
    report = make_report(store.finished())
    references = load_reference_scores()
    shares = []
    for suite in ("frozen-lake-high", "frozen-lake-low"):
        scores = next(board for board in report.boards if board.suite == suite).entries[0].scores[-1]
        low, high = references[suite]["random"], references[suite]["oracle"]
        shares.append((scores.mean() - low) / (high - low))
    assert report.across.aggregates["promp"].mean.value == pytest.approx(np.mean(shares))
    page = write_report(store.finished(), tmp_path / "report")
    text = text_of(page)
    assert "Left out, for want of references: point. maml is left out: no comparable score on frozen-lake-high." in text
    assert "figures/across-profile.svg" in digests(page.parent)
    assert "Across 2 suites with references the highest normalised interquartile mean is promp" in text


def test_pictures_of_the_leading_trained_algorithm_are_shown_within_the_page(store: Store, tmp_path: Path) -> None:
    for seed in (1, 2):
        store_run(store, algorithm="oracle", seed=seed, level=30.0, access=("train", "test"))
        store_run(store, algorithm="promp", seed=seed, level=20.0)
        store_run(store, algorithm="maml", seed=seed, level=4.0)
    for run in store.finished():
        (run.path / "artefacts").mkdir()
        for name, size in (("flight.png", 3_000), ("flight.gif", 6_000), ("long.gif", 500_000), ("state", 9)):
            (run.path / "artefacts" / name).write_bytes(f"{run.algorithm} {run.seed} {name} ".encode() + bytes(size))
    html = write_report(store.finished(), tmp_path / "report").read_text()
    sources = re.findall(r'<img src="data:(image/[a-z]+);base64,([^"]*)" alt="([^"]*)"', html)
    assert [kind for kind, _, _ in sources] == ["image/png", "image/gif"]
    assert all(base64.b64decode(content).startswith(b"promp 1 flight.") for _, content, _ in sources)
    assert {text for _, _, text in sources} == {"point: promp, seed 1: flight, after adaptation"}
    assert "Too large to be shown here: long.gif" in html


def test_the_gap_to_the_physics_is_paired_by_seed(store: Store, tmp_path: Path) -> None:
    for seed in range(4):
        store_run(store, "drone[horizon=9]", "promp", seed, 19.0, metric="success")
        if seed != 2:
            store_run(store, "drone-physics[horizon=9]", "promp", seed, 6.0, metric="success")
        store_run(store, "drone-physics[horizon=9]", "maml", seed, 6.0, metric="success")
        store_run(store, "drone-physics", "promp", seed, 6.0, metric="success")
    boards = make_report(store.finished()).boards
    (gap,) = simulation_gaps(boards)
    assert (gap.physics.suite, gap.seeds) == ("drone-physics[horizon=9]", (0, 1, 3))
    simple = next(entry for board in boards if board.suite == "drone[horizon=9]" for entry in board.entries)
    assert gap.before == pytest.approx(simple.scores[-1][[0, 1, 3]].mean())
    assert gap.interval is not None
    assert gap.interval[0] <= gap.gap <= gap.interval[1] < 0
    text = text_of(write_report(store.finished(), tmp_path / "report"))
    assert "drone[horizon=9] → drone-physics[horizon=9]" in text
