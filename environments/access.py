"""Who may touch which tasks: the guard on (phase, split), checked wherever a task is used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from environments.task import TaskRef

#: everything an algorithm can ask access to; "model" opens the exact MDP, "parameters" the task's parameters, and
#: with "siblings" the trajectories of a task may see each other within a batch
KINDS = frozenset({"train", "validation", "test", "model", "parameters", "siblings"})


class AccessDenied(PermissionError):
    """A task (or a task's model or parameters) was used by who may not; the message names it."""


class Guard:
    """Allows a phase the splits it was granted and nothing else."""

    def __init__(self, phase: str, granted: Iterable[str], owner: str = "algorithm") -> None:
        self.phase = phase
        self.owner = owner
        self.granted = frozenset(granted)
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

    def check(self, kind: str) -> None:
        """Raises AccessDenied if `kind` ("model", "parameters") was not granted."""
        if kind not in self.granted:
            raise AccessDenied(f"{self.owner} may not read the {kind} of a task during {self.phase}")
