"""The drone's suite with the paper's kinematic dynamics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium.spaces import Box

from environments.batch_env import BatchEnv
from environments.drone.arena import (
    GOAL_X,
    GOAL_Y,
    OBSTACLE_X,
    OBSTACLE_Y,
    entry,
    goal_centres,
    obstacle_corners,
    unit_headings,
)
from environments.drone.drone_options import DroneOptions
from environments.drone.shortest_way import ShortestWay
from environments.suite import Suite
from environments.task import Task

if TYPE_CHECKING:
    from environments.trajectories import TrajectoryBatch


class DroneObstacles(Suite):
    """A drone that flies to a goal square around an obstacle, told its position alone (XMRL-G, Section 6.1).

    Observation: (x, y, z).  Action: a heading (dx, dy, dz), of which dz is ignored.  A decision moves the drone by
    0.1 m along the heading.  Tasks differ in where goal and obstacle are.
    """

    name = "drone-obstacles"
    family = "drone"
    metric = "success"
    records_success = True
    horizon = 200
    discount = 0.99
    split_sizes: ClassVar[tuple[int, int, int]] = (50, 10, 20)
    Options: ClassVar[type[DroneOptions]] = DroneOptions
    #: whether finished runs keep an animation, which costs three seconds
    animated: ClassVar[bool] = False
    options: DroneOptions

    @property
    def observation_space(self) -> Box:
        return Box(-np.inf, np.inf, (3,), np.float64)

    @property
    def action_space(self) -> Box:
        return Box(-1, 1, (3,), np.float32)

    @property
    def best_score(self) -> float | None:
        """1 where every test task's goal is within reach: a step for each bend of the way, of which there are two, and
        one for the last bit are allowed beyond its length."""
        tasks, options = self.split.test, self.options
        arena = options.arena
        boxes = (arena.goal_boxes(goal_centres(tasks)), arena.obstacle_boxes(obstacle_corners(tasks), options.inflate))
        if options.walls == "crash":
            return None
        way = ShortestWay(*boxes, options.flyable)(np.tile(np.array(arena.start), (len(tasks), 1)))
        return 1.0 if way.max() <= (self.horizon - 3) * options.step_length else None

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        """Goal's centre and obstacle's lower left corner, uniform on the paper's ranges, to the micrometre."""
        low, high = np.array([GOAL_X, GOAL_Y, OBSTACLE_X, OBSTACLE_Y]).T
        drawn = generator.uniform(low, high).round(6).tolist()
        return Task(task_id, {"goal": drawn[:2], "obstacle": drawn[2:]})

    def make_batch(self, tasks: int, trajectories: int) -> BatchEnv:
        return DroneBatch(self, tasks, trajectories)

    def pictures(self, tasks: Sequence[Task], adapted: TrajectoryBatch) -> dict[str, bytes]:
        """`flight.png` of an adapted flight on the first task; with `animated`, `flight.gif` too."""
        from environments.drone.pictures import adapted_flight  # OpenGL, which only a finished run needs

        return adapted_flight(self.options, tasks, adapted, self.animated)


class DroneBatch(BatchEnv):
    """The paper's drone, a point that moves by a step along its heading, all environments in one batch.

    `positions` [num_envs, 2] of the drones' centres, at the fixed height.

    A decision: the step along the heading, cut at the walls coordinate by coordinate; then whether the segment
    touched the goal square or the obstacle grown by half the hull, and which one first.
    """

    def __init__(self, suite: DroneObstacles, tasks: int, trajectories: int) -> None:
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
