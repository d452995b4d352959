"""The fixed references of normalised scores: what is shipped, and the script that adds to it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.commands.fix_reference_scores import exact_scores, main
from environments.catalogue import make_suite
from reports.scores.normalised import load_reference_scores, reference_of, scale_of
from results import reference_scores
from results.files import StoreError
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
        assert make_suite(suite).full_name == suite
        assert math.isfinite(entry["random"])
        assert entry["random"] < entry["oracle"] < math.inf
        assert entry["source"]


@pytest.mark.parametrize("name", ["frozen-lake-high", "frozen-lake-low"])
def test_the_lakes_references_are_exact(name: str) -> None:
    suite, shipped = make_suite(name), load_reference_scores()[name]
    assert shipped == pytest.approx(exact_scores(suite))
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
    assert "3 seeds) before adaptation" in entry["source"]


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
        ((("random-init", 2.0, 9),), "ant-goal", 1, "no finished run of oracle on ant-goal"),
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
        [0.0, 1.0],
    ],
)
def test_a_damaged_file_is_refused_by_the_entrys_name(entry: object, tmp_path: Path) -> None:
    file = tmp_path / "scores.json"
    file.write_text(json.dumps({"point": entry}))
    with pytest.raises(StoreError, match="'point' must hold numbers random < oracle"):
        reference_scores.load_reference_scores(file)
