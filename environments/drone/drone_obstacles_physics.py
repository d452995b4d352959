"""The drone's suite with a simulated quadrotor, trained on the kinematic one by default."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Literal

from environments.drone.drone_obstacles import DroneObstacles
from environments.drone.drone_options import DroneOptions
from environments.drone.flight_control import MAX_SPEED
from environments.drone.physics_env import DECISION, PhysicsDrones
from environments.suite import Suite


@dataclass(frozen=True)
class DronePhysicsOptions(DroneOptions):
    """`train_dynamics`: whether meta-training runs on the kinematic suite or on the physics itself.

    Evaluation always runs on the physics.  `inflate`, where it is more than half the hull, is how near to a wall the
    flight controller takes the drone's centre; what counts as a hit is the contact of the hull.
    """

    train_dynamics: Literal["kinematic", "physics"] = "kinematic"

    def __post_init__(self) -> None:
        super().__post_init__()
        farthest = MAX_SPEED * DECISION
        if self.step_length > farthest:
            raise ValueError(
                f"step_length must be at most {farthest:g}, the drone's way in {DECISION:g} s at full speed, "
                f"got {self.step_length:g}"
            )


class DroneObstaclesPhysics(DroneObstacles):
    """The tasks of drone-obstacles flown by an AR.Drone in MuJoCo, half a second a decision; hits are contacts.

    Observation, action, reward and ends are those of `DroneObstacles`, of the position that the physics has.
    """

    name = "drone-obstacles-physics"
    family = "drone"
    metric = "success"
    horizon = 200
    Options: ClassVar[type[DroneOptions]] = DronePhysicsOptions
    animated = True
    options: DronePhysicsOptions

    def make_batch(self, tasks: int, trajectories: int) -> PhysicsDrones:
        return PhysicsDrones(tasks, trajectories, self)

    @property
    def training_suite(self) -> Suite:
        if self.options.train_dynamics == "physics":
            return self
        shared = {field.name: getattr(self.options, field.name) for field in fields(DroneOptions)}
        return DroneObstacles(DroneOptions(**shared))
