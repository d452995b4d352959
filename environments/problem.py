"""The problem that an algorithm is given: a suite seen through the guard, and the evaluation protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium

from environments.access import Guard
from environments.suite import Suite
from environments.task import Task, TaskRef
from environments.typed_options import UsageError


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


@dataclass(frozen=True)
class Parent:
    """What a finished run leaves to one that begins with it: its final state_dict, and what it took of the budget."""

    state: Mapping[str, Any]
    environment_steps: int


class Problem:
    """Spaces, horizon, discount, task references and protocol; parameters and models only where granted."""

    def __init__(
        self,
        suite: Suite,
        protocol: EvaluationProtocol,
        guard: Guard,
        drawn: Mapping[str, Task] | None = None,
        parents: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """drawn: the collector's `drawn`, so that the parameters of fresh training tasks can be read too.

        parents: by role, the final state_dict of each run that this one begins with.
        """
        self._suite = suite
        self._guard = guard
        self._drawn = {} if drawn is None else drawn
        self._parents = {} if parents is None else parents
        self._evaluated: frozenset[TaskRef] = frozenset()
        self.protocol = protocol
        self.suite_name = suite.name
        self.observation_space: gymnasium.Space = suite.observation_space
        self.action_space: gymnasium.Space = suite.action_space
        self.horizon = suite.horizon
        self.discount = suite.discount

    def tasks(self, split: str) -> tuple[TaskRef, ...]:
        """References to a split's tasks.  Raises AccessDenied if the split was not granted."""
        references = tuple(TaskRef(split, task.id) for task in self._suite.split.tasks(split))
        self._guard.check_tasks(references or (TaskRef(split, "any"),))  # withheld ones are none to see
        return references

    def parameters(self, task: TaskRef) -> Mapping[str, Any]:
        """The task's parameters.  Raises AccessDenied unless both the task and "parameters" were granted.

        To who has "test-parameters" too, the tasks that it is evaluated on are granted while it is.
        """
        self._guard.check("parameters")
        if not (task in self._evaluated and "test-parameters" in self._guard.granted):
            self._guard.check_tasks([task])
        return self._found(task).parameters

    @contextmanager
    def evaluated_on(self, tasks: Sequence[TaskRef]) -> Iterator[None]:
        """For the harness: within, who has the access "test-parameters" may read these tasks' parameters."""
        before, self._evaluated = self._evaluated, frozenset(tasks)
        try:
            yield
        finally:
            self._evaluated = before

    def model(self, task: TaskRef) -> Any:
        """The task's exact MDP.

        Raises AccessDenied unless both the task and "model" were granted, TypeError if there is none.
        """
        self._guard.check("model")
        self._guard.check_tasks([task])
        return self._suite.model(self._found(task))

    def parent(self, role: str) -> dict[str, Any]:
        """The final state_dict, not to be changed, of the run that this one begins with in that role.

        Raises UsageError where the algorithm names no such parent (`Algorithm.parents`).
        """
        if role not in self._parents:
            known = ", ".join(self._parents) or "none"
            raise UsageError(f"{self._guard.owner} has no parent run in the role {role!r}; its parents: {known}")
        return dict(self._parents[role])

    def _found(self, reference: TaskRef) -> Task:
        task = self._drawn.get(reference.id) or self._suite.split.task(reference.split, reference.id)
        self._guard.check_parameters([task])
        return task
