"""The ceiling: the exact optimum where the MDP is known, elsewhere a policy trained on each evaluation task itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch

from algorithms.algorithm import Adaptation, Metrics
from algorithms.estimators.surrogates import clipped_objective
from algorithms.meta_learning.gradient_adaptation import GradientAdaptation, GradientConfig
from algorithms.optimisation.adam import Adam
from algorithms.policies.networks import NetworkPolicy, TabularSoftmax
from algorithms.policies.parameters import stacked
from algorithms.search_space import COUNT, NEVER, POSITIVE, unsearched
from environments.collector import Collector
from environments.facts import SuiteFacts
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef

#: logit of every optimal action: any other then has a probability below 1e-17
CERTAIN = 40.0


@dataclass(frozen=True)
class OracleConfig(GradientConfig):
    trajectories: int = 10  # per evaluation task and iteration
    step_size: float = unsearched(3e-3, NEVER)  # Adam's
    gradient_steps: int = unsearched(10, NEVER, domain=COUNT)  # full-batch steps on one sample
    clip: float = unsearched(0.3, NEVER, domain=POSITIVE)
    inner_step_size: float = unsearched(0.1, NEVER)
    gae_lambda: float = unsearched(1.0, NEVER)


class Oracle(GradientAdaptation):
    """Exact optimum on tabular suites; elsewhere PPO on every validation and test task by itself."""

    name = "oracle"
    access = frozenset({"validation", "test", "model"})
    Config = OracleConfig

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        unknown = isinstance(suite.observation_space, gymnasium.spaces.Discrete) and not suite.has_model
        return super().fits(suite) or ("discrete observations need an exact model to solve" if unknown else None)

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self.trains = not isinstance(self.network, TabularSoftmax)
        known = {task.id: task for split in ("validation", "test") for task in problem.tasks(split)}
        self._tasks = list(known.values())
        self._index = {task.id: row for row, task in enumerate(self._tasks)}
        if self.trains:
            start = stacked(self.parameters, len(self._tasks))
            self.parameters = {name: value.clone() for name, value in start.items()}
            self._optimiser = Adam(self.parameters, config.step_size)
        else:
            self.parameters = {"logits": torch.stack([self._optimum(task) for task in self._tasks])}

    def meta_step(self, collector: Collector) -> Metrics:
        """One PPO iteration of every task's own policy; the tasks share nothing but the call."""
        policies = NetworkPolicy(self.network, self.parameters)
        trajectories = collector.collect(policies, self._tasks, self.config.trajectories)
        batch = self.adaptation_batch(trajectories)
        for _ in range(self.config.gradient_steps):
            leaves = {name: value.detach().requires_grad_() for name, value in self.parameters.items()}
            policy = self.distribution(leaves, batch)
            total = clipped_objective(policy, trajectories, batch.advantages, self.config.clip).sum()
            gradient = dict(zip(leaves, torch.autograd.grad(total, list(leaves.values())), strict=True))
            self.parameters = self._optimiser.ascend(self.parameters, gradient)
        return {"return": float(trajectories.returns.mean()), "objective": float(total.detach()) / len(self._tasks)}

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        """The task's own policy at every step: there is nothing to adapt to."""
        rows = torch.tensor([self._index[task.id] for task in tasks])
        policy = NetworkPolicy(self.network, {name: value[rows] for name, value in self.parameters.items()})
        while True:
            yield policy

    def state_dict(self) -> dict[str, Any]:
        optimiser = {"optimizer": self._optimiser.state_dict()} if self.trains else {}
        return {**super().state_dict(), **optimiser}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        if self.trains:
            self._optimiser.load_state_dict(state["optimizer"])

    def _optimum(self, task: TaskRef) -> torch.Tensor:
        policy = np.asarray(self.problem.model(task).optimum.policy)
        return torch.from_numpy(policy > 0).float() * CERTAIN
