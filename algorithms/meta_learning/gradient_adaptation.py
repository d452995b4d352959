"""Adaptation by inner gradient steps: what every method with a meta-learned initialisation shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium
import torch

from algorithms.algorithm import Adaptation, Algorithm, Config, Metrics
from algorithms.estimators.advantages import advantages
from algorithms.estimators.surrogates import log_probability_objective
from algorithms.optimisation.inner_update import inner_update
from algorithms.policies.networks import NetworkPolicy, make_network
from algorithms.policies.parameters import Parameters, stacked
from environments.policy import Distribution
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class PolicyConfig(Config):
    """A policy network and its advantages; defaults are ProMP's setting (Rothfuss et al. 2019, Appendix C)."""

    hidden: tuple[int, ...] = (64, 64)  # tanh layers
    initial_std: float = 1.0
    gae_lambda: float = 1.0
    chunk: int = 4  # tasks per backward pass: bounds memory and keeps activations in the cache

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chunk < 1:
            raise ValueError(f"chunk must be at least 1, got {self.chunk}")
        if not 0 <= self.gae_lambda <= 1:
            raise ValueError(f"gae_lambda must be in [0, 1], got {self.gae_lambda}")


@dataclass(frozen=True)
class GradientConfig(PolicyConfig):
    inner_step_size: float = 0.1  # of gradient ascent on all parameters, ProMP's


@dataclass(frozen=True)
class StepData:
    """One adaptation step's trajectories with their advantages [task, trajectory, time]."""

    batch: TrajectoryBatch
    advantages: torch.Tensor

    def select(self, tasks: slice) -> StepData:
        return StepData(self.batch.select(tasks), self.advantages[tasks])

    def acting(self, family: type) -> Distribution:
        """The distribution that acted."""
        return family.from_parameters(self.batch.distribution)  # type: ignore[attr-defined]


class GradientAdaptation(Algorithm):
    """A policy network whose parameters are adapted to each task by gradient steps on its own data."""

    Config: ClassVar[type[PolicyConfig]] = GradientConfig
    config: Any

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self.network = make_network(problem.observation_space, problem.action_space, config.hidden, config.initial_std)
        self.parameters = self.network.initial(streams.torch("initial parameters"))
        discrete = isinstance(problem.observation_space, gymnasium.spaces.Discrete)
        self._states = int(problem.observation_space.n) if discrete else None  # type: ignore[attr-defined]

    def inner_objective(self, policy: Distribution, step: StepData) -> torch.Tensor:
        """What one inner update ascends, [task]."""
        return log_probability_objective(policy, step.batch, step.advantages)

    def step_data(self, batch: TrajectoryBatch) -> StepData:
        return StepData(batch, advantages(batch, self.problem.discount, self.config.gae_lambda, self._states))

    def distribution(self, parameters: Parameters, step: StepData) -> Distribution:
        """Of the network with parameters [task, ...] at the step's observations."""
        return self.network.distribution(parameters, step.batch.observations)

    def inner_value(self, step: StepData) -> Callable[[Parameters], torch.Tensor]:
        return lambda parameters: self.inner_objective(self.distribution(parameters, step), step)

    def adapted(self, parameters: Parameters, data: Sequence[StepData], differentiable: bool) -> Parameters:
        """Parameters [task, ...] after one inner update on each step's data in turn."""
        for step in data:
            parameters = inner_update(self.inner_value(step), parameters, self.config.inner_step_size, differentiable)
        return parameters

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        parameters = stacked(self.parameters, len(tasks))
        while True:
            batch = yield NetworkPolicy(self.network, parameters)
            parameters = self.adapted(parameters, [self.step_data(batch)], differentiable=False)

    def state_dict(self) -> dict[str, Any]:
        return {"parameters": {name: value.clone() for name, value in self.parameters.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.parameters = {name: value.clone() for name, value in state["parameters"].items()}

    def std_metrics(self) -> Metrics:
        """The policy's mean standard deviation, where it has one: a collapsing one shows here first."""
        log_std = self.parameters.get("log_std")
        return {} if log_std is None else {"policy_std": float(log_std.exp().mean())}
