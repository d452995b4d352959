"""The fixed references of normalised scores: what is shipped, and the script that adds to it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.commands.fix_reference_scores import exact_scores, main
from benchmarks.planning.definition import find_definition
from environments.catalogue import make_suite
from environments.drone.scripted_flights import ScriptedFlights
from environments.streams import Streams
from reports.scores.normalised import load_reference_scores, reference_of, scale_of
from results import reference_scores
from results.files import StoreError
from results.reference_scores import reference_key
from results.store import Store
from tests.support.scored_runs import store_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def fix(store: Store, file: Path, *arguments: str) -> int:
    return main([*arguments, "--results", str(store.root), "--file", str(file)])


def test_every_shipped_reference_has_the_untrained_policy_below_the_oracle() -> None:
    shipped = load_reference_scores()
    assert {"frozen-lake-high", "frozen-lake-low"} <= set(shipped)
    for suite, entry in shipped.items():
        name, _, digest = suite.partition("@")
        assert make_suite(name).full_name == name
        assert bool(digest) == (make_suite(name).data_digest is not None)
        assert math.isfinite(entry["random"])
        assert entry["random"] < entry["oracle"] < math.inf
        assert entry["source"]


@pytest.mark.parametrize("name", ["frozen-lake-high", "frozen-lake-low"])
def test_the_lakes_references_are_exact(name: str) -> None:
    suite, shipped = make_suite(name), load_reference_scores()[name]
    exact = exact_scores(suite)
    assert exact is not None
    assert (shipped["random"], shipped["oracle"]) == pytest.approx((exact["random"], exact["oracle"]))
    # by hand: a shortest path of 6 moves, then the goal pays until the 49 steps are over
    assert shipped["oracle"] == pytest.approx(sum(0.8**time for time in range(5, 49)), rel=1e-12)
    walks = np.random.default_rng(0)
    batch = suite.make_batch(20, 200)
    batch.set_tasks(suite.split.test)
    batch.reset(seed=0)
    total = np.zeros(4000)
    for time in range(49):
        total += 0.8**time * batch.step(walks.integers(4, size=4000))[1]
    assert shipped["random"] == pytest.approx(total.mean(), abs=4 * total.std() / np.sqrt(4000))


def test_the_adapted_random_initialisation_scores_zero_and_the_oracle_one() -> None:
    oracle = load_reference_scores()["frozen-lake-low"]["oracle"]
    scale = scale_of("frozen-lake-low", 0.2)
    assert scale is not None
    assert scale.normalise(np.array([[0.2, oracle], [2 * oracle - 0.2, oracle]])) == pytest.approx(
        np.array([[0.0, 1.0], [2.0, 1.0]])
    )
    assert scale_of("frozen-lake-low", oracle) is None  # a floor that is no lower than the ceiling is no scale


def test_a_suite_with_other_scores_has_references_of_its_own_or_none() -> None:
    assert scale_of("frozen-lake-low[horizon=10]", 0.0) is None
    assert scale_of("unheard-of", 0.0) is None
    same = load_reference_scores()["frozen-lake-low"]
    assert reference_of("frozen-lake-low[train_tasks=distribution]") == same
    assert reference_of("frozen-lake-low[horizon=10,train_tasks=distribution]") is None


def test_references_are_means_over_tasks_and_seeds_of_stored_runs(store: Store, tmp_path: Path) -> None:
    suite, file = "ant-goal", tmp_path / "scores.json"
    for seed in range(3):
        store_run(store, suite, "random-init", seed, level=2.0, trains=False)
    for seed in range(2):
        store_run(store, suite, "oracle", seed, level=20.0, access=("validation", "test"))
        store_run(store, suite, "oracle", seed, level=90.0, budget=10)  # a smaller budget is no reference
    assert fix(store, file) == 0
    entry = reference_scores.load_reference_scores(file)[suite]
    runs = {name: [r for r in store.finished() if r.algorithm == name] for name in ("random-init", "oracle")}
    largest = [run for run in runs["oracle"] if run.identity["budget"] == 100_000]
    means = [
        np.mean([r.scores.query(f"split == 'test' and step == {step}")["return"].mean() for r in group])
        for group, step in ((runs["random-init"], 0), (largest, 1))
    ]
    assert (entry["random"], entry["oracle"]) == pytest.approx(tuple(means))
    assert largest[0].digest[:12] in entry["source"]
    assert entry["ceiling"] == "oracle" and entry["considered"] == {"oracle": entry["oracle"]}
    assert [store.root / run for run in entry["runs"]] == [run.path for run in largest]
    assert "3 seeds) before adaptation" in entry["source"]


def test_a_ceiling_is_the_best_of_experts_and_oracle_and_names_the_others(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "scores.json"
    store_run(store, "ant-goal", "random-init", level=2.0, trains=False)
    store_run(store, "ant-goal", "oracle", level=20.0, access=("validation", "test"))
    store_run(store, "ant-goal", "promp", level=90.0)  # is a method and no ceiling
    for seed in range(2):
        store_run(store, "ant-goal", "contextual-ppo", seed, level=30.0, access=("train", "test-parameters"))
    assert fix(store, file) == 0
    entry = reference_scores.load_reference_scores(file)["ant-goal"]
    assert entry["ceiling"] == "contextual-ppo"
    assert entry["oracle"] == entry["considered"]["contextual-ppo"] > entry["considered"]["oracle"]
    assert [Path(run).parts[2] for run in entry["runs"]] == ["contextual-ppo"] * 2


@pytest.mark.parametrize(("name", "best"), [("corners", 2 * math.sqrt(2)), ("drone-obstacles", 1.0)])
def test_a_best_score_that_is_known_is_the_ceiling(name: str, best: float, store: Store, tmp_path: Path) -> None:
    suite, file = make_suite(name), tmp_path / "scores.json"
    store_run(store, suite.full_name, "random-init", level=0.1, trains=False, metric=suite.metric)
    store_run(store, suite.full_name, "oracle", level=0.2, metric=suite.metric)
    assert fix(store, file) == 0
    entry = reference_scores.load_reference_scores(file)[suite.full_name]
    assert entry["oracle"] == pytest.approx(best)
    assert (entry["ceiling"], entry["runs"]) == ("exact", [])


def test_no_walk_earns_more_than_the_best_score_of_corners_and_the_straight_one_earns_it() -> None:
    suite = make_suite("corners")
    batch = suite.make_batch(4, 5)
    batch.set_tasks(suite.split.test)
    place, _ = batch.reset(seed=0)
    goals = np.repeat([task.parameters["goal"] for task in suite.split.test], 5, axis=0)
    earned = np.zeros(20)
    for _ in range(suite.horizon):
        place, reward, *_ = batch.step(((goals - place) / 0.2).clip(-1, 1))
        earned += reward
    assert earned == pytest.approx(np.full(20, suite.best_score))
    assert make_suite("corners[reward=published]").best_score is make_suite("corners[horizon=10]").best_score is None


def test_flights_by_script_reach_the_goal_of_every_test_task_of_the_drone() -> None:
    suite: Any = make_suite("drone-obstacles")
    assert suite.best_score == 1.0
    assert make_suite("drone-obstacles[horizon=90]").best_score is None  # the nearest goal is 9 m away
    assert make_suite("drone-obstacles-physics").best_score is None
    batch = suite.make_batch(20, 10)
    batch.set_tasks(suite.split.test)
    batch.reset(seed=0)
    flights = ScriptedFlights(
        suite.split.test, 10, suite.options, Streams(0), clearance=(0.01, 0.1), noise=0.0, bad=0.0
    )
    reached = np.zeros(200, dtype=bool)
    for decision in range(suite.horizon):
        info = batch.step(flights.actions(batch.positions, decision))[-1]
        reached |= info["success"]
    assert reached.reshape(20, 10).any(axis=1).all()


def test_where_outside_data_decide_the_scores_the_references_are_of_these_data(store: Store, tmp_path: Path) -> None:
    suite, file = make_suite("dow30-risk[data=synthetic]"), tmp_path / "scores.json"
    assert fix(store, file, suite.full_name) == 1
    key = reference_key(suite.full_name, suite.digest)
    reference_scores.write_reference_scores({key: {"random": 0.0, "oracle": 1.0, "source": "x"}}, file)
    assert key in reference_scores.load_reference_scores(file)
    assert key.startswith("dow30-risk[") and key.endswith(f"@{suite.digest[:8]}")


def test_every_suite_of_the_quick_leaderboard_may_have_a_ceiling() -> None:
    """Each has a best score that is known, or is run for its ceiling; nothing else is run for one."""
    run = {make_suite(name).full_name for name in find_definition("ceilings").suites}
    quick = [make_suite(name) for name in find_definition("quick").suites]
    known = {suite.full_name for suite in quick if exact_scores(suite) or suite.best_score is not None}
    assert not run & known
    assert run | known == {suite.full_name for suite in quick}


def test_an_existing_reference_is_kept_unless_it_is_to_be_replaced(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "scores.json"
    store_run(store, "ant-goal", "random-init", level=2.0, trains=False)
    store_run(store, "ant-goal", "oracle", level=20.0)
    assert fix(store, file, "ant-goal", "frozen-lake-high") == 0
    before = file.read_bytes()
    assert set(json.loads(before)) == {"ant-goal", "frozen-lake-high"}
    assert fix(store, file, "ant-goal") == 0
    assert file.read_bytes() == before
    store_run(store, "ant-goal", "oracle", seed=1, level=30.0)
    assert fix(store, file, "ant-goal") == 1
    assert "--replace changes every normalised score" in capsys.readouterr().err
    assert file.read_bytes() == before
    assert fix(store, file, "ant-goal", "--replace") == 0
    after = reference_scores.load_reference_scores(file)
    assert after["ant-goal"]["oracle"] > json.loads(before)["ant-goal"]["oracle"]
    assert after["frozen-lake-high"] == json.loads(before)["frozen-lake-high"]


@pytest.mark.parametrize(
    ("runs", "suite", "code", "message"),
    [
        ((), "ant-goal", 1, "no finished run of random-init on ant-goal"),
        ((("random-init", 2.0, 9),), "ant-goal", 1, "no finished run of contextual-ppo or oracle on ant-goal"),
        ((("random-init", 50.0, 9), ("oracle", 3.0, 9)), "ant-goal", 1, "is not above the .* of random-init"),
        (
            (("random-init", 2.0, 9), ("oracle", 9.0, 9), ("oracle", 9.0, 8)),
            "ant-goal",
            1,
            "in 2 configurations",
        ),
        ((), "cornres", 2, "did you mean 'corners'"),
    ],
)
def test_what_gives_no_reference_is_said_by_name(
    runs: tuple[tuple[str, float, int], ...],
    suite: str,
    code: int,
    message: str,
    store: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for algorithm, level, size in runs:
        store_run(store, "ant-goal", algorithm, level=level, configuration={"size": size})
    assert fix(store, tmp_path / "scores.json", suite) == code
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.count("\n") == 1
    assert not (tmp_path / "scores.json").exists()


@pytest.mark.parametrize(
    "entry",
    [
        {"random": 1.0, "oracle": 1.0, "source": "x"},
        {"random": 2.0, "oracle": 1.0, "source": "x"},
        {"random": 0.0, "oracle": None, "source": "x"},
        {"random": 0.0, "oracle": 1.0},
        {"random": 0.0, "oracle": 1.0, "source": "x", "runs": "none"},
        {"random": 0.0, "oracle": 1.0, "source": "x", "unheard": "of"},
        [0.0, 1.0],
    ],
)
def test_a_damaged_file_is_refused_by_the_entrys_name(entry: object, tmp_path: Path) -> None:
    file = tmp_path / "scores.json"
    file.write_text(json.dumps({"point": entry}))
    with pytest.raises(StoreError, match="'point' must hold numbers random < oracle"):
        reference_scores.load_reference_scores(file)
