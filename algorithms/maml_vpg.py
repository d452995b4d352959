"""MAML with a plain policy-gradient outer update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from algorithms.algorithm import Metrics
from algorithms.estimators.surrogates import log_probability_objective
from algorithms.meta_learning.gradient_adaptation import GradientConfig, StepData
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, MetaData
from algorithms.optimisation.adam import Adam
from environments.policy import Distribution
from environments.problem import Problem
from environments.streams import Streams


@dataclass(frozen=True)
class MamlVpgConfig(GradientConfig):
    step_size: float = 1e-3  # Adam's


class MamlVpg(GradientMetaLearner):
    """MAML: one inner policy gradient step, outer Adam on the adapted policies' policy gradient."""

    name = "maml-vpg"
    paper = "Finn, Abbeel and Levine 2017, arXiv:1703.03400"
    Config = MamlVpgConfig

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self.optimizer = Adam(self.parameters, config.step_size)

    def outer_objective(self, policy: Distribution, step: StepData) -> torch.Tensor:
        return log_probability_objective(policy, step.batch, step.advantages)

    def update(self, data: MetaData) -> Metrics:
        objective, gradient = self.meta_gradient(self.parameters, data)
        self.parameters = self.optimizer.ascend(self.parameters, gradient)
        return {"objective": objective, **self.std_metrics()}

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.optimizer.load_state_dict(state["optimizer"])
