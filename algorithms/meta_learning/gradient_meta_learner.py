"""Shared by gradient-based meta-learners: sampling through the inner updates, task objectives, meta-gradients."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from algorithms.algorithm import Metrics
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, GradientAdaptation
from algorithms.optimisation.task_chunks import added, each_chunk, scaled
from algorithms.policies.networks import NetworkPolicy
from algorithms.policies.parameters import Parameters, stacked
from environments.collector import Collector
from environments.policy import Distribution
from environments.task import TaskRef

T = TypeVar("T")

#: batch k was collected after k inner updates; the last one is the post-adaptation batch
InnerOuterBatches = list[AdaptationBatch]


class GradientMetaLearner(GradientAdaptation):
    """Meta-parameters trained through the inner updates.

    One meta-iteration (`meta_step`):
    1. `sample`: draw training tasks; collect a batch with the meta-parameters, take an inner update (`adapted`, which
       ascends `inner_objective`), collect with the adapted parameters, and so on: K inner updates, K + 1 batches.
    2. `update`, the method's own: one or more steps on these batches along `meta_gradient`, a few tasks at a time
       (`each_chunk`) and back through the inner updates.
    3. `task_objectives`, which it differentiates: repeat the inner updates, differentiably, and evaluate
       `outer_objective` with the adapted parameters on the last batch.
    """

    @abstractmethod
    def outer_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        """Outer objective at the adapted parameters, to be maximised, [task]."""

    @abstractmethod
    def update(self, batches: InnerOuterBatches) -> Metrics:
        """One outer update of `self.parameters`."""

    @property
    def training_steps(self) -> int:
        """Inner updates during meta-training: as many as at evaluation."""
        return self.problem.protocol.adaptation_steps

    def meta_step(self, collector: Collector) -> Metrics:
        batches = self.sample(collector)
        metrics = {f"return_step{k}": float(batch.trajectories.returns.mean()) for k, batch in enumerate(batches)}
        return {**metrics, **self.update(batches)}

    def sample(self, collector: Collector) -> InnerOuterBatches:
        """Trajectories after 0..K inner updates on a fresh draw of training tasks."""
        return self.sample_on(collector.sample_tasks(self.config.tasks), collector)

    def sample_on(self, tasks: Sequence[TaskRef], collector: Collector) -> InnerOuterBatches:
        """Trajectories after 0..K inner updates on the given tasks; one that is named twice is sampled twice."""
        return self.sampled_after(range(self.training_steps + 1), tasks, collector)

    def sampled_after(self, updates: range, tasks: Sequence[TaskRef], collector: Collector) -> InnerOuterBatches:
        """Trajectories after each of these numbers of inner updates, which are 0, 1, ..."""
        batches: InnerOuterBatches = []
        parameters = stacked(self.parameters, len(tasks))
        for k in updates:
            if k > 0:
                parameters = self.adapted_by_chunks(parameters, batches[-1:])
            policy = NetworkPolicy(self.network, parameters)
            batches.append(self.adaptation_batch(collector.collect(policy, tasks, self.config.trajectories)))
        return batches

    def task_objectives(self, parameters: Parameters, batches: InnerOuterBatches) -> torch.Tensor:
        """The meta-objective of each task, [task], differentiable in the unstacked parameters.

        Never averaged, so that task weights and gradient-variance studies can use it.
        """
        start = stacked(parameters, batches[0].tasks)
        final = self.adapted(start, batches[:-1], differentiable=True)
        return self.outer_objective(self.distribution(final, batches[-1]), batches[-1])

    def each_chunk(self, work: Callable[[InnerOuterBatches], T], batches: InnerOuterBatches) -> list[T]:
        """What comes of the same batches, a few tasks at a time, in the tasks' order."""

        def part(tasks: slice) -> T:
            return work([batch.select(tasks) for batch in batches])

        return each_chunk(part, batches[0].tasks, self.config.chunk)

    def meta_gradient(self, parameters: Parameters, batches: InnerOuterBatches) -> tuple[float, Parameters]:
        """Mean over tasks of the meta-objective, and its gradient."""
        leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}

        def part(few: InnerOuterBatches) -> tuple[float, Parameters]:
            objective = self.task_objectives(leaves, few).sum()
            slopes = torch.autograd.grad(objective, list(leaves.values()), materialize_grads=True)
            return float(objective.detach()), dict(zip(leaves, slopes, strict=True))

        values, slopes = zip(*self.each_chunk(part, batches), strict=True)
        tasks = batches[0].tasks
        return sum(values) / tasks, scaled(added(slopes), 1 / tasks)
