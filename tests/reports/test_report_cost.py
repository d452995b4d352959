"""What a report says of the cost of a meta-iteration."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.commands.report import render
from benchmarks.specs.time_estimates import learn_rates
from reports.page import write_report
from reports.scores.boards import SuiteScores, make_boards
from reports.scores.cost import costs_of
from reports.scores.entries import collect_entries
from reports.tables.cost import costs_csv
from results.record_schema import sealed
from results.store import Store
from results.tables import TIMING, write_table
from tests.support.report_reading import digests, summary_of, text_of
from tests.support.scored_runs import store_run

STEPS = 4000


def store_timed(store: Store, algorithm: str, seed: int, seconds: list[float], steps: int = STEPS, **more: Any) -> None:
    """A run whose meta-iterations took `steps` environment steps and so many processor seconds."""
    store_run(store, "point", algorithm, seed, **more)
    (run,) = [run for run in store.finished() if (run.algorithm, run.seed) == (algorithm, seed)]
    rows = [
        {
            "iteration": number + 1,
            "environment_steps": (number + 1) * steps,
            "wall_seconds": 2 * second,
            "sampling_seconds": second,
            "process_seconds": second,
        }
        for number, second in enumerate(seconds)
    ]
    write_table(run.path / "timing.parquet", rows, TIMING)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "results")
    for seed in range(3):
        store_timed(store, "maml-vpg", seed, [9.0, 1.0, 1.0 + seed])
        store_timed(store, "maml-trpo", seed, [3.0, 3.0, 90.0])
        store_run(store, "point", "random-init", seed, trains=False)
    return store


def board_of(store: Store) -> SuiteScores:
    (board,) = make_boards(collect_entries(store.finished())[0])
    return board


def test_a_cost_is_the_median_over_iterations_and_seeds_relative_to_maml_vpgs(store: Store) -> None:
    plain, other = costs_of(board_of(store))
    assert (plain.entry.algorithm, plain.process_seconds, plain.relative) == ("maml-vpg", 2.0, 1.0)
    assert (plain.lowest, plain.highest) == (1.0, 3.0)
    assert (other.entry.algorithm, other.relative, other.environment_steps) == ("maml-trpo", 1.5, STEPS)
    assert other.sampling == 0.5


def test_two_boards_of_a_suite_are_told_apart_in_the_csv(store: Store) -> None:
    for seed in range(3, 5):
        for algorithm in ("maml-vpg", "maml-trpo"):
            store_timed(store, algorithm, seed, [1.0], budget=90_000, profile="standard")
    boards = make_boards(collect_entries(store.finished())[0])
    found = list(csv.DictReader(costs_csv(cost for board in boards for cost in costs_of(board)).splitlines()))
    keys = ("suite", "profile", "budget", "adaptation_steps", "trajectories", "adaptations", "algorithm")
    assert found[0]["adaptations"] == "1"
    assert len({tuple(row[key] for key in keys) for row in found}) == len(found) == 4


def test_other_samples_or_another_processor_give_no_ratio(store: Store) -> None:
    store_timed(store, "promp", 0, [1.0], steps=2 * STEPS)
    found = {cost.entry.algorithm: cost.relative for cost in costs_of(board_of(store))}
    assert found == {"maml-vpg": 1.0, "maml-trpo": 1.5, "promp": None}
    run = next(run for run in store.finished() if run.algorithm == "maml-trpo" and run.seed == 0)
    record = run.path / "run.json"
    changed = json.loads(record.read_text().replace("a processor", "another processor"))
    record.write_text(json.dumps(sealed(changed)))
    assert costs_of(board_of(store)) == ()


def test_the_report_shows_costs_and_says_nothing_where_there_is_nothing_to_compare(
    store: Store, tmp_path: Path
) -> None:
    runs = store.finished()
    page = write_report(runs, tmp_path / "report")
    assert "Cost of a meta-iteration" in text_of(page)
    with open(page.parent / "tables" / "cost.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(row["algorithm"], row["relative_to_maml-vpg"]) for row in rows] == [
        ("maml-vpg", "1.0"), ("maml-trpo", "1.5"),
    ]  # fmt: skip
    again = write_report(list(reversed(runs)), tmp_path / "again")
    assert digests(again.parent) == digests(page.parent)
    alone = write_report([run for run in runs if run.algorithm != "maml-vpg"], tmp_path / "report")
    assert "Cost of a meta-iteration" not in text_of(alone)
    assert not (alone.parent / "tables" / "cost.csv").exists()


def _lost(path: Path) -> None:
    path.unlink()


def _damaged(path: Path) -> None:
    path.write_bytes(b"PAR1")


def _not_a_number(path: Path) -> None:
    row = {"iteration": 1, "environment_steps": 1, "sampling_seconds": 1.0, "process_seconds": 1.0}
    write_table(path, [{**row, "wall_seconds": float("nan")}], TIMING)


@pytest.mark.parametrize("spoil", [_lost, _damaged, _not_a_number])
def test_a_run_whose_times_are_damaged_is_reported_with_its_scores_and_named(
    store: Store, tmp_path: Path, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    expected = summary_of(write_report(store.finished(), tmp_path / "whole"))
    spoilt = next(run for run in store.finished() if (run.algorithm, run.seed) == ("maml-vpg", 1)).path
    spoil(spoilt / "timing.parquet")
    page = render(store.finished(), tmp_path / "damaged", "Leaderboard")
    summary = summary_of(page)
    assert summary["suites"] == expected["suites"]
    told = [run.pop("wall_seconds") for run in summary["runs"] if (run["algorithm"], run["seed"]) == ("maml-vpg", 1)]
    assert told == [None]
    assert text_of(page).count("No times: maml-vpg on point, seed 1; its scores are shown: ") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("metarl: shown without times: ") and str(spoilt / "timing.parquet") in line
    plain = next(cost for cost in costs_of(board_of(store)) if cost.entry.algorithm == "maml-vpg")
    assert (plain.lowest, plain.highest) == (1.0, 3.0)  # those of seeds 0 and 2


def test_an_algorithm_none_of_whose_times_can_be_read_is_missing_where_times_are_shown_alone(
    store: Store, tmp_path: Path
) -> None:
    for run in store.finished():
        if run.algorithm != "maml-trpo":
            _damaged(run.path / "timing.parquet")
    board = board_of(store)
    assert {entry.algorithm for entry in board.entries} == {"maml-vpg", "maml-trpo", "random-init"}
    assert costs_of(board) == ()
    assert "figures/point-time.svg" in digests(write_report(store.finished(), tmp_path / "one").parent)
    for run in store.finished():
        _damaged(run.path / "timing.parquet")
    none = digests(write_report(store.finished(), tmp_path / "none").parent)
    assert "figures/point-learning.svg" in none and "figures/point-time.svg" not in none


def test_damaged_times_stop_no_estimate(store: Store) -> None:
    runs = store.finished()
    whole = learn_rates(runs)
    for run in runs:
        if run.algorithm == "maml-vpg" or run.seed == 0:
            _damaged(run.path / "timing.parquet")
    rates = learn_rates(store.finished())
    untimed = "random-init"  # which takes no step, and so no time
    assert rates == {key: rate for key, rate in whole.items() if key[1] in ("maml-trpo", untimed)}
    assert ("point", "maml-trpo") in rates
