"""A suite in one file: gymnasium's pendulum, to be swung up, its mass and length unknown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from gymnasium.spaces import Box

from environments.batch_env import BatchEnv
from environments.make_splits import make_split
from environments.splits import Split
from environments.suite import Suite
from environments.task import Task


class PendulumParams(Suite):
    """Pendulum to be swung up, masses and lengths uniform on [0.5, 1.5] kg and m; success: it was upright."""

    name = "pendulum-params"
    family = "pendulum"
    metric = "return"
    horizon = 200
    observation_space = Box(-np.inf, np.inf, (3,), np.float64)
    action_space = Box(-1, 1, (1,), np.float32)

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        mass, length = generator.uniform(0.5, 1.5, size=2).round(6).tolist()
        return Task(task_id, {"mass": mass, "length": length})

    @cached_property
    def split(self) -> Split:
        return make_split(self)

    def make_batch(self, tasks: int, trajectories: int) -> PendulumBatch:
        return PendulumBatch(tasks, trajectories, self.horizon, self.observation_space, self.action_space)


class PendulumBatch(BatchEnv):
    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        self.mass = self.repeat([task.parameters["mass"] for task in tasks])
        self.length = self.repeat([task.parameters["length"] for task in tasks])

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        self.angle, self.velocity = generator.uniform((-np.pi, -1), (np.pi, 1), (self.num_envs, 2)).T
        return self._observation()

    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        torque, tilt = 2 * actions[:, 0].clip(-1, 1).astype(np.float64), (self.angle + np.pi) % (2 * np.pi) - np.pi
        reward = -(tilt**2 + 0.1 * self.velocity**2 + 0.001 * torque**2)
        pull = 15 * np.sin(self.angle) / self.length + 3 * torque / (self.mass * self.length**2)
        self.velocity = (self.velocity + 0.05 * pull).clip(-8, 8)
        self.angle = self.angle + 0.05 * self.velocity
        return self._observation(), reward, np.zeros(self.num_envs, dtype=bool), np.cos(self.angle) > 0.95

    def _observation(self) -> np.ndarray:
        return np.stack([np.cos(self.angle), np.sin(self.angle), self.velocity], axis=1)
