"""What every locomotion suite shares: spaces, and the batch it makes."""

from __future__ import annotations

from typing import ClassVar

import gymnasium
import numpy as np

from environments.locomotion.locomotion_env import LocomotionEnv
from environments.locomotion.locomotion_options import LocomotionOptions
from environments.locomotion.observation_statistics import CLIP, ObservationStatistics, load_statistics
from environments.locomotion.robots import Robot, load_model
from environments.suite import Suite, SuiteOptions


class LocomotionSuite(Suite):
    """One of gymnasium's v5 robots under a distribution of rewards or of dynamics.

    Observation: gymnasium's, without contact forces; a goal suite's includes the torso's x and y.
    """

    robot: ClassVar[Robot]
    environment: ClassVar[type[LocomotionEnv]]
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

    def make_batch(self, tasks: int, trajectories: int) -> LocomotionEnv:
        return self.environment(self, tasks, trajectories)
