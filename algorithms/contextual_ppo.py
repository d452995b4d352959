"""The expert of every task: one policy that observes which task it is on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium
import torch

from algorithms.algorithm import Adaptation, Metrics
from algorithms.experts.context import Contexts
from algorithms.experts.expert import EXPERT
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, PolicyConfig
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.multi_task import MultiTask
from algorithms.optimisation.adam import Adam
from algorithms.policies.context_mlp import CONTEXT, ContextMLP
from algorithms.policies.networks import MINIMUM_LOG_STD, NetworkPolicy
from algorithms.policies.parameters import Parameters, stacked
from algorithms.search_space import BOUND, COUNT, POSITIVE, Integers, LogRange, searched, unsearched
from environments.collector import Collector
from environments.policy import Distribution
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef


@dataclass(frozen=True)
class ContextualPpoConfig(PolicyConfig):
    """No inner step: the task is known, so nothing is adapted to it."""

    step_size: float = searched(1e-3, LogRange(3e-4, 3e-2))  # Adam's
    gradient_steps: int = searched(5, Integers(1, 20), domain=COUNT)  # full-batch steps on one sample
    clip: float = unsearched(0.3, BOUND, domain=POSITIVE)
    # steps on one sample end once they have moved the policy by this mean divergence
    kl_bound: float = unsearched(0.05, BOUND, domain=POSITIVE)
    #: whether step_size falls linearly to 0 over the budget, so that the last iterate is no lucky or unlucky one
    anneal: bool = True


class ContextualPpo(MultiTask):
    """PPO on the mixture of training tasks, of a policy that observes the task's parameters beside the state.

    It reads those of the tasks that it is evaluated on too, so it is a reference: what knowing the task is worth.  The
    parameters are standardised (`experts/context.py`) and concatenated to the observation, a discrete one one-hot.
    """

    name = "contextual-ppo"
    paper = "a task-conditioned policy (the experts of Mendonca et al. 2019), by Schulman et al. 2017's PPO"
    access = frozenset({"train", "parameters", "test-parameters"})
    Config: ClassVar[type[PolicyConfig]] = ContextualPpoConfig
    network: ContextMLP

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self._contexts = Contexts(problem)
        spaces = problem.observation_space, problem.action_space
        self.network = ContextMLP(*spaces, config.hidden, self._contexts.size, config.initial_std, config.activation)
        self.parameters = self.network.initial(streams.torch("initial parameters"))
        self.optimiser = Adam(self.parameters, config.step_size)

    def meta_step(self, collector: Collector) -> Metrics:
        if self.config.anneal and math.isfinite(collector.remaining):
            left = collector.remaining / (collector.remaining + collector.ledger.spent)
            self.optimiser.step_size = self.config.step_size * left
        return super().meta_step(collector)

    def update(self, batches: InnerOuterBatches) -> Metrics:
        objectives: list[float] = []
        moved = 0.0
        while len(objectives) < self.config.gradient_steps and moved <= self.config.kl_bound:
            objectives.append(self.ascend(batches))
            moved = self.kl_metrics(batches)["kl_after_adaptation"]
        return {
            "objective": objectives[0],
            "improvement": objectives[-1] - objectives[0],
            "gradient_steps": float(len(objectives)),
            "kl": moved,
            **self.std_metrics(),
        }

    def sample_on(
        self, tasks: Sequence[TaskRef], collector: Collector, trajectories: int | None = None
    ) -> InnerOuterBatches:
        """One batch, by the policy that observes each task's context."""
        count = self.config.trajectories if trajectories is None else trajectories
        collected = collector.collect(self.policy(tasks), tasks, count)
        return [self.adaptation_batch(collected).with_extra(context=self._contexts.of(tasks))]

    def distribution(self, parameters: Parameters, batch: AdaptationBatch) -> Distribution:
        return super().distribution(_told(parameters, batch.extra("context")), batch)

    def task_objectives(self, parameters: Parameters, batches: InnerOuterBatches) -> torch.Tensor:
        """The clipped surrogate of each task, [task]."""
        return self.outer_objective(self.distribution(stacked(parameters, batches[0].tasks), batches[0]), batches[0])

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        policy = self.policy(tasks)
        while True:
            yield policy

    def policy(self, tasks: Sequence[TaskRef]) -> NetworkPolicy:
        """Acts on each task as one that knows it.  Raises AccessDenied where its parameters may not be read."""
        return NetworkPolicy(self.network, _told(stacked(self.parameters, len(tasks)), self._contexts.of(tasks)))

    def state_dict(self) -> dict[str, Any]:
        vectors = isinstance(self.problem.action_space, gymnasium.spaces.Box)
        return {**super().state_dict(), **({EXPERT: self.actor_state()} if vectors else {})}

    def actor_state(self) -> dict[str, Any]:
        """The policy's, as `Actor` takes it, for those who imitate it."""
        last = len(self.config.hidden)
        layers = [
            [self.parameters[f"weight{k}"].T.clone(), self.parameters[f"bias{k}"].clone()] for k in range(last + 1)
        ]
        layers[0][0][:, self.network.inputs :] *= _weight(self._contexts.size)
        log_std = self.parameters["log_std"].clamp(min=MINIMUM_LOG_STD)
        return {"layers": layers[:-1], "mean": layers[-1], "log_std": log_std, "activation": self.config.activation}


def _told(parameters: Parameters, context: torch.Tensor) -> Parameters:
    """Parameters [task, ...] of a `ContextMLP` that observes a standardised context [task, size].

    All of it weighs like one number of an observation: 41 numbers of deviation 1 would drown the robot's state.
    """
    return {**parameters, CONTEXT: _weight(context.shape[1]) * context.to(parameters["weight0"].dtype)}


def _weight(size: int) -> float:
    return max(size, 1) ** -0.5
