"""The study of what tuning changed: tuned less former on test tasks, paired by seed, of the methods that were tuned."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.studies.tuned_against_former import FORMER, TUNED, final_score, main, scores_of, shared_seeds
from results.store import Store
from tests.support.scored_runs import store_run

NOTE = {"trials": 16, "seeds": 2, "digest": "d" * 64, "sibling": None}
#: by method, what tuning adds to seed 0; each further seed gains one more
GAINS = {"maml": -3.0, "promp": 20.0}
SEEDS = range(4)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A run of either side with equal seeds is alike but for its level."""
    store = Store(tmp_path)
    for seed in SEEDS:
        for name, gain in GAINS.items():
            level = 40 + gain + seed
            store_run(store, "point", name, seed, level, profile=TUNED, tuning=NOTE, configuration={"step_size": 0.1})
            store_run(store, "point", name, seed, 40.0, profile=FORMER)
            store_run(store, "point", name, seed, 90.0, profile="standard", configuration={"step_size": 0.3})
        for profile, level in ((TUNED, 10.0), (FORMER, 20.0)):  # was not tuned
            store_run(store, "point", "noise", seed, level, profile=profile, configuration={"step_size": level})
    return store


def table(store: Store, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The cells of its rows."""
    main(store.root)
    head, _, *lines = capsys.readouterr().out.splitlines()
    assert head == "| suite | method | seeds | former rules | tuned less former | 95 % interval |"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_methods_that_were_tuned_are_compared_on_both_sides(store: Store) -> None:
    found = scores_of(store.finished())
    assert {suite: set(methods) for suite, methods in found.items()} == {"point": set(GAINS)}
    for name, gain in GAINS.items():
        cell = found["point"][name]
        assert shared_seeds(cell) == [*SEEDS]
        assert [cell[TUNED][seed] - cell[FORMER][seed] for seed in SEEDS] == pytest.approx(
            [gain + seed for seed in SEEDS]
        )


def test_a_score_is_of_test_tasks_after_the_last_adaptation_step(tmp_path: Path) -> None:
    store_run(Store(tmp_path), level=40.0, steps=2)
    (run,) = Store(tmp_path).finished()
    last = run.scores.query("split == 'test' and step == 2")
    assert final_score(run) == pytest.approx(last["return"].mean())
    assert abs(final_score(run) - 40) < 4  # before adaptation it is 16


def test_the_table_has_a_row_for_the_suite_and_one_for_each_method(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = table(store, capsys)
    rise = sum(SEEDS) / len(SEEDS)
    expected = {"**all of them**": sum(GAINS.values()) / 2 + rise} | {name: gain + rise for name, gain in GAINS.items()}
    assert [row[:3] for row in rows] == [["point", name, str(len(SEEDS))] for name in expected]
    for row, effect in zip(rows, expected.values(), strict=True):
        low, high = map(float, row[5].strip("[]").split(","))
        assert float(row[4]) == pytest.approx(effect, abs=0.05) and low < effect < high


def test_a_seed_that_one_side_or_one_method_lacks_is_left_out(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the former mean, too, and out of the mean over methods for all of them."""
    before = table(store, capsys)
    store_run(store, "point", "promp", len(SEEDS), 500.0, profile=FORMER)
    assert table(store, capsys) == before
    seed = len(SEEDS) + 1  # maml has it, and promp has not
    for profile, level in ((TUNED, 60.0), (FORMER, 70.0)):
        store_run(store, "point", "maml", seed, level, profile=profile, configuration={"step_size": level})
    both, maml, promp = table(store, capsys)
    assert [both, promp] == [before[0], before[2]] and maml[2] == str(len(SEEDS) + 1)
