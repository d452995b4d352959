"""A point that must reach goals of two clusters, one of them rare; and the same suite with one goal for all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import gymnasium
import numpy as np

from environments.batch_env import BatchEnv
from environments.splits import Split
from environments.streams import Streams
from environments.suite import Suite
from environments.task import Task

#: of 50 training tasks, those of the rare cluster
RARE = 10
#: directions of the two clusters' goals, in radians: equally far from the start
COMMON_ANGLE, RARE_ANGLE = 0.0, 2.2


class GoalClusters(Suite):
    """A point in the plane is paid for being near its goal, 1.2 to 1.8 from the start.

    40 training and 5 validation tasks have their goal to the right, 10 and 5 theirs to the upper left; the rare ones
    stand anywhere among the others.  Which are rare depends on the seed.
    """

    name = "goal-clusters"
    family = "goal-clusters"
    horizon = 15
    discount = 0.95
    #: whether tasks differ at all
    structured = True

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.draw = Streams(seed).child("goal clusters")

    @cached_property
    def split(self) -> Split:
        return Split(self._tasks("train", 50, RARE), self._tasks("validation", 10, 5), self._tasks("test", 4, 2))

    @property
    def rare(self) -> frozenset[int]:
        """Indices of the rare training tasks."""
        return frozenset(index for index, task in enumerate(self.split.train) if is_rare(task))

    def _tasks(self, split: str, count: int, rare: int) -> tuple[Task, ...]:
        generator = self.draw.numpy(split)
        places = set(generator.choice(count, rare, replace=False).tolist())
        tasks = []
        for index in range(count):
            angle = (RARE_ANGLE if index in places else COMMON_ANGLE) + generator.uniform(-0.3, 0.3)
            distance = generator.uniform(1.2, 1.8)
            goal = [distance * np.cos(angle), distance * np.sin(angle)] if self.structured else [1.5, 0.0]
            tasks.append(Task(f"{split}-{index}", {"goal": goal, "rare": index in places}))
        return tuple(tasks)

    @property
    def observation_space(self) -> gymnasium.spaces.Box:
        return gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)

    @property
    def action_space(self) -> gymnasium.spaces.Box:
        return gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def make_batch(self, tasks: int, trajectories: int) -> GoalBatch:
        return GoalBatch(self, tasks, trajectories)

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        raise NotImplementedError("all tasks are in the split")


class OneGoal(GoalClusters):
    """All tasks are the same one, whatever they are called."""

    name = "one-goal"
    structured = False


class GoalBatch(BatchEnv):
    """Positions [num_envs, 2]; each coordinate moves by at most 0.2 a step.  Reward: minus the distance after it."""

    def __init__(self, suite: GoalClusters, tasks: int, trajectories: int) -> None:
        super().__init__(tasks, trajectories, suite.horizon, suite.observation_space, suite.action_space)

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        self._goal = self.repeat([task.parameters["goal"] for task in tasks])

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        self._state = generator.uniform(-0.1, 0.1, (self.num_envs, 2))
        return self._state

    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
        self._state = self._state + 0.2 * np.clip(actions.astype(np.float64), -1, 1)
        reward = -np.sqrt(((self._state - self._goal) ** 2).sum(1))
        never = np.zeros(self.num_envs, dtype=bool)
        return self._state, reward, never, never


def is_rare(task: Task) -> bool:
    return bool(task.parameters["rare"])
