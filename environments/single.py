"""Any suite as a plain gymnasium environment of one task, by name."""

from __future__ import annotations

from typing import Any

from environments.catalogue import parse_suite_name, suites
from environments.discovery import choose
from environments.splits import NAMES
from environments.suite import Suite
from environments.task import Task
from environments.task_env import TaskEnv
from environments.typed_options import UsageError, make_options, nearest


class SingleEnv(TaskEnv):
    """What `gymnasium.make` makes of a suite's name.

    suite: a suite's name, with options in brackets or as keyword arguments.
    task: a Task, the id of a task in any split, or None for the first training task.
    Raises UsageError for an unknown suite, option or task.
    """

    def __init__(self, suite: str, task: Task | str | None = None, **options: Any) -> None:
        name, in_name = parse_suite_name(suite)
        cls: type[Suite] = choose(suites(), name, "suite").load()
        made = cls(make_options(cls.Options, {**in_name, **options}, f"suite {name}"))
        super().__init__(made, find_task(made, task))


def find_task(suite: Suite, task: Task | str | None) -> Task:
    """The task itself, the one of that id in any split, or the first training task."""
    if isinstance(task, Task):
        return task
    if task is None:
        return suite.split.train[0]
    known = {entry.id: entry for name in NAMES for entry in suite.split.tasks(name)}
    if task not in known:
        raise UsageError(f"suite {suite.name} has no task {task!r}; {nearest(task, known)}")
    return known[task]
