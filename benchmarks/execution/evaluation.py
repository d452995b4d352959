"""The harness's own evaluation: adaptation on a split's tasks, every episode recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from algorithms.algorithm import Adaptation, Algorithm
from environments.access import Guard
from environments.collector import Collector
from environments.ledger import Ledger
from environments.problem import EvaluationProtocol, Problem
from environments.streams import Streams
from environments.suite import Suite
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch

Rows = list[dict[str, Any]]
#: what is recorded of an episode
SCORES = ("return", "discounted_return", "success", "length")
#: the harness itself may use every task
SPLITS = frozenset({"train", "validation", "test"})


class AdaptationEnded(RuntimeError):
    """An algorithm's `adapt` yielded fewer policies than the protocol has adaptation steps and one."""


def evaluate(
    algorithm: Algorithm,
    suite: Suite,
    split: str,
    protocol: EvaluationProtocol,
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
    collector = harness_collector(suite, streams)
    rows: Rows = []
    for step, batch in enumerate(adapted_batches(algorithm, tasks, protocol, collector, streams)):
        scores = (batch.returns, batch.discounted_returns(suite.discount), batch.success, batch.lengths)
        if not (torch.isfinite(scores[0]).all() and torch.isfinite(batch.log_probabilities).all()):
            raise FloatingPointError(
                f"{algorithm.name} gave actions or returns that are not finite "
                f"after {step} adaptation steps on the {split} tasks of {suite.full_name}"
            )
        columns = [values.tolist() for values in scores]
        for index, task in enumerate(tasks):
            earlier = index // len(suite.split.tasks(split)) * protocol.trajectories
            for episode in range(protocol.trajectories):
                row = {"split": split, "task": task.id, "step": step, "episode": earlier + episode}
                rows.append(row | {name: column[index][episode] for name, column in zip(SCORES, columns, strict=True)})
    on_adapted(batch)
    return rows


def harness_collector(suite: Suite, streams: Streams) -> Collector:
    """The harness's own door to every task, charged to nobody."""
    return Collector(suite, streams, Ledger(None), Guard("evaluation", SPLITS, "the harness", suite.withheld))


def adapted_batches(
    algorithm: Algorithm, tasks: Sequence[TaskRef], protocol: EvaluationProtocol, collector: Collector, streams: Streams
) -> Iterator[TrajectoryBatch]:
    """The batch of the policy after k = 0, 1, ... adaptation steps, which is also the data of step k + 1.

    streams: seeds the global generators once, before the first policy.
    Raises AdaptationEnded if the algorithm yields fewer policies.
    """
    streams.seed_globals("adaptation")
    with begun_adaptation(algorithm, tasks) as adaptation:
        try:
            policy = next(adaptation)
            for step in range(protocol.adaptation_steps + 1):
                batch = collector.collect(policy, tasks, protocol.trajectories)
                yield batch
                if step < protocol.adaptation_steps:
                    policy = adaptation.send(batch)
        except StopIteration:
            reason = "adapt ended early; it must yield a policy at first and one after every step"
            raise AdaptationEnded(reason) from None


@contextmanager
def begun_adaptation(algorithm: Algorithm, tasks: Sequence[TaskRef]) -> Iterator[Adaptation]:
    """The algorithm's `adapt`, closed at the end; until then it may read the tasks' parameters, given that access."""
    problem = getattr(algorithm, "problem", None)  # whose constructor did not call ours has none
    with problem.evaluated_on(tasks) if isinstance(problem, Problem) else nullcontext():
        adaptation = algorithm.adapt(tasks)
        try:
            yield adaptation
        finally:
            adaptation.close()


def curve_point(rows: Rows, point: int, environment_steps: int, iteration: int) -> Rows:
    """The learning curve's rows of one evaluation: means over episodes, per task and adaptation step."""
    groups: dict[tuple[str, int], Rows] = {}
    for row in rows:
        groups.setdefault((row["task"], row["step"]), []).append(row)
    place = {"point": point, "environment_steps": environment_steps, "iteration": iteration}
    mean: Callable[[Rows, str], float] = lambda group, column: sum(float(row[column]) for row in group) / len(group)  # noqa: E731
    return [
        {**place, "task": task, "step": step, **{column: mean(group, column) for column in SCORES}}
        for (task, step), group in groups.items()
    ]
