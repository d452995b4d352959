"""The six robots: gymnasium's v5 models, their reset noise, observations and health tests."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import gymnasium
import mujoco
import numpy as np

ASSETS = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"

#: printed on loading half_cheetah.xml, which is gymnasium's file and not ours to mend
DEPRECATION = "compiler attribute 'settotalmass' is deprecated"


@dataclass(frozen=True)
class Robot:
    """What gymnasium's environment class of a robot fixes beside the model itself."""

    file: str
    frame_skip: int
    reset_noise: float
    velocity_noise: Literal["uniform", "normal"]
    root: int  # leading coordinates (x, or x and y), left out of the observation
    position: Literal["coordinate", "torso", "centre of mass"]  # whose displacement is the velocity
    velocity_clip: float | None = None  # of the observed velocities
    derived: tuple[str, ...] = ()  # observed fields beyond qpos and qvel
    height: tuple[float, float] = (-np.inf, np.inf)  # healthy range of the torso's height
    height_index: int = 1
    height_closed: bool = False  # whether the range's ends are healthy
    angle: float = np.inf  # healthy below this size
    state_limit: float = np.inf  # healthy while every coordinate from the second on is below this size
    contact_clip: float | None = None  # of each contact force component before it is squared
    contact_ceiling: float = np.inf  # of the contact cost

    def healthy(self, qpos: np.ndarray, qvel: np.ndarray, height: tuple[float, float]) -> np.ndarray:
        """Gymnasium's `is_healthy` for each row of qpos [n, nq] and qvel [n, nv]; bool [n]."""
        low, high = height
        z = qpos[:, self.height_index]
        if self.height_closed:
            good = (low <= z) & (z <= high) & np.isfinite(qpos).all(1) & np.isfinite(qvel).all(1)
        else:
            good = (low < z) & (z < high)
        if self.angle < np.inf:
            good &= np.abs(qpos[:, 2]) < self.angle
        if self.state_limit < np.inf:
            good &= (np.abs(qpos[:, 2:]) < self.state_limit).all(1) & (np.abs(qvel) < self.state_limit).all(1)
        return good


HALF_CHEETAH = Robot("half_cheetah.xml", 5, 0.1, "normal", 1, "coordinate")
ANT = Robot(
    "ant.xml", 5, 0.1, "normal", 2, "torso",
    height=(0.2, 1.0), height_index=2, height_closed=True, contact_clip=1.0,
)  # fmt: skip
HOPPER = Robot(
    "hopper.xml", 4, 5e-3, "uniform", 1, "coordinate",
    velocity_clip=10.0, height=(0.7, np.inf), angle=0.2, state_limit=100.0,
)  # fmt: skip
WALKER2D = Robot(
    "walker2d_v5.xml", 4, 5e-3, "uniform", 1, "coordinate", velocity_clip=10.0, height=(0.8, 2.0), angle=1.0
)
SWIMMER = Robot("swimmer.xml", 4, 0.1, "uniform", 2, "coordinate")
HUMANOID = Robot(
    "humanoid.xml", 5, 1e-2, "uniform", 2, "centre of mass",
    derived=("cinert", "cvel", "qfrc_actuator"), height=(1.0, 2.0), height_index=2, contact_ceiling=10.0,
)  # fmt: skip


@cache
def load_model(robot: Robot, contact_forces: bool = False) -> mujoco.MjModel:
    """The robot's model, loaded once; a batch copies it.

    contact_forces: with a force sensor on the torso, for which the engine computes `cfrc_ext` in every substep.
    The sensor leaves the trajectory as it is, bit for bit.
    """
    with settotalmass_deprecation_silenced():
        if not contact_forces:
            return mujoco.MjModel.from_xml_path(str(ASSETS / robot.file))
        spec = mujoco.MjSpec.from_file(str(ASSETS / robot.file))
        spec.body("torso").add_site(name="contact")
        spec.add_sensor(type=mujoco.mjtSensor.mjSENS_FORCE, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="contact")
        return spec.compile()


@contextmanager
def settotalmass_deprecation_silenced() -> Iterator[None]:
    """Drops that one message of MuJoCo's; any other becomes a RuntimeWarning, or goes to the handler there was."""
    previous = mujoco.get_mju_user_warning()

    def handle(message: str) -> None:
        if message.startswith(DEPRECATION):
            return
        if previous is not None:
            previous(message)
        else:
            warnings.warn(message, RuntimeWarning, stacklevel=2)

    mujoco.set_mju_user_warning(handle)
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(previous)
