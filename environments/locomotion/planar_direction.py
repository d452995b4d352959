"""Suites of directions in the plane: run along the task's unit vector, as fast as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from environments.locomotion.locomotion import LocomotionBatch, LocomotionSuite
from environments.locomotion.locomotion_options import ContactOptions
from environments.locomotion.robots import ANT, HUMANOID
from environments.task import Task


class PlanarDirectionBatch(LocomotionBatch):
    """speed_weight * d . v for velocity v in the plane and the task's unit vector d."""

    suite: PlanarDirectionSuite

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        angle = self.repeat([task.parameters["angle"] for task in tasks])
        self._direction = self.suite.speed_weight * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def _task_reward(self, velocity: np.ndarray) -> np.ndarray:
        return np.einsum("ij,ij->i", self._direction, velocity)


class PlanarDirectionSuite(LocomotionSuite):
    """Angles drawn uniformly from the whole circle, in radians."""

    environment = PlanarDirectionBatch
    speed_weight: ClassVar[float] = 1.0

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        return Task(task_id, {"angle": round(generator.uniform(0, 2 * np.pi), 6)})


class AntDirection2d(PlanarDirectionSuite):
    """Ant, d . v + 1 - 0.5 |u|^2 - contact cost, any direction in the plane (ProMP).

    Ends when the torso's height leaves [0.2, 1] (ProMP: height_range=0:1); the contact cost as in `LocomotionBatch`.
    """

    name = "ant-direction-2d"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = ANT
    alive_bonus = 1.0

    @dataclass(frozen=True)
    class Options(ContactOptions):
        control_cost: float = 0.5


class HumanoidDirection(PlanarDirectionSuite):
    """Humanoid, 1.25 d . v + 5 - 0.1 |u|^2 - min(contact cost, 10), any direction in the plane (ProMP, TMAML).

    v is the velocity of the centre of mass; 1.25 d . v is the papers' 0.25 d . displacement / timestep.  Motors
    range over [-0.4, 0.4].  Ends when the torso's height leaves (1, 2).  TMAML's table has horizon 100.
    Observation: positions, velocities, `cinert`, `cvel` and `qfrc_actuator`, gymnasium's without `cfrc_ext`
    (270 numbers); the contact cost, of unclipped forces, otherwise as in `LocomotionBatch`.
    """

    name = "humanoid-direction"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = HUMANOID
    alive_bonus = 5.0
    speed_weight = 1.25

    @dataclass(frozen=True)
    class Options(ContactOptions):
        control_cost: float = 0.1
        contact_cost: float = 5e-7
        height_range: tuple[float, float] = (1.0, 2.0)
