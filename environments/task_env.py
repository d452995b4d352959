"""One task of a suite as a plain gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from environments.suite import Suite
from environments.task import Task


class TaskEnv(gymnasium.Env):
    """A batch of one environment, which equals each environment of a larger batch step by step.

    `truncated` is true at the horizon; `info["success"]` is the environment's own flag.
    """

    def __init__(self, suite: Suite, task: Task) -> None:
        self.suite, self.task = suite, task
        self.observation_space = suite.observation_space
        self.action_space = suite.action_space
        self._batch = suite.make_batch(1, 1)
        self._batch.set_tasks([task])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Equal seeds give the initial state that gymnasium's own environment of the robot has."""
        super().reset(seed=seed)
        observation, info = self._batch.reset(seed=seed, options=options)
        return observation[0].copy(), {"success": bool(info["success"][0])}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self._batch.step(np.asarray(action)[None])
        return (
            observation[0].copy(),  # a batch may work in place
            float(reward[0]),
            bool(terminated[0]),
            bool(truncated[0]),
            {"success": bool(info["success"][0])},
        )

    def close(self) -> None:
        self._batch.close()
