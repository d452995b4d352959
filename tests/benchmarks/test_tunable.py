"""What cannot be tuned: on tasks that do as a test task does, whatever their parameters; and references."""

from __future__ import annotations

from pathlib import Path

import pytest

from algorithms.catalogue import find_algorithm
from benchmarks.planning.tunable import untunable_algorithm, untunable_suite
from benchmarks.planning.tuning_choice import is_tunable
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.tune_plan import plan_tuning
from environments.catalogue import make_suite
from environments.typed_options import UsageError
from tests.support.tuned_algorithms import write_tuned

SUITES = ("half-cheetah-velocity", "frozen-lake-low")


@pytest.mark.parametrize(
    ("suite", "shared"),
    [
        ("dow30-turbulence[", "9 of its 10 validation tasks"),
        ("dow30-risk[tasks=thresholds,", "2 of its 10 validation tasks"),
    ],
)
def test_thresholds_that_are_the_mdp_of_a_test_task_are_test_tasks(suite: str, shared: str) -> None:
    reason = untunable_suite(make_suite(f"{suite}data=synthetic]"))
    assert reason is not None and shared in reason


def test_tasks_of_other_parameters_that_do_something_else_are_none() -> None:
    assert untunable_suite(make_suite("half-cheetah-velocity")) is None
    assert untunable_suite(make_suite("frozen-lake-high")) is None
    assert untunable_suite(make_suite("dow30-risk[data=synthetic]")) is None


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("name", ["contextual-sac", "contextual-ppo", "oracle", "stand-still", "promp", "random-init"])
def test_a_plan_and_the_command_judge_alike_what_is_tunable(name: str, suite: str) -> None:
    """References are not; the floor is, which does not train and has options to search."""
    entry, made = find_algorithm(name), make_suite(suite)
    assert (untunable_algorithm(entry, made) is None) == is_tunable(entry, made) == (name in ("promp", "random-init"))


def test_a_reference_that_is_told_its_task_is_refused_but_for_a_papers_grid() -> None:
    with pytest.raises(UsageError, match=r"contextual-sac on ant-goal-gmps: .* or is told which one it is on"):
        plan_tuning("quick", ["ant-goal-gmps"], ["contextual-sac"], "smoke", Effort(trials=2, seeds=1))
    (cell,) = plan_tuning(
        "quick", ["ant-goal-gmps"], ["contextual-sac"], "smoke", Effort(trials=2, seeds=1, sweep="gmps")
    ).cells
    assert "reward_scale" in cell.space


def test_a_space_that_is_none_stops_no_plan(tmp_path: Path) -> None:
    source = write_tuned(tmp_path)
    Path(source).write_text(Path(source).read_text().replace("LogRange(1e-3, 1e2)", "LogRange(1e2, 1e-3)"))
    entry, suite = find_algorithm(source), make_suite(SUITES[0])
    assert is_tunable(entry, suite)
    with pytest.raises(UsageError, match="it is empty"):
        untunable_algorithm(entry, suite)


def test_a_suite_says_itself_which_of_its_tasks_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    suite = make_suite("half-cheetah-velocity")
    ours = {suite.split.validation[0].id, suite.split.test[0].id}
    own = lambda self, task: "one" if task.id in ours else task.id  # noqa: E731
    monkeypatch.setattr(type(suite), "mdp_key", own, raising=False)
    reason = untunable_suite(suite)
    assert reason is not None and "1 of its 10 validation tasks are test tasks too" in reason
