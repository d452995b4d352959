"""What a report says of the cost of a meta-iteration."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from reports.page import write_report
from reports.scores.boards import Board, make_boards
from reports.scores.cost import costs_of
from reports.scores.entries import collect_entries
from results.store import Store
from results.tables import TIMING, write_table
from tests.support.report_reading import digests, text_of
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


def board_of(store: Store) -> Board:
    (board,) = make_boards(collect_entries(store.finished())[0])
    return board


def test_a_cost_is_the_median_over_iterations_and_seeds_relative_to_maml_vpgs(store: Store) -> None:
    plain, other = costs_of(board_of(store))
    assert (plain.entry.algorithm, plain.process_seconds, plain.relative) == ("maml-vpg", 2.0, 1.0)
    assert (plain.lowest, plain.highest) == (1.0, 3.0)
    assert (other.entry.algorithm, other.relative, other.environment_steps) == ("maml-trpo", 1.5, STEPS)
    assert other.sampling == 0.5


def test_other_samples_or_another_processor_give_no_ratio(store: Store) -> None:
    store_timed(store, "promp", 0, [1.0], steps=2 * STEPS)
    store_timed(store, "multi-task", 0, [1.0], budget=1)
    found = {cost.entry.algorithm: cost.relative for cost in costs_of(board_of(store))}
    assert found == {"maml-vpg": 1.0, "maml-trpo": 1.5, "promp": None, "multi-task": None}
    run = next(run for run in store.finished() if run.algorithm == "maml-trpo" and run.seed == 0)
    record = run.path / "run.json"
    record.write_text(record.read_text().replace("a processor", "another processor"))
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
