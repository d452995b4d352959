"""The drone's suite with the paper's kinematic dynamics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from gymnasium.spaces import Box

from environments.batch_env import BatchEnv
from environments.drone.arena import GOAL_X, GOAL_Y, OBSTACLE_X, OBSTACLE_Y
from environments.drone.drone_options import DroneOptions
from environments.drone.kinematic_env import KinematicDrones
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

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        """Goal's centre and obstacle's lower left corner, uniform on the paper's ranges, to the micrometre."""
        low, high = np.array([GOAL_X, GOAL_Y, OBSTACLE_X, OBSTACLE_Y]).T
        drawn = generator.uniform(low, high).round(6).tolist()
        return Task(task_id, {"goal": drawn[:2], "obstacle": drawn[2:]})

    def make_batch(self, tasks: int, trajectories: int) -> BatchEnv:
        return KinematicDrones(tasks, trajectories, self)

    def pictures(self, tasks: Sequence[Task], adapted: TrajectoryBatch) -> dict[str, bytes]:
        """`flight.png` of an adapted flight on the first task; with `animated`, `flight.gif` too."""
        from environments.drone.pictures import adapted_flight  # OpenGL, which only a finished run needs

        return adapted_flight(self.options, tasks, adapted, self.animated)
