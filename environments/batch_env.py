"""The vector environment that every suite steps natively as one batch of tasks x trajectories."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from environments.task import Task


class BatchEnv(VectorEnv):
    """`tasks * trajectories` environments in task-major order, stepped together.

    An episode that has ended stays ended until the next reset: its reward is 0, its observation the last one,
    its `terminated` or `truncated` flag stays true.  `info["success"]` [num_envs] is the environment's own flag.
    Rewards and observations are float64.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.DISABLED, "render_modes": []}  # noqa: RUF012

    def __init__(
        self,
        tasks: int,
        trajectories: int,
        horizon: int,
        observation_space: gymnasium.Space,
        action_space: gymnasium.Space,
    ) -> None:
        super().__init__()
        self.task_count, self.trajectories, self.horizon = tasks, trajectories, horizon
        self.num_envs = tasks * trajectories
        self.single_observation_space, self.single_action_space = observation_space, action_space
        self.observation_space = batch_space(observation_space, self.num_envs)
        self.action_space = batch_space(action_space, self.num_envs)
        self.elapsed = 0
        self.alive = np.ones(self.num_envs, dtype=bool)
        self.tasks: tuple[Task, ...] = ()

    def set_tasks(self, tasks: Sequence[Task]) -> None:
        """Give each block of `trajectories` environments its task; takes effect at the next reset."""
        if len(tasks) != self.task_count:
            raise ValueError(f"expected {self.task_count} tasks, got {len(tasks)}")
        self.tasks = tuple(tasks)
        self._load_tasks(self.tasks)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict]:
        """Start every episode anew.  Equal seeds give equal initial states."""
        if not self.tasks:
            raise RuntimeError("set_tasks must be called before reset")
        super().reset(seed=seed)
        self.elapsed = 0
        self.alive[:] = True
        self._terminated = np.zeros(self.num_envs, dtype=bool)
        self._success = np.zeros(self.num_envs, dtype=bool)
        return self._reset(self.np_random), {"success": self._success.copy()}

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict]:
        """Advance every living episode by one control step."""
        alive = self.alive
        observation, reward, ended, success = self._step(np.asarray(actions), alive)
        self.elapsed += 1
        if not alive.all():
            reward = np.where(alive, reward, 0.0)
            ended = ended & alive
            success = success & alive
        self._terminated |= ended
        self._success |= success
        truncated = np.full(self.num_envs, self.elapsed >= self.horizon) & ~self._terminated
        self.alive = ~(self._terminated | truncated)
        return observation, reward, self._terminated.copy(), truncated, {"success": self._success.copy()}

    def repeat(self, values: Sequence[Any]) -> np.ndarray:
        """One value per task, repeated for its trajectories: [num_envs, ...] float64."""
        return np.repeat(np.asarray(values, dtype=np.float64), self.trajectories, axis=0)

    @abstractmethod
    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        """Take over the tasks' parameters."""

    @abstractmethod
    def _reset(self, generator: np.random.Generator) -> Any:
        """Draw initial states; return observations [num_envs, ...]."""

    @abstractmethod
    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
        """Observations, rewards, terminated, success, each [num_envs, ...].

        Rows that are not `alive` are overwritten by the caller except the observation, which must stay the last.
        """
