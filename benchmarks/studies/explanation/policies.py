"""The policies of the explanation's study: how each is trained, and how it scores on a task."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from algorithms.algorithm import Algorithm, Metrics
from algorithms.catalogue import find_algorithm
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.policies.parameters import Parameters
from benchmarks.execution.evaluation import adapted_batches, harness_collector
from benchmarks.execution.session import Session
from benchmarks.studies.explanation.settings import OnSuite
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.problem import EvaluationProtocol
from environments.streams import Streams
from environments.suite import Suite
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch
from environments.typed_options import UsageError, make_options

#: what the paper's meta-policies are trained by
BASE = "maml-vpg"


class WeightedMaml(MamlVpg):
    """Remark 1's meta-policy: MAML on sum_i omega_i J_i.  Its state says the weights, by a training task's id."""

    weights: Mapping[str, float]

    def sample_on(
        self, tasks: Sequence[TaskRef], collector: Collector, trajectories: int | None = None
    ) -> InnerOuterBatches:
        *before, last = super().sample_on(tasks, collector, trajectories)
        weights = torch.tensor([self.weights[task.id] for task in tasks]) * len(self.weights)
        return [*before, last.with_extra(weights=weights)]

    def task_objectives(self, parameters: Parameters, batches: InnerOuterBatches) -> torch.Tensor:
        return batches[-1].extra("weights") * super().task_objectives(parameters, batches)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "weights": dict(self.weights)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.weights = state["weights"]


def session_of(
    suite: Suite,
    algorithm: str | type[Algorithm],
    settings: OnSuite,
    streams: Streams,
    state: Mapping[str, Any] | None = None,
) -> Session:
    """Of a training that has yet to be driven.  state: an earlier session's, None before the first."""
    cls = find_algorithm(algorithm).load() if isinstance(algorithm, str) else algorithm
    config = make_options(cls.Config, settings.of(cls.Config), f"algorithm {cls.name}")
    protocol = EvaluationProtocol(settings.adaptation_steps, settings.trajectories)
    return Session(suite, cls, config, streams, protocol, settings.budget, state)


def train(session: Session) -> list[Metrics]:
    """Meta-trains until the budget is spent; the metrics of each meta-iteration."""
    metrics = []
    while (found := session.iterate()) is not None:
        metrics.append(found)
    return metrics


def suite_with(name: str, training: Collection[str] | None = None) -> Suite:
    """The suite, with those of its training tasks alone that are named, if any are.

    Raises UsageError where training tasks are drawn afresh or belong to another suite, since none can be chosen then.
    """
    suite = make_suite(name)
    if suite.training_suite is not suite or suite.options.train_tasks != "split" or suite.split.shared:
        raise UsageError(f"{name} has no list of training tasks of its own, of which some could be critical")
    if training is not None:
        suite.split = replace(suite.split, train=tuple(task for task in suite.split.train if task.id in training))
    return suite


def metric_of(batch: TrajectoryBatch, suite: Suite) -> torch.Tensor:
    """The score of the suite's metric of every episode, float64 [task, trajectory]."""
    values = {
        "return": lambda: batch.returns,
        "discounted_return": lambda: batch.discounted_returns(suite.discount),
        "success": lambda: batch.success,
    }
    return values[suite.metric]().double()


def scores(
    learner: Algorithm, tasks: Sequence[TaskRef], suite: Suite, settings: OnSuite, streams: Streams
) -> torch.Tensor:
    """[task], after adaptation: means over the episodes of several independent adaptations."""
    protocol = EvaluationProtocol(settings.adaptation_steps, settings.trajectories)
    repeated = [*tasks] * settings.adaptations
    *_, last = adapted_batches(learner, repeated, protocol, harness_collector(suite, streams), streams)
    return metric_of(last, suite).mean(1).reshape(settings.adaptations, len(tasks)).mean(0)
