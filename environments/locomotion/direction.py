"""Suites of two directions: run forward or backward, as fast as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from environments.locomotion.locomotion import LocomotionBatch, LocomotionSuite
from environments.locomotion.locomotion_options import ContactOptions, HealthOptions, LocomotionOptions
from environments.locomotion.robots import ANT, HALF_CHEETAH, WALKER2D
from environments.task import Task


class DirectionBatch(LocomotionBatch):
    """d v for forward velocity v and the task's direction d, 1 or -1."""

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        self._direction = self.repeat([task.parameters["direction"] for task in tasks])

    def _task_reward(self, velocity: np.ndarray) -> np.ndarray:
        return self._direction * velocity[:, 0]


class DirectionSuite(LocomotionSuite):
    """Two tasks, so training, validation and test hold both, as in every paper."""

    environment = DirectionBatch

    def all_tasks(self) -> tuple[Task, ...]:
        """The whole distribution."""
        return Task("forward", {"direction": 1.0}), Task("backward", {"direction": -1.0})

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        return Task(task_id, {"direction": float(generator.choice((-1.0, 1.0)))})


class HalfCheetahDirection(DirectionSuite):
    """Half-cheetah, d v - 0.05 |u|^2, forward or backward (MAML; ProMP with horizon 100; BO-MRL)."""

    name = "half-cheetah-direction"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = HALF_CHEETAH

    @dataclass(frozen=True)
    class Options(LocomotionOptions):
        control_cost: float = 0.05


class AntDirection(DirectionSuite):
    """Ant, d v + 1 - 0.5 |u|^2 - contact cost, forward or backward (MAML; ProMP with horizon 100; BO-MRL).

    Ends when the torso's height leaves [0.2, 1] (ProMP: height_range=0:1); the contact cost as in `LocomotionBatch`.
    """

    name = "ant-direction"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = ANT
    alive_bonus = 1.0

    @dataclass(frozen=True)
    class Options(ContactOptions):
        control_cost: float = 0.5


class Walker2dDirection(DirectionSuite):
    """Walker2d, d v + 1 - 0.001 |u|^2, forward or backward (ProMP, there with twice the control period).

    Ends when the robot is not healthy by gymnasium's test.
    """

    name = "walker2d-direction"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = WALKER2D
    alive_bonus = 1.0

    @dataclass(frozen=True)
    class Options(HealthOptions):
        control_cost: float = 1e-3
