"""Who may touch which tasks: the guard on (phase, split), checked wherever a task is used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from environments.task import Task, TaskRef
from environments.task_digest import task_digest

#: everything an algorithm can ask access to; "model" opens the exact MDP, "parameters" the task's parameters,
#: "test-parameters" also those of the tasks that it is evaluated on, while it is, and with "siblings" the trajectories
#: of a task may see each other within a batch
KINDS = frozenset({"train", "validation", "test", "model", "parameters", "test-parameters", "siblings"})


class AccessDenied(PermissionError):
    """A task (or a task's model or parameters) was used by who may not; the message names it."""


class Guard:
    """Allows a phase the splits it was granted and nothing else.

    withheld: digests of the test tasks where none may be used, under whatever name; "test" is then never granted.
    """

    def __init__(
        self, phase: str, granted: Iterable[str], owner: str = "algorithm", withheld: Collection[str] = ()
    ) -> None:
        self.phase = phase
        self.owner = owner
        self.withheld = frozenset(withheld)
        self.granted = frozenset(granted) - ({"test"} if self.withheld else set())
        unknown = self.granted - KINDS
        if unknown:
            raise ValueError(f"unknown access {sorted(unknown)}; known: {sorted(KINDS)}")

    def check_tasks(self, tasks: Sequence[TaskRef]) -> None:
        """Raises AccessDenied naming the first task whose split was not granted."""
        for task in tasks:
            if task.split not in self.granted:
                raise AccessDenied(
                    f"{self.owner} may not use {task.split} task {task.id!r} during {self.phase}: "
                    f"it has access to {', '.join(sorted(self.granted)) or 'nothing'}"
                )

    def withholds(self, task: Task) -> bool:
        """Whether the task's parameters are those of a withheld one."""
        return bool(self.withheld) and task_digest(task) in self.withheld

    def check_parameters(self, tasks: Iterable[Task]) -> None:
        """Raises AccessDenied naming the first task that is withheld, whatever it is called."""
        for task in tasks:
            if self.withholds(task):
                raise AccessDenied(
                    f"{self.owner} may not use task {task.id!r} during {self.phase}: it is one of the test tasks"
                )

    def check(self, kind: str) -> None:
        """Raises AccessDenied if `kind` ("model", "parameters") was not granted."""
        if kind not in self.granted:
            raise AccessDenied(f"{self.owner} may not read the {kind} of a task during {self.phase}")
