"""What a report says beyond one score: pairs of algorithms, results across suites, pictures, the gap to the physics."""

from __future__ import annotations

import base64
import csv
import re
from pathlib import Path

import numpy as np
import pytest

from reports.page import make_report, write_report
from reports.scores import normalised
from reports.scores.simulation_gap import simulation_gaps
from reports.sections.pairwise import summary_of as in_words
from reports.statistics.mean_difference import compare_to
from results.reference_scores import ReferenceScore, load_reference_scores
from results.store import Store
from tests.support.report_reading import digests, text_of
from tests.support.scored_runs import store_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def test_seeds_that_are_too_few_for_a_reading_are_said_to_be_and_decide_nothing(store: Store, tmp_path: Path) -> None:
    for seed in range(2):
        for algorithm, level in (("promp", 18.0), ("maml", 9.0), ("random-init", 3.0)):
            store_run(store, algorithm=algorithm, seed=seed, level=level)
    report = make_report(store.finished())
    assert report.tests["point"].decided == ()
    assert report.tests["point"].ranks == {"promp": (1, 2), "maml": (1, 2)}
    words = "Nothing is decided yet: the first reading takes 3 seeds of each."
    assert in_words(report.tests["point"]) == words
    text = text_of(write_report(store.finished(), tmp_path / "report"))
    assert words in text
    assert "decide 0 of 3 at 5 %; 3 have fewer than 3 seeds on a side, and are not tested." in text
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
    assert in_words(tests) == "2 of this board's 3 pairs decided at 5 %, as a family of their own."
    assert tests.ranks == {"promp": (1, 1), "maml": (2, 2)}


def test_what_may_not_be_compared_is_in_no_test_and_no_aggregate(store: Store) -> None:
    for seed in range(2):
        store_run(store, "frozen-lake-low", "promp", seed, 1.0)
        store_run(store, "frozen-lake-low", "maml", seed, 1.2)
        store_run(store, "frozen-lake-low", "random-init", seed, 0.0, trains=False)
        store_run(store, "frozen-lake-low", "oracle", seed, 2.0, access=("train", "test"))
        store_run(store, "frozen-lake-low", "stand-still", seed, 2.0, trains=False, scripted=True)
    report = make_report(store.finished())
    (across,) = report.across
    assert set(across.aggregates) == {"promp", "maml", "random-init"}
    assert {frozenset((pair.first.label, pair.second.label)) for pair in report.tests["frozen-lake-low"].pairs} == {
        frozenset(("promp", "maml")), frozenset(("promp", "random-init")), frozenset(("maml", "random-init")),
    }  # fmt: skip
    assert len(across.improvements) == 3


def test_scores_are_put_on_one_scale_and_what_cannot_be_is_named(store: Store, tmp_path: Path) -> None:
    for seed in range(3):
        for algorithm, level in (("promp", 1.0), ("maml", -1.0)):
            store_run(store, "frozen-lake-low", algorithm, seed, level)
            store_run(store, "point", algorithm, seed, level)
        store_run(store, "frozen-lake-high", "promp", seed, 1.0)
        for suite in ("frozen-lake-low", "frozen-lake-high", "point"):
            store_run(store, suite, "random-init", seed, -2.0, trains=False)
    (across,) = make_report(store.finished()).across
    references = load_reference_scores()
    shares = []
    for board in across.boards:
        if board.suite in references:
            scores, floor = (
                next(entry.scores[-1].mean() for entry in board.entries if entry.algorithm == name)
                for name in ("promp", "random-init")
            )
            shares.append((scores - floor) / (references[board.suite]["oracle"] - floor))
    assert len(shares) == 2
    assert across.aggregates["promp"].mean.value == pytest.approx(np.mean(shares))
    assert across.aggregates["random-init"].mean.value == pytest.approx(0, abs=1e-12)
    page = write_report(store.finished(), tmp_path / "report")
    text = text_of(page)
    assert "Left out, for want of a ceiling or of random-init: point." in text
    assert "frozen-lake-low: 1.64, the best possible score" in text
    assert "ceiling 1.64, the best possible score" in text
    assert "maml is left out: no score on frozen-lake-high." in text
    assert "figures/across-smoke-profile.svg" in digests(page.parent)


def test_a_ceiling_names_whose_it_is_its_runs_and_who_is_above_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference: ReferenceScore = {
        "random": 0.0,
        "oracle": 10.0,
        "source": "means over test tasks",
        "ceiling": "contextual-ppo",
        "runs": ["runs/point/contextual-ppo/0123456789ab/seed-0"],
        "considered": {"contextual-ppo": 10.0, "oracle": 7.0},
    }
    monkeypatch.setattr(normalised, "load_reference_scores", lambda: {"point": reference, "lake": reference})
    for seed in range(3):
        for suite, level in (("point", 30.0), ("lake", 9.0)):
            store_run(store, suite, "promp", seed, level)
            store_run(store, suite, "random-init", seed, 0.0, trains=False)
            store_run(store, suite, "contextual-ppo", seed, 10.0, access=("train", "parameters", "test-parameters"))
    page = write_report(store.finished(), tmp_path / "report")
    text = text_of(page)
    assert "point: 10.00, the mean of 1 run of contextual-ppo; below it oracle 7.00" in text
    assert "runs/point/contextual-ppo/0123456789ab/seed-0" in text
    (caution,) = [caution for caution in make_report(store.finished()).cautions if caution.kind == "Above the ceiling"]
    assert "on point the normalised mean of promp" in caution.text and "is above 1.2" in caution.text
    assert caution.text in text
    (across,) = make_report(store.finished()).across
    assert set(across.aggregates) == {"promp", "random-init"}  # who is told the task is no rival
    assert "is told which test task it is on (reference)" in text


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
    # not of a bootstrap, which covers too seldom with three seeds
    differences = gap.physics.scores[-1].mean(axis=1) - simple.scores[-1][[0, 1, 3]].mean(axis=1)
    assert gap.interval == compare_to(differences).interval
    assert gap.interval is not None and gap.interval[0] <= gap.gap <= gap.interval[1]
    page = write_report(store.finished(), tmp_path / "report")
    (row,) = csv.DictReader((page.parent / "tables/simulation-gap.csv").open(newline=""))
    assert float(row["gap"]) == gap.gap and float(row["low"]) == gap.interval[0]
    assert (row["simplified_digest"], row["physics_digest"]) == (gap.simple.digest, gap.physics.digest)
    text = text_of(page)
    assert "drone[horizon=9] → drone-physics[horizon=9]" in text
