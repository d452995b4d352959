"""Experts: policies that observe a task's parameters and act well on it, for those who imitate them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import gymnasium
import torch

from algorithms.experts.actor import Actor, ActorPolicy
from algorithms.experts.context import Contexts
from environments.policy import Policy
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.typed_options import UsageError

#: the role of an expert among `Algorithm.parents`, and where its state_dict holds the `Actor`
EXPERT = "expert"


class Expert(Protocol):
    """Acts on tasks whose parameters it may observe, and says what it would have done in anyone's place."""

    def policy(self, tasks: Sequence[TaskRef]) -> Policy:
        """Acts as the expert on these tasks, in this order, its noise included."""

    def label(self, tasks: Sequence[TaskRef], observations: torch.Tensor) -> torch.Tensor:
        """Its mean action [task, trajectory, time, action], within the action space, at any observations
        [task, trajectory, time, observation] of these tasks."""


class ActorExpert:
    """An `Actor` that is told each task's context."""

    def __init__(self, actor: Actor, contexts: Contexts) -> None:
        self._actor, self._contexts = actor, contexts

    def policy(self, tasks: Sequence[TaskRef]) -> Policy:
        return ActorPolicy(self._actor, self._contexts.of(tasks))

    def label(self, tasks: Sequence[TaskRef], observations: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return self._actor.middle(observations, self._contexts.of(tasks))


def expert_of(problem: Problem, streams: Streams) -> Expert:
    """The expert that the parent run in the role "expert" has become.

    Who asks has `parents = {"expert": ...}` and the access "parameters".  streams: for experts that draw anything.
    Raises UsageError where there is no such parent, or where it leaves no actor.
    """
    state = problem.parent(EXPERT)
    if EXPERT not in state or not isinstance(problem.action_space, gymnasium.spaces.Box):
        raise UsageError(
            f"the parent run in the role {EXPERT!r} on {problem.suite_name} leaves no actor under {EXPERT!r} in its "
            "state_dict; name a method that does, such as contextual-sac"
        )
    return ActorExpert(Actor(state[EXPERT], problem.action_space), Contexts(problem))
