"""The harness's own evaluation: adaptation on a split's tasks, every episode recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from algorithms.algorithm import Algorithm
from environments.access import Guard
from environments.collector import Collector
from environments.ledger import Ledger
from environments.problem import Protocol
from environments.streams import Streams
from environments.suite import Suite
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch

Rows = list[dict[str, Any]]


def evaluate(
    algorithm: Algorithm,
    suite: Suite,
    split: str,
    protocol: Protocol,
    streams: Streams,
    on_adapted: Callable[[TrajectoryBatch], None] = lambda batch: None,
) -> Rows:
    """Adapts to every task of the split at once; one row per task, adaptation step and episode.

    A task that is adapted to several times has that many times `trajectories` episodes, adaptation by adaptation.
    The batch collected with the policy after k steps is both its score and the data of step k + 1.
    on_adapted: given the last step's batch.
    Raises FloatingPointError if a return is not finite.
    """
    tasks = [TaskRef(split, task.id) for task in suite.split.tasks(split)] * protocol.adaptations
    guard = Guard("evaluation", {"train", "validation", "test"}, "the harness")
    collector = Collector(suite, streams, Ledger(None), guard)
    streams.seed_globals("adaptation")
    adaptation = algorithm.adapt(tasks)
    rows: Rows = []
    try:
        policy = next(adaptation)
        for step in range(protocol.adaptation_steps + 1):
            batch = collector.collect(policy, tasks, protocol.trajectories)
            returns, discounted = batch.returns, batch.discounted_returns(suite.discount)
            if not (torch.isfinite(returns).all() and torch.isfinite(batch.log_probabilities).all()):
                raise FloatingPointError(
                    f"{algorithm.name} gave actions or returns that are not finite "
                    f"after {step} adaptation steps on the {split} tasks of {suite.full_name}"
                )
            columns = (returns.tolist(), discounted.tolist(), batch.success.tolist(), batch.lengths.tolist())
            for index, task in enumerate(tasks):
                earlier = index // len(suite.split.tasks(split)) * protocol.trajectories
                for episode in range(protocol.trajectories):
                    value, discounted_value, success, length = (column[index][episode] for column in columns)
                    rows.append(
                        {
                            "split": split,
                            "task": task.id,
                            "step": step,
                            "episode": earlier + episode,
                            "return": value,
                            "discounted_return": discounted_value,
                            "success": success,
                            "length": length,
                        }
                    )
            if step < protocol.adaptation_steps:
                policy = adaptation.send(batch)
            else:
                on_adapted(batch)
    finally:
        adaptation.close()
    return rows


def curve_point(rows: Rows, point: int, environment_steps: int, iteration: int) -> Rows:
    """The learning curve's rows of one evaluation: means over episodes, per task and adaptation step."""
    groups: dict[tuple[str, int], Rows] = {}
    for row in rows:
        groups.setdefault((row["task"], row["step"]), []).append(row)
    place = {"point": point, "environment_steps": environment_steps, "iteration": iteration}
    mean: Callable[[Rows, str], float] = lambda group, column: sum(float(row[column]) for row in group) / len(group)  # noqa: E731
    columns = ("return", "discounted_return", "success", "length")
    return [
        {**place, "task": task, "step": step, **{column: mean(group, column) for column in columns}}
        for (task, step), group in groups.items()
    ]
