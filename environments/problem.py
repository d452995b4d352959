"""The problem that an algorithm is given: a suite seen through the guard, and the evaluation protocol."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium

from environments.access import Guard
from environments.same_mdp import mdp_key
from environments.suite import Suite
from environments.task import Task, TaskRef


@dataclass(frozen=True)
class EvaluationProtocol:
    """How adaptation is evaluated: the harness's word alone.  Recorded whole, as an algorithm's configuration is.

    A field that is added is a `typed_options.option` with `earlier`, so that older records say what they did.
    """

    adaptation_steps: int = 1
    trajectories: int = 20  # per task and adaptation step
    adaptations: int = 1  # independent ones of each task, so that a split of two tasks is measured well

    def __post_init__(self) -> None:
        if self.adaptation_steps < 0 or self.trajectories < 1 or self.adaptations < 1:
            raise ValueError(
                f"adaptation_steps must be at least 0, trajectories and adaptations at least 1, "
                f"got {self.adaptation_steps}, {self.trajectories} and {self.adaptations}"
            )


class Problem:
    """Spaces, horizon, discount, task references and protocol; parameters and models only where granted."""

    def __init__(self, suite: Suite, protocol: EvaluationProtocol, guard: Guard) -> None:
        self._suite = suite
        self._guard = guard
        self.protocol = protocol
        self.suite_name = suite.name
        self.observation_space: gymnasium.Space = suite.observation_space
        self.action_space: gymnasium.Space = suite.action_space
        self.horizon = suite.horizon
        self.discount = suite.discount
        self.metric = suite.metric  # of the scores: "return", "discounted_return" or "success"

    def tasks(self, split: str) -> tuple[TaskRef, ...]:
        """References to a split's tasks.  Raises AccessDenied if the split was not granted."""
        references = tuple(TaskRef(split, task.id) for task in self._suite.split.tasks(split))
        self._guard.check_tasks(references or (TaskRef(split, "any"),))  # withheld ones are none to see
        return references

    def mdp_keys(self, tasks: Sequence[TaskRef]) -> tuple[Hashable, ...]:
        """One key for each task, equal where two are the same MDP.  Raises AccessDenied for tasks not granted."""
        self._guard.check_tasks(tasks)
        return tuple(mdp_key(self._suite, self._found(task)) for task in tasks)

    def parameters(self, task: TaskRef) -> Mapping[str, Any]:
        """The task's parameters.  Raises AccessDenied unless both the task and "parameters" were granted."""
        self._guard.check("parameters")
        self._guard.check_tasks([task])
        return self._found(task).parameters

    def model(self, task: TaskRef) -> Any:
        """The task's exact MDP.

        Raises AccessDenied unless both the task and "model" were granted, TypeError if there is none.
        """
        self._guard.check("model")
        self._guard.check_tasks([task])
        return self._suite.model(self._found(task))

    def _found(self, reference: TaskRef) -> Task:
        task = self._suite.split.task(reference.split, reference.id)
        self._guard.check_parameters([task])
        return task
