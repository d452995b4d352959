"""No trial reaches a test task: by label, by another task's name, by its parameters, or by what is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.commands.jobs import RunOptions
from benchmarks.commands.tune import run_tuning
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.tune_plan import plan_tuning
from environments.access import AccessDenied, Guard
from environments.batch_env import BatchEnv
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.ledger import Ledger
from environments.problem import EvaluationProtocol, Problem
from environments.splits import load_split
from environments.streams import Streams
from environments.suite import Suite
from environments.task import Task, TaskRef
from environments.task_digest import task_digest, task_digests
from environments.withheld import without_test_tasks
from results.store import Store, StoredTrial
from tests.support.tuned_algorithms import write_tuned

SUITE = "half-cheetah-velocity[horizon=5]"
#: what an algorithm could do with the doors that it is given; whatever succeeds is counted
HOSTILE = """
from environments.splits import load_split
from environments.task import Task, TaskRef
test = load_split("half-cheetah-velocity").test
policy, reached = Constant(torch.zeros(self.size)), 0
def planted(name, task):
    collector.drawn[name] = Task(name, task.parameters)
    return TaskRef("train", name)
attempts = [
    lambda: self.problem.tasks("test"),
    lambda: collector.collect(policy, [TaskRef("test", test[0].id)], 1),
    lambda: collector.collect(policy, [TaskRef("train", test[0].id)], 1),
    lambda: collector.collect(policy, [TaskRef("validation", test[0].id)], 1),
    lambda: collector.collect(policy, [planted("mine", test[0])], 1),
    lambda: collector.collect(policy, [*tasks, planted("train-00", test[1])], 1),
    lambda: collector.vector_env([planted("mine", test[0])]),
    lambda: self.problem.parameters(TaskRef("test", test[0].id)),
    lambda: self.problem._suite.split.test[0],
    lambda: self.problem._suite.training_suite.split.test[0],
    lambda: collector.vector_env(tasks).envs[0].suite.split.test[0],
]
import sys
sys.modules["hostile_kept"] = (collector, attempts)
for attempt in attempts:
    try:
        attempt()
        reached += 1
    except (PermissionError, KeyError, IndexError):
        pass
return {"reached": float(reached), "tried": float(len(attempts))}
"""
#: the same again while it is evaluated, with the door kept from training
WASTE = (
    """[0.5 if not sys.modules.get("hostile_kept") else 0.5 + sum(map(_works, sys.modules["hostile_kept"][1])) ][0]"""
)
WORKS = """
import sys

def _works(attempt):
    try:
        attempt()
    except (PermissionError, KeyError, IndexError):
        return 0
    raise RuntimeError("a test task was reached")
"""


def test_a_hostile_algorithm_reaches_no_test_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    algorithm = write_tuned(tmp_path, waste=WASTE, meta_step=HOSTILE)
    Path(algorithm).write_text(WORKS + Path(algorithm).read_text())
    simulated: set[str] = set()
    set_tasks = BatchEnv.set_tasks

    def noting(self: BatchEnv, tasks: Any) -> None:
        simulated.update(map(task_digest, tasks))
        set_tasks(self, tasks)

    monkeypatch.setattr(BatchEnv, "set_tasks", noting)
    plan = plan_tuning("quick", [SUITE], [algorithm], "smoke", Effort(trials=2, seeds=1))
    assert run_tuning(plan, RunOptions(tmp_path, tmp_path / "into", 1), InProcessExecutor()) == 0
    split = load_split("half-cheetah-velocity")
    assert simulated and not simulated & task_digests(split.test)
    assert simulated >= task_digests(split.validation)

    stored = Store(tmp_path, read_only=True).read(StoredTrial)
    assert len(stored) == 2
    for trial in stored:
        reported = trial.training.set_index("metric")["value"]
        assert reported["reached"] == 0 and reported["tried"] == 11
        # whatever a score function looks at, there is nothing of a test task in it
        assert set(trial.scores["split"]) == {"validation"} and trial.learning.empty
        assert [path.name for path in (trial.path / "artefacts").rglob("*")] == ["state"]


def test_the_same_algorithm_in_an_ordinary_run_does_reach_one_by_its_parameters(tmp_path: Path) -> None:
    """So the test above fails without the guard."""
    suite = make_suite(SUITE)
    collector = Collector(suite, Streams(0), Ledger(None), Guard("training", {"train"}))
    collector.drawn["mine"] = Task("mine", suite.split.test[0].parameters)
    collector.vector_env([TaskRef("train", "mine")])
    trimmed = without_test_tasks(suite)
    collector = Collector(trimmed, Streams(0), Ledger(None), Guard("training", {"train"}, "mine", trimmed.withheld))
    collector.drawn["mine"] = Task("mine", suite.split.test[0].parameters)
    with pytest.raises(AccessDenied, match="it is one of the test tasks"):
        collector.vector_env([TaskRef("train", "mine")])


@pytest.mark.parametrize("name", ["half-cheetah-velocity", "drone-obstacles-physics", "frozen-lake-low", "corners"])
def test_a_suite_without_test_tasks_is_the_same_otherwise(name: str) -> None:
    suite = make_suite(name)
    trimmed = without_test_tasks(suite)
    for each in (trimmed, trimmed.training_suite):
        assert each.split.test == () and each.withheld == task_digests(suite.split.test)
        assert each.split.train == suite.split.train and each.split.validation == suite.split.validation
    assert suite.split.test and not suite.withheld
    assert trimmed.full_name == suite.full_name and trimmed.digest == suite.digest
    assert trimmed.training_suite.full_name == suite.training_suite.full_name
    assert (trimmed.training_suite is trimmed) == (suite.training_suite is suite)


def test_models_and_parameters_of_withheld_tasks_are_closed_to_who_has_access() -> None:
    suite = make_suite("corners")
    trimmed = without_test_tasks(suite)
    guard = Guard("training", {"train", "test", "parameters", "model"}, "mine", trimmed.withheld)
    assert "test" not in guard.granted
    problem = Problem(trimmed, EvaluationProtocol(), guard)
    reference = TaskRef("train", suite.split.train[0].id)  # corners: every task is a test task
    for ask in (problem.parameters, problem.model):
        with pytest.raises(AccessDenied, match="one of the test tasks"):
            ask(reference)


def test_fresh_draws_of_withheld_tasks_are_drawn_again() -> None:
    class Dice(Suite):
        name, family = "dice", "dice"
        observation_space = action_space = None  # type: ignore[assignment]

        def make_batch(self, tasks: int, trajectories: int) -> Any:
            raise NotImplementedError

        def draw_task(self, generator: Any, task_id: str) -> Task:
            return Task(task_id, {"face": int(generator.integers(6))})

    suite = Dice(Dice.Options(train_tasks="distribution"))
    withheld = task_digests([Task("test-00", {"face": 3.0})])
    guard = Guard("training", {"train"}, "mine", withheld)
    collector = Collector(suite, Streams(0), Ledger(None), guard)
    collector.sample_tasks(60)
    assert {task.parameters["face"] for task in collector.drawn.values()} == {0, 1, 2, 4, 5}
