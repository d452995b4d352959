"""What gradient-based meta-learners share: sampling through the inner updates, task objectives, meta-gradients."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import torch

from algorithms.algorithm import Metrics
from algorithms.meta_learning.gradient_adaptation import GradientAdaptation, StepData
from algorithms.policies.networks import NetworkPolicy
from algorithms.policies.parameters import Parameters, stacked
from environments.collector import Collector
from environments.policy import Distribution

#: step k holds what the policy after k inner updates collected; the last one is the post-adaptation data
MetaData = list[StepData]


class GradientMetaLearner(GradientAdaptation):
    """Meta-parameters trained through the inner updates; a method defines its objectives and its outer update."""

    @abstractmethod
    def outer_objective(self, policy: Distribution, step: StepData) -> torch.Tensor:
        """What the outer update ascends at the adapted parameters, [task]."""

    @abstractmethod
    def update(self, data: MetaData) -> Metrics:
        """One outer update of `self.parameters`."""

    @property
    def training_steps(self) -> int:
        """Inner updates during meta-training: as many as at evaluation."""
        return self.problem.protocol.adaptation_steps

    def meta_step(self, collector: Collector) -> Metrics:
        data = self.sample(collector)
        metrics = {f"return_step{k}": float(step.batch.returns.mean()) for k, step in enumerate(data)}
        return {**metrics, **self.update(data)}

    def sample(self, collector: Collector) -> MetaData:
        """Trajectories after 0..K inner updates on a fresh draw of training tasks."""
        tasks = collector.sample_tasks(self.config.tasks)
        data: MetaData = []
        parameters = stacked(self.parameters, len(tasks))
        for k in range(self.training_steps + 1):
            if k > 0:
                parameters = self.adapted(parameters, data[-1:], differentiable=False)
            policy = NetworkPolicy(self.network, parameters)
            data.append(self.step_data(collector.collect(policy, tasks, self.config.trajectories)))
        return data

    def task_objectives(self, parameters: Parameters, data: MetaData) -> torch.Tensor:
        """The meta-objective of each task, [task], differentiable in the unstacked parameters.

        Never averaged, so that task weights and gradient-variance studies can use it.
        """
        start = stacked(parameters, len(data[0].advantages))
        final = self.adapted(start, data[:-1], differentiable=True)
        return self.outer_objective(self.distribution(final, data[-1]), data[-1])

    def chunks(self, data: MetaData) -> Iterator[MetaData]:
        """The same data a few tasks at a time."""
        tasks = len(data[0].advantages)
        for start in range(0, tasks, self.config.chunk):
            yield [step.select(slice(start, start + self.config.chunk)) for step in data]

    def meta_gradient(self, parameters: Parameters, data: MetaData) -> tuple[float, Parameters]:
        """Mean over tasks of the meta-objective, and its gradient."""
        leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        tasks = len(data[0].advantages)
        total = 0.0
        gradient = {name: torch.zeros_like(value) for name, value in leaves.items()}
        for part in self.chunks(data):
            objective = self.task_objectives(leaves, part).sum() / tasks
            for name, value in zip(leaves, torch.autograd.grad(objective, list(leaves.values())), strict=True):
                gradient[name] += value
            total += float(objective.detach())
        return total, gradient
