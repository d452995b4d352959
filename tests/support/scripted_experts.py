"""Experts that nobody trained, and GMPS guided by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from algorithms.gmps import Gmps
from algorithms.policies.distributions import Categorical, Gaussian
from environments.policy import Policy, Previous
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef


@dataclass(frozen=True)
class Towards:
    """Walks straight to its goal [task, 2] on suites whose observation is the place, with a little noise."""

    goals: torch.Tensor

    def begin(self, tasks: int, trajectories: int, stream: Streams) -> None:
        return None

    def mean(self, observation: torch.Tensor) -> torch.Tensor:
        goals = self.goals.reshape(len(self.goals), *[1] * (observation.ndim - 2), -1)
        return (goals - observation[..., : self.goals.shape[-1]]).clamp(-1, 1)

    def act(self, observation: torch.Tensor, previous: Previous, state: Any) -> tuple[Gaussian, None]:
        return Gaussian(self.mean(observation), torch.full((1, 1, self.goals.shape[-1]), -3.0)), None


class CornerExpert:
    """Knows each task's corner."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def policy(self, tasks: Sequence[TaskRef]) -> Towards:
        return Towards(torch.tensor([self._problem.parameters(task)["goal"] for task in tasks], dtype=torch.float32))

    def label(self, tasks: Sequence[TaskRef], observations: torch.Tensor) -> torch.Tensor:
        return self.policy(tasks).mean(observations)


@dataclass(frozen=True)
class Table:
    """Acts by given probabilities [task, state, action]."""

    probabilities: torch.Tensor

    def begin(self, tasks: int, trajectories: int, stream: Streams) -> None:
        return None

    def act(self, observation: torch.Tensor, previous: Previous, state: Any) -> tuple[Categorical, None]:
        rows = torch.arange(len(self.probabilities))[:, None]
        return Categorical(self.probabilities.log()[rows, observation].float()), None


class TableExpert:
    """Acts by a policy for each task's id, [state, action]."""

    def __init__(self, policies: dict[str, torch.Tensor]) -> None:
        self._policies = policies

    def policy(self, tasks: Sequence[TaskRef]) -> Policy:
        return Table(torch.stack([self._policies[task.id] for task in tasks]))

    def label(self, tasks: Sequence[TaskRef], observations: torch.Tensor) -> torch.Tensor:
        best = torch.stack([self._policies[task.id].argmax(-1) for task in tasks])
        return best.gather(1, observations.flatten(1)).reshape(observations.shape)


class CornerGmps(Gmps):
    """GMPS by an expert that was given."""

    name = "corner-gmps"
    parents: ClassVar = {}

    @property
    def expert(self) -> CornerExpert:
        return CornerExpert(self.problem)
