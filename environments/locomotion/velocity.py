"""Suites of target velocities: run as fast as the task says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from environments.locomotion.locomotion import LocomotionBatch, LocomotionSuite
from environments.locomotion.locomotion_options import ContactOptions, HealthOptions, VelocityOptions, dying_pays
from environments.locomotion.robots import ANT, HALF_CHEETAH, HOPPER, SWIMMER, WALKER2D
from environments.task import Task
from environments.typed_options import option


class VelocityBatch(LocomotionBatch):
    """-|v - g| for forward velocity v and the task's target velocity g, in m/s."""

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        self._target = self.repeat([task.parameters["velocity"] for task in tasks])

    def _task_reward(self, velocity: np.ndarray) -> np.ndarray:
        return -np.abs(velocity[:, 0] - self._target)


class VelocitySuite(LocomotionSuite):
    """Target velocities drawn uniformly from `velocity_range`.

    Rewards of a robot that misses its target are negative, so none of these suites ends early by default: that would
    pay for falling.
    """

    environment = VelocityBatch
    Options = VelocityOptions
    options: VelocityOptions

    @property
    def cautions(self) -> tuple[str, ...]:
        return dying_pays(self.options)

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        return Task(task_id, {"velocity": round(generator.uniform(*self.options.velocity_range), 6)})


class HalfCheetahVelocity(VelocitySuite):
    """Half-cheetah, -|v - g| - 0.05 |u|^2, targets uniform on [0, 2] m/s.

    Targets and horizon as in MAML (Finn et al. 2017) and BO-MRL; ProMP, PEARL and variBAD take [0, 3], ProMP
    with horizon 100.  XMRL-G has no control cost.
    """

    name = "half-cheetah-velocity"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = HALF_CHEETAH

    @dataclass(frozen=True)
    class Options(VelocityOptions):
        control_cost: float = 0.05


class AntVelocity(VelocitySuite):
    """Ant, -|v - g| + 1.05 - 0.005 |u|^2 - contact cost, targets uniform on [0, 3] m/s; never ends.

    As in the code of MAML (cbfinn/maml_rl), under gymnasium's dynamics; the contact cost as in `LocomotionBatch`.
    There an ant that is not healthy ends its episode (terminate=true).  The bonus is below what most ants miss their
    target by, so rewards are negative until one runs, and falling early earned more than standing or slow steps.
    """

    name = "ant-velocity"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = ANT
    alive_bonus = 1.05
    earlier_versions = ("terminate=true",)

    @dataclass(frozen=True)
    class Options(VelocityOptions, ContactOptions):
        terminate: bool = option(False, earlier=True)
        control_cost: float = 0.005
        velocity_range: tuple[float, float] = (0.0, 3.0)


class HopperVelocity(VelocitySuite):
    """Hopper, -|v - g|, targets uniform on [0, 2] m/s (XMRL-G).

    An unhealthy robot goes on by default: rewards are at most 0, so an early end would reward falling.
    """

    name = "hopper-velocity"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = HOPPER

    @dataclass(frozen=True)
    class Options(VelocityOptions, HealthOptions):
        terminate: bool = False


class Walker2dVelocity(VelocitySuite):
    """Walker2d, -|v - g|, targets uniform on [0, 2] m/s (XMRL-G).

    An unhealthy robot goes on by default, as in hopper-velocity.  ProMP's suite of this name differs: 15 for
    being alive, targets on [0, 10] and twice the control period.
    """

    name = "walker2d-velocity"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = WALKER2D

    @dataclass(frozen=True)
    class Options(VelocityOptions, HealthOptions):
        terminate: bool = False


class SwimmerVelocity(VelocitySuite):
    """Swimmer, -|v - g|, targets uniform on [0.1, 0.2] m/s (TMAML, whose code lacks the minus sign)."""

    name = "swimmer-velocity"
    family = "locomotion"
    horizon = 200
    metric = "return"
    robot = SWIMMER

    @dataclass(frozen=True)
    class Options(VelocityOptions):
        velocity_range: tuple[float, float] = (0.1, 0.2)
