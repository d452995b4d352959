"""Adaptation by inner gradient steps: what every method with a meta-learned initialisation shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Literal

import gymnasium
import torch

from algorithms.algorithm import Adaptation, Algorithm, Config, Metrics
from algorithms.estimators.advantages import advantages
from algorithms.estimators.surrogates import log_probability_objective, mean_kl
from algorithms.meta_learning.adapted_variables import AdaptedVariablesConfig
from algorithms.optimisation.inner_update import StepSize, inner_update, step_sizes, without_step_sizes
from algorithms.optimisation.task_chunks import each_chunk, joined
from algorithms.policies.bias_transform import BiasTransform
from algorithms.policies.networks import NetworkPolicy, PolicyNetwork, make_network, unsuitable
from algorithms.policies.parameters import Parameters, stacked
from algorithms.search_space import ALIKE, COUNT, LAMBDAS, LAYERS, POSITIVE, SHARE, LogRange, searched, unsearched
from environments.facts import SuiteFacts
from environments.policy import Distribution
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch
from environments.typed_options import UsageError, option


@dataclass(frozen=True)
class PolicyConfig(Config):
    """A policy network and its advantages; defaults are ProMP's setting (Rothfuss et al. 2019, Appendix C)."""

    hidden: tuple[int, ...] = unsearched((64, 64), ALIKE, domain=LAYERS)
    activation: Literal["tanh", "relu"] = option("tanh", earlier="tanh")
    initial_std: float = unsearched(1.0, ALIKE, domain=POSITIVE)
    gae_lambda: float = searched(1.0, LAMBDAS, domain=SHARE)
    # tasks per backward pass: bounds memory and keeps activations in the cache
    chunk: int = unsearched(4, "it decides memory and speed alone", domain=COUNT)


@dataclass(frozen=True)
class GradientConfig(PolicyConfig):
    # of gradient ascent on all parameters, ProMP's.  A logit of a table is moved by its own state's steps alone, few of
    # a batch, hence the other space.  The first step of an untrained policy moves it by a divergence of 0.003 at the
    # space's lower end (stocks) to about 1 at its upper (half-cheetah); on frozen lakes of 0.002 to 1 (1000).
    inner_step_size: float = searched(0.1, LogRange(0.005, 1.0), tabular=LogRange(10.0, 3000.0))


@dataclass(frozen=True)
class AdaptationBatch:
    """The data of one adaptation step: trajectories, their advantages [task, trajectory, time], and further tensors
    [task, ...] by name that a method's own objectives need."""

    trajectories: TrajectoryBatch
    advantages: torch.Tensor
    extras: Mapping[str, torch.Tensor] = field(default_factory=dict)

    @property
    def tasks(self) -> int:
        return len(self.advantages)

    def select(self, tasks: slice) -> AdaptationBatch:
        extras = {name: value[tasks] for name, value in self.extras.items()}
        return AdaptationBatch(self.trajectories.select(tasks), self.advantages[tasks], extras)

    def with_extra(self, **extras: torch.Tensor) -> AdaptationBatch:
        return replace(self, extras={**self.extras, **extras})

    def extra(self, name: str) -> torch.Tensor:
        """An extra tensor [task, ...].  Raises TypeError where the method has not added it."""
        if name not in self.extras:
            raise TypeError(f"a batch without {name!r}, which the method's `sample` or `adaptation_batch` adds")
        return self.extras[name]

    def divergence(self, policy: Distribution) -> torch.Tensor:
        """KL(acted || policy), [task]: from the policy that collected the batch, a mean over valid steps."""
        acted = type(policy).from_parameters(self.trajectories.distribution)
        return mean_kl(acted, policy, self.trajectories.mask)


#: is shown a policy and the batch at whose observations it is
Seen = Callable[[Distribution, AdaptationBatch], None]


class GradientAdaptation(Algorithm):
    """A policy network whose parameters are adapted to each task by gradient steps on its own data."""

    Config: ClassVar[type[PolicyConfig]] = GradientConfig
    config: Any

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        return unsuitable(suite.observation_space, suite.action_space)

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self.network = self.make_network()
        network = self.network.initial(streams.torch("initial parameters"))
        variables = self.variables
        if variables and variables.learned_step_sizes and not problem.protocol.adaptation_steps:
            raise UsageError("learned_step_sizes needs an adaptation to learn them from, got adaptation_steps=0")
        self.parameters = variables.initial(network, config.inner_step_size) if variables else network
        discrete = isinstance(problem.observation_space, gymnasium.spaces.Discrete)
        self._states = int(problem.observation_space.n) if discrete else None  # type: ignore[attr-defined]

    @property
    def variables(self) -> AdaptedVariablesConfig | None:
        """Which variables are adapted, where the method leaves the choice; otherwise all are, by one step size."""
        return self.config if isinstance(self.config, AdaptedVariablesConfig) else None

    def make_network(self) -> PolicyNetwork:
        config, spaces = self.config, (self.problem.observation_space, self.problem.action_space)
        if self.variables and self.variables.bias_dim:
            bias = self.variables.bias_dim, self.variables.bias_start
            return BiasTransform(*spaces, config.hidden, *bias, config.initial_std, config.activation)
        return make_network(*spaces, config.hidden, config.initial_std, config.activation)

    def adaptable(self, parameters: Parameters) -> Parameters:
        """Those that an inner update moves."""
        return self.variables.moved(parameters) if self.variables else parameters

    def step_size(self, parameters: Parameters) -> StepSize:
        """Of an inner update at parameters [task, ...], among which it stands where it is learned."""
        return step_sizes(parameters) or self.config.inner_step_size

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        """Objective of one inner update, to be maximised, [task]."""
        return log_probability_objective(policy, batch.trajectories, batch.advantages)

    def adaptation_batch(self, trajectories: TrajectoryBatch) -> AdaptationBatch:
        values = advantages(trajectories, self.problem.discount, self.config.gae_lambda, self._states)
        return AdaptationBatch(trajectories, values)

    def distribution(self, parameters: Parameters, batch: AdaptationBatch) -> Distribution:
        """Action distributions of the network with parameters [task, ...] at the batch's observations."""
        return self.network.distribution(parameters, batch.trajectories.observations)

    def inner_value(self, batch: AdaptationBatch, seen: Seen | None = None) -> Callable[[Parameters], torch.Tensor]:
        """`inner_objective` as a function of parameters [task, ...]; `seen` is shown the policy that they make."""

        def value(parameters: Parameters) -> torch.Tensor:
            policy = self.distribution(parameters, batch)
            if seen is not None:
                seen(policy, batch)
            return self.inner_objective(policy, batch)

        return value

    def adapted(
        self,
        parameters: Parameters,
        batches: Sequence[AdaptationBatch],
        differentiable: bool,
        seen: Seen | None = None,
    ) -> Parameters:
        """Parameters [task, ...] after one inner update on each batch in turn.

        seen: is shown the policy before each update with its batch, for terms that would need the same forward pass.
        """
        for batch in batches:
            value, step_size, moved = (
                self.inner_value(batch, seen),
                self.step_size(parameters),
                self.adaptable(parameters),
            )
            objective = partial(_with_held, value, without_step_sizes(parameters))
            parameters = {**parameters, **inner_update(objective, moved, step_size, differentiable)}
        return parameters if differentiable else {name: value.detach() for name, value in parameters.items()}

    def adapted_by_chunks(self, parameters: Parameters, batches: Sequence[AdaptationBatch]) -> Parameters:
        """`adapted` without derivatives, a few tasks at a time: what they need stays in the cache."""

        def part(tasks: slice) -> Parameters:
            own = {name: value[tasks] for name, value in parameters.items()}
            return self.adapted(own, [batch.select(tasks) for batch in batches], differentiable=False)

        return joined(each_chunk(part, batches[0].tasks, self.config.chunk)) if batches else parameters

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        parameters = stacked(self.parameters, len(tasks))
        while True:
            trajectories = yield NetworkPolicy(self.network, parameters)
            parameters = self.adapted_by_chunks(parameters, [self.adaptation_batch(trajectories)])

    def state_dict(self) -> dict[str, Any]:
        return {"parameters": {name: value.clone() for name, value in self.parameters.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.parameters = {name: value.clone() for name, value in state["parameters"].items()}

    def std_metrics(self) -> Metrics:
        """The policy's mean standard deviation, where it has one: a collapsing one shows here first."""
        log_std = self.parameters.get("log_std")
        return {} if log_std is None else {"policy_std": float(log_std.exp().mean())}


def _with_held(value: Callable[[Parameters], torch.Tensor], parameters: Parameters, moved: Parameters) -> torch.Tensor:
    return value({**parameters, **moved})
