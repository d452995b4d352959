"""What every locomotion suite shares: its spaces, and robots stepped as one batch exactly as gymnasium steps one."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import gymnasium
import mujoco
import mujoco.batch
import numpy as np

from environments import threads
from environments.batch_env import BatchEnv
from environments.locomotion.locomotion_options import ContactOptions, HealthOptions, LocomotionOptions
from environments.locomotion.observation_statistics import CLIP, ObservationStatistics, load_statistics
from environments.locomotion.robots import Robot, load_model
from environments.suite import Suite, SuiteOptions


class LocomotionSuite(Suite):
    """One of gymnasium's v5 robots under a distribution of rewards or of dynamics.

    Observation: gymnasium's, without contact forces; a goal suite's includes the torso's x and y.
    """

    robot: ClassVar[Robot]
    environment: ClassVar[type[LocomotionBatch]]
    alive_bonus: ClassVar[float] = 0.0
    observes_position: ClassVar[bool] = False
    Options: ClassVar[type[SuiteOptions]] = LocomotionOptions
    options: LocomotionOptions

    @property
    def observation_space(self) -> gymnasium.spaces.Box:
        model = load_model(self.robot)
        size = model.nq + model.nv - (0 if self.observes_position else self.robot.root)
        if self.robot.derived:
            size += (model.nbody - 1) * (10 + 6) + model.nv - 6  # cinert and cvel of each body, qfrc_actuator
        limit = CLIP if self.options.normalise_observations else np.inf
        return gymnasium.spaces.Box(-limit, limit, (size,), np.float64)

    @property
    def statistics(self) -> ObservationStatistics:
        """Of the observation, under random controls."""
        return load_statistics(self.robot.file.removesuffix(".xml")).observed(self.robot.root, self.observes_position)

    @property
    def action_space(self) -> gymnasium.spaces.Box:
        scale = self.options.action_scale
        return gymnasium.spaces.Box(-scale, scale, (load_model(self.robot).nu,), np.float32)

    def make_batch(self, tasks: int, trajectories: int) -> LocomotionBatch:
        return self.environment(self, tasks, trajectories)


class LocomotionBatch(BatchEnv):
    """Robots stepped by MuJoCo's own batch engine.  A subclass adds the task's part of the reward.

    reward = task's part + alive bonus - control_cost |u|^2 - contact cost, with u what is sent to the motors.
    A finished episode is no longer stepped, so its state and its observation stay as they were.

    Contact cost: contact_cost times the squared external contact forces `cfrc_ext`, clipped as gymnasium clips them.
    The forces are those at the start of the control step's last substep (0.01 s before the state that is observed);
    gymnasium's are those of that substep's last Runge-Kutta stage, which costs 12 % more to read in a batch.
    All else equals gymnasium's own environments.
    """

    def __init__(self, suite: LocomotionSuite, tasks: int, trajectories: int) -> None:
        super().__init__(tasks, trajectories, suite.horizon, suite.observation_space, suite.action_space)
        self.suite, self.robot = suite, suite.robot
        options = suite.options
        self._control_cost = options.control_cost
        self._contact_cost = options.contact_cost if isinstance(options, ContactOptions) else 0.0
        self._height = options.height_range if isinstance(options, ContactOptions) else self.robot.height
        self._terminates = isinstance(options, HealthOptions) and options.terminate

        self.model = load_model(self.robot, contact_forces=self._contact_cost != 0)
        self._batch = mujoco.batch.Batch(self.model, self.num_envs, nthread=threads.allowed())
        self._control_period = self.model.opt.timestep * self.robot.frame_skip
        self._low, self._high = self.model.actuator_ctrlrange.T.copy()
        self._divisor = options.action_scale / self._high
        # live views: the state rows are what the engine steps, derived fields are refreshed by every call
        self._qpos, self._qvel = self._batch.bind("qpos"), self._batch.bind("qvel")
        self._ctrl = self._batch.bind("ctrl")
        self._place = self._bind_place()
        self._observed = self._bind_observed()
        self._forces = self._batch.bind("cfrc_ext") if self._contact_cost else None
        self._never = np.zeros(self.num_envs, dtype=bool)
        self._statistics = suite.statistics if options.normalise_observations else None

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        # drawn in gymnasium's order, so that one environment starts where gymnasium's does under the same seed
        noise = self.robot.reset_noise
        qpos = self.model.qpos0 + generator.uniform(-noise, noise, size=self._qpos.shape)
        if self.robot.velocity_noise == "normal":
            qvel = noise * generator.standard_normal(self._qvel.shape)
        else:
            qvel = generator.uniform(-noise, noise, size=self._qvel.shape)
        return self.set_state(qpos, qvel)

    def set_state(self, qpos: np.ndarray, qvel: np.ndarray) -> np.ndarray:
        """Put every robot where the rows say, [num_envs, nq] and [num_envs, nv], as at a reset; observations."""
        self._batch.reset(stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        self._qpos[:], self._qvel[:] = qpos, qvel
        self._batch.forward()
        self.position = self._read_position()
        return self._observation()

    @property
    def state(self) -> tuple[np.ndarray, np.ndarray]:
        """Copies of the positions [num_envs, nq] and velocities [num_envs, nv]."""
        return self._qpos.copy(), self._qvel.copy()

    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        control = actions / self._divisor
        np.clip(control, self._low, self._high, out=control)
        self._ctrl[:] = control
        self._batch.step(None if alive.all() else np.flatnonzero(alive), self.robot.frame_skip)
        before, self.position = self.position, self._read_position()
        reward = self._task_reward((self.position - before) / self._control_period)
        if self.suite.alive_bonus:
            reward += self.suite.alive_bonus
        if self._control_cost:
            reward -= self._control_cost * np.einsum("ij,ij->i", control, control)
        if self._forces is not None:
            reward -= self._contact_cost_of(self._forces)
        return self._observation(), reward, self._ended(), self._succeeded()

    @abstractmethod
    def _task_reward(self, velocity: np.ndarray) -> np.ndarray:
        """The task's part of the reward, [num_envs] (fresh), for velocities [num_envs, 1 or 2] in m/s.

        `self.position` [num_envs, 1 or 2] is the robot's after the step.
        """

    def _ended(self) -> np.ndarray:
        if not self._terminates:
            return self._never
        return ~self.robot.healthy(self._qpos, self._qvel, self._height)

    def _succeeded(self) -> np.ndarray:
        return self._never

    def _contact_cost_of(self, forces: np.ndarray) -> np.ndarray:
        clip = self.robot.contact_clip
        if clip is not None:
            forces = np.clip(forces, -clip, clip)
        return np.minimum(self._contact_cost * np.einsum("nbk,nbk->n", forces, forces), self.robot.contact_ceiling)

    def _bind_place(self) -> np.ndarray:
        """A live view of the coordinates whose displacement gymnasium takes for the robot's."""
        if self.robot.position == "torso":
            return self._batch.bind("xpos")[:, 1, :2]
        if self.robot.position == "centre of mass":
            return self._batch.bind("xipos")[:, :, :2]
        return self._qpos[:, : self.robot.root]

    def _read_position(self) -> np.ndarray:
        if self.robot.position == "centre of mass":
            return np.einsum("b,nbk->nk", self.model.body_mass, self._place) / self.model.body_mass.sum()
        return self._place.copy()

    def _bind_observed(self) -> list[np.ndarray]:
        """Live views of what is observed, in gymnasium's order."""
        views = [self._qpos[:, 0 if self.suite.observes_position else self.robot.root :], self._qvel]
        for field in self.robot.derived:
            values = self._batch.bind(field)
            # as gymnasium: without the world body's rows and the free joint's actuator forces, all zero
            views.append(values[:, 6:] if field == "qfrc_actuator" else values[:, 1:])
        return views

    def _observation(self) -> np.ndarray:
        observation = np.concatenate([view.reshape(self.num_envs, -1) for view in self._observed], axis=1)
        limit = self.robot.velocity_clip
        if limit is not None:
            velocity = observation[:, -self.model.nv :]
            np.clip(velocity, -limit, limit, out=velocity)
        return observation if self._statistics is None else self._statistics.normalised(observation)
