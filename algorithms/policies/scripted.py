"""Policies that no network is behind: always one action, or any action alike; and their action distributions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NoReturn, Self

import gymnasium
import torch

from algorithms.policies.distributions import Categorical
from environments.policy import Distribution, Previous
from environments.streams import Streams


class Point:
    """All the mass on one action [..., *shape], float32 of a Box or int64 of a Discrete space."""

    def __init__(self, action: torch.Tensor) -> None:
        self.action = action

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        return {"action": self.action}

    @classmethod
    def from_parameters(cls, parameters: dict[str, torch.Tensor]) -> Self:
        return cls(parameters["action"])

    def sample(self, generator: torch.Generator) -> torch.Tensor:
        return self.action.clone()

    def log_prob(self, action: torch.Tensor) -> torch.Tensor:
        """Of the mass, [...]: 0 for the action itself, minus infinity for any other."""
        return _log(self._is(action))

    def entropy(self) -> torch.Tensor:
        return torch.zeros_like(self.log_prob(self.action))

    def kl(self, other: Point) -> torch.Tensor:
        """KL(self || other), [...]: infinite between two actions."""
        return -other.log_prob(self.action)

    def fisher_product(self, tangent: dict[str, torch.Tensor]) -> NoReturn:
        raise TypeError("a distribution on one point has no Fisher information")

    def _is(self, action: torch.Tensor) -> torch.Tensor:
        same = action == self.action
        return same.all(-1) if action.dtype.is_floating_point else same


class Uniform:
    """Uniform on a box; low and high [..., dimensions]."""

    def __init__(self, low: torch.Tensor, high: torch.Tensor) -> None:
        self.low, self.high = low, high

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        return {"low": self.low, "high": self.high}

    @classmethod
    def from_parameters(cls, parameters: dict[str, torch.Tensor]) -> Self:
        return cls(parameters["low"], parameters["high"])

    def sample(self, generator: torch.Generator) -> torch.Tensor:
        share = torch.rand(self.low.shape, generator=generator, dtype=self.low.dtype)
        # rounding must not lead past the box
        return torch.minimum(self.low + share * (self.high - self.low), self.high)

    def log_prob(self, action: torch.Tensor) -> torch.Tensor:
        inside = ((self.low <= action) & (action <= self.high)).all(-1)
        return _log(inside) - self.entropy()

    def entropy(self) -> torch.Tensor:
        return (self.high - self.low).log().sum(-1)

    def kl(self, other: Uniform) -> torch.Tensor:
        """KL(self || other), [...]: infinite where the other's box does not hold this one."""
        held = ((other.low <= self.low) & (self.high <= other.high)).all(-1)
        return other.entropy() - self.entropy() - _log(held)

    def fisher_product(self, tangent: dict[str, torch.Tensor]) -> NoReturn:
        raise TypeError("a uniform distribution's support moves with its parameters: it has no Fisher information")


@dataclass(frozen=True)
class ScriptedPolicy:
    """The same distribution whatever is seen.

    Its parameters are those of one action, or, `by_trajectory`, of one for each trajectory of a task.
    """

    distribution: Distribution
    by_trajectory: bool = False

    def begin(self, tasks: int, trajectories: int, stream: Streams) -> None:
        return None

    def act(self, observation: torch.Tensor, previous: Previous, state: Any) -> tuple[Distribution, None]:
        tasks, trajectories = observation.shape[:2]
        lead = (tasks,) if self.by_trajectory else (tasks, trajectories)
        parameters = {name: value.expand(*lead, *value.shape) for name, value in self.distribution.parameters.items()}
        return type(self.distribution).from_parameters(parameters), None


def constant_policy(action: torch.Tensor) -> ScriptedPolicy:
    """Always this action, [*shape]."""
    return ScriptedPolicy(Point(action))


def one_action_each(actions: torch.Tensor) -> ScriptedPolicy:
    """In the i-th trajectory of every task always the i-th of the actions [trajectory, *shape]."""
    return ScriptedPolicy(Point(actions), by_trajectory=True)


def uniform_policy(space: gymnasium.Space) -> ScriptedPolicy:
    """Any action of the space alike, which must not be `unbounded`."""
    if isinstance(space, gymnasium.spaces.Discrete):
        return ScriptedPolicy(Categorical(torch.zeros(int(space.n))))
    assert isinstance(space, gymnasium.spaces.Box)
    return ScriptedPolicy(Uniform(torch.from_numpy(space.low.copy()), torch.from_numpy(space.high.copy())))


def unbounded(space: gymnasium.Space) -> str | None:
    """Why there is no uniform draw from the space; None if there is."""
    if isinstance(space, gymnasium.spaces.Discrete) and space.start == 0:
        return None
    if isinstance(space, gymnasium.spaces.Box) and space.is_bounded() and len(space.shape) == 1:
        return None
    return f"it draws from all actions, which must be a bounded vector or a number from 0 on, not {space}"


def _log(holds: torch.Tensor) -> torch.Tensor:
    return torch.where(holds, 0.0, -math.inf)
