"""The paper's drone, a point that moves by a step along its heading, all environments in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from environments.batch_env import BatchEnv
from environments.drone.arena import entry, goal_centres, obstacle_corners, unit_headings
from environments.task import Task

if TYPE_CHECKING:
    from environments.drone.drone_obstacles import DroneObstacles


class KinematicDrones(BatchEnv):
    """`positions` [num_envs, 2] of the drones' centres, at the fixed height.

    A decision: the step along the heading, cut at the walls coordinate by coordinate; then whether the segment
    touched the goal square or the obstacle grown by half the hull, and which one first.
    """

    def __init__(self, tasks: int, trajectories: int, suite: DroneObstacles) -> None:
        super().__init__(tasks, trajectories, suite.horizon, suite.observation_space, suite.action_space)
        self.options, self.discount = suite.options, suite.discount
        self.arena = self.options.arena
        self._low, self._high = np.array(self.options.flyable)

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        goals = np.repeat(goal_centres(tasks), self.trajectories, axis=0)
        corners = np.repeat(obstacle_corners(tasks), self.trajectories, axis=0)
        self._goal = self.arena.goal_boxes(goals)
        self._obstacle = self.arena.obstacle_boxes(corners, self.options.inflate)
        self._distance_from = self.options.distance(self._goal, self._obstacle)

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        self.positions = np.tile(np.array(self.arena.start, dtype=np.float64), (self.num_envs, 1))
        self._distance = self._distance_from(self.positions)
        self._has_hit = np.zeros(self.num_envs, dtype=bool)
        return self._observation()

    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
        before, distance = self.positions, self._distance
        wanted = before + self.options.step_length * unit_headings(actions)
        if not alive.all():
            wanted = np.where(alive[:, None], wanted, before)
        self.positions = np.clip(wanted, self._low, self._high)
        self._distance = self._distance_from(self.positions)

        begin = before if self.options.collision == "swept" else self.positions
        into_goal, into_obstacle = (entry(begin, self.positions, *box) for box in (self._goal, self._obstacle))
        reached, hit = into_goal < into_obstacle, into_obstacle < into_goal
        if self.options.walls == "crash":
            hit |= (self.positions != wanted).any(axis=1) & ~reached
        self._has_hit |= hit
        reward = self.options.reward(reached, hit, distance, self._distance, self.discount)
        ended = reached | hit if self.options.terminal else np.zeros(self.num_envs, dtype=bool)
        return self._observation(), reward, ended, reached & ~self._has_hit

    def _observation(self) -> np.ndarray:
        height = np.full((self.num_envs, 1), self.arena.height)
        return self.options.observe(np.concatenate([self.positions, height], axis=1))
