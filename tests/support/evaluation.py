"""What the harness collects of a learner that adapts to a suite's tasks, without a run."""

from __future__ import annotations

from typing import Any

from environments.access import Guard
from environments.collector import Collector
from environments.ledger import Ledger
from environments.streams import Streams
from environments.suite import Suite
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch


def references(suite: Suite, split: str = "validation") -> list[TaskRef]:
    return [TaskRef(split, task.id) for task in suite.split.tasks(split)]


def evaluated(
    learner: Any, suite: Suite, steps: int = 2, trajectories: int = 2, split: str = "validation"
) -> tuple[list[TrajectoryBatch], Any]:
    """The batches after 0..steps adaptation steps, as the harness collects them, and the last policy."""
    guard = Guard("evaluation", {"train", "validation", "test"}, "the harness")
    collector = Collector(suite, Streams(0).child("evaluation"), Ledger(None), guard)
    tasks = references(suite, split)
    with learner.problem.evaluated_on(tasks):
        adaptation = learner.adapt(tasks)
        policy, batches = next(adaptation), []
        for step in range(steps + 1):
            batches.append(collector.collect(policy, tasks, trajectories))
            if step < steps:
                policy = adaptation.send(batches[-1])
    return batches, policy
