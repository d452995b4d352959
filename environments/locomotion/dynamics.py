"""Suites of random dynamics: one reward, but every task has its own masses, inertias, friction and damping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from environments.locomotion.locomotion import LocomotionBatch, LocomotionSuite
from environments.locomotion.locomotion_options import HealthOptions
from environments.locomotion.robots import HOPPER, WALKER2D, load_model
from environments.task import Task

#: model fields that a task multiplies elementwise by base ** exponent
BASES = {"body_mass": 1.5, "body_inertia": 1.5, "geom_friction": 1.5, "dof_damping": 1.3}


class DynamicsBatch(LocomotionBatch):
    """Forward velocity, under the task's own model."""

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        for field, base in BASES.items():
            nominal = getattr(self.model, field)
            exponents = self.repeat([task.parameters[field] for task in tasks])
            self._batch.expand(field)[:] = nominal * base ** exponents.reshape(-1, *nominal.shape)
        self._batch.set_const()

    def _task_reward(self, velocity: np.ndarray) -> np.ndarray:
        return velocity[:, 0].copy()


@dataclass(frozen=True)
class DynamicsOptions(HealthOptions):
    """`log_scale`: exponents of tasks drawn from the distribution are uniform on [-log_scale, log_scale]."""

    control_cost: float = 1e-3
    log_scale: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.log_scale <= 0:
            raise ValueError(f"log_scale must be above 0, got {self.log_scale}")


class DynamicsSuite(LocomotionSuite):
    """A task's parameters are the exponents of each element of each field, row by row."""

    environment = DynamicsBatch
    alive_bonus = 1.0
    Options = DynamicsOptions
    options: DynamicsOptions

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        model, limit = load_model(self.robot), self.options.log_scale
        return Task(
            task_id,
            {
                field: generator.uniform(-limit, limit, size=getattr(model, field).size).round(6).tolist()
                for field in BASES
            },
        )


class HopperParams(DynamicsSuite):
    """Hopper, v + 1 - 0.001 |u|^2, masses, inertias and friction times 1.5^U(-3, 3), damping times 1.3^U(-3, 3).

    From dennisl88/rand_param_envs (ProMP, PEARL).  Ends when the robot is not healthy by gymnasium's test.
    """

    name = "hopper-params"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = HOPPER


class Walker2dParams(DynamicsSuite):
    """Walker2d, v + 1 - 0.001 |u|^2, masses, inertias and friction times 1.5^U(-3, 3), damping times 1.3^U(-3, 3).

    From dennisl88/rand_param_envs, there with frame_skip 5, here gymnasium's 4.  Ends when the robot is not healthy
    by gymnasium's test.
    """

    name = "walker2d-params"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = WALKER2D
