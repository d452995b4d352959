"""The drone's suite with a simulated quadrotor, trained on the kinematic one by default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import mujoco
import mujoco.batch
import numpy as np

from environments.batch_env import BatchEnv
from environments.drone.arena import entry, goal_centres, obstacle_corners, unit_headings
from environments.drone.drone_obstacles import DroneObstacles
from environments.drone.drone_options import DroneOptions
from environments.drone.flight_control import MAX_SPEED, PERIOD, FlightControl
from environments.drone.quadrotor import TIMESTEP, load_quadrotor, obstacle_positions
from environments.suite import Suite
from environments.task import Task

DECISION = 0.5  # s
COMMANDS = round(DECISION / PERIOD)
SUBSTEPS = round(PERIOD / TIMESTEP)


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

    def make_batch(self, tasks: int, trajectories: int) -> PhysicsDroneBatch:
        return PhysicsDroneBatch(self, tasks, trajectories)

    @property
    def best_score(self) -> None:
        """Not known: a simulated drone does not follow the shortest way exactly."""
        return None

    @property
    def training_suite(self) -> Suite:
        if self.options.train_dynamics == "physics":
            return self
        shared = {field.name: getattr(self.options, field.name) for field in fields(DroneOptions)}
        return DroneObstacles(DroneOptions(**shared))


class PhysicsDroneBatch(BatchEnv):
    """The drone as a simulated quadrotor, all environments in one MuJoCo batch.

    `positions` [num_envs, 2] and `heights` [num_envs] of the drones' centres in metres, as the physics has them.

    A decision moves the flight controller's set-point as the kinematic suite moves the drone: a step along the heading,
    cut at the walls, here evenly over half a second.  The drone follows it.  An obstacle is hit when the physics has a
    contact of hull and obstacle at one of the 25 commands of a decision; the goal is reached as in the kinematic
    suite, by the drone's centre on the straight line between two decisions.  Where the options let an episode go on
    after a hit, the drone may tumble and not recover.
    """

    def __init__(self, suite: DroneObstaclesPhysics, tasks: int, trajectories: int) -> None:
        super().__init__(tasks, trajectories, suite.horizon, suite.observation_space, suite.action_space)
        self.options, self.discount = suite.options, suite.discount
        self.arena = self.options.arena
        low, high = np.array(self.options.flyable)
        # never a set-point in a wall: hard against one the attitude loop is too weak to keep the drone upright
        size, margin = np.array([self.arena.width, self.arena.length]), self.arena.margin
        self._low, self._high = np.maximum(low, margin), np.minimum(high, size - margin)
        self._crash = self.options.walls == "crash"
        self.model = load_quadrotor(self.arena)
        self._batch = mujoco.batch.Batch(self.model, self.num_envs, nthread=1)
        # live views of the state, and of what the engine reports after each call
        self._qpos, self._qvel = self._batch.bind("qpos"), self._batch.bind("qvel")
        self._controls = self._batch.bind("ctrl")
        self._contacts = self._batch.bind("ncon") if self._crash else self._batch.bind("sensordata")[:, 0]
        self._control = FlightControl(self.num_envs, self.arena.height)

    @property
    def positions(self) -> np.ndarray:
        return self._qpos[:, :2].copy()

    @property
    def heights(self) -> np.ndarray:
        return self._qpos[:, 2].copy()

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        corners = self.repeat(list(obstacle_corners(tasks)))
        self._goal = self.arena.goal_boxes(self.repeat(list(goal_centres(tasks))))
        grown = self.arena.obstacle_boxes(corners, self.options.inflate)
        self._distance_from = self.options.distance(self._goal, grown)
        obstacle = self.model.body("obstacle").id
        self._batch.expand("body_pos")[:, obstacle] = obstacle_positions(self.arena, corners)
        self._batch.set_const()

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        self._batch.reset(stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        self._control.reset()
        self._set_point = self.positions
        self._distance = self._distance_from(self._set_point)
        self._has_hit = np.zeros(self.num_envs, dtype=bool)
        return self._observation()

    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
        before, distance = self.positions, self._distance
        hit = self._fly(unit_headings(actions), None if alive.all() else np.flatnonzero(alive))
        after = self.positions
        self._distance = self._distance_from(after)
        begin = before if self.options.collision == "swept" else after
        # goal and obstacle are metres apart: no decision touches both
        reached = np.isfinite(entry(begin, after, *self._goal)) & ~hit
        self._has_hit |= hit
        reward = self.options.reward(reached, hit, distance, self._distance, self.discount)
        ended = reached | hit if self.options.terminal else np.zeros(self.num_envs, dtype=bool)
        return self._observation(), reward, ended, reached & ~self._has_hit

    def _fly(self, headings: np.ndarray, ids: np.ndarray | None) -> np.ndarray:
        """One decision of the drones `ids` (None: all) along headings [num_envs, 2]; who touched something, bool."""
        reach = self.options.step_length
        # what keeps a drone from following, an obstacle say, must not let its set-point run away
        begin = np.clip(self._set_point, self.positions - reach, self.positions + reach)
        end = begin + reach * headings
        if not self._crash:
            end = np.clip(end, self._low, self._high)
        velocity = (end - begin) / DECISION
        hit = np.zeros(self.num_envs, dtype=bool)
        for command in range(1, COMMANDS + 1):
            place = begin + (end - begin) * (command / COMMANDS)
            self._control.command(self._qpos, self._qvel, place, velocity, self._controls)
            self._batch.step(ids, SUBSTEPS)
            touches = self._contacts > 0
            hit = touches if self.options.collision == "end" else hit | touches
        self._set_point = end
        return hit

    def _observation(self) -> np.ndarray:
        return self.options.observe(self._qpos[:, :3].copy())
