"""Any suite as a plain gymnasium environment of one task."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from environments.catalogue import parse_suite_name, suites
from environments.discovery import choose
from environments.splits import NAMES
from environments.suite import Suite
from environments.task import Task
from environments.typed_options import UsageError, make_options, nearest


class SingleEnv(gymnasium.Env):
    """A batch of one environment, which equals each environment of a larger batch step by step.

    suite: a suite's name, with options in brackets or as keyword arguments.
    task: a Task, the id of a task in any split, or None for the first training task.
    `truncated` is true at the horizon; `info["success"]` is the environment's own flag.
    Raises UsageError for an unknown suite, option or task.
    """

    def __init__(self, suite: str, task: Task | str | None = None, **options: Any) -> None:
        name, in_name = parse_suite_name(suite)
        cls: type[Suite] = choose(suites(), name, "suite").load()
        self.suite = cls(make_options(cls.Options, {**in_name, **options}, f"suite {name}"))
        self.task = find_task(self.suite, task)
        self.observation_space = self.suite.observation_space
        self.action_space = self.suite.action_space
        self._batch = self.suite.make_batch(1, 1)
        self._batch.set_tasks([self.task])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Equal seeds give the initial state that gymnasium's own environment of the robot has."""
        super().reset(seed=seed)
        observation, info = self._batch.reset(seed=seed, options=options)
        return observation[0], {"success": bool(info["success"][0])}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self._batch.step(np.asarray(action)[None])
        return (
            observation[0],
            float(reward[0]),
            bool(terminated[0]),
            bool(truncated[0]),
            {"success": bool(info["success"][0])},
        )

    def close(self) -> None:
        self._batch.close()


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
