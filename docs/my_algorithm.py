"""First-order MAML in one file: the meta-gradient takes an inner update's shift of the parameters as constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from algorithms.algorithm import Metrics
from algorithms.estimators.surrogates import log_probability_objective
from algorithms.meta_learning.gradient_adaptation import GradientConfig, StepData
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, MetaData
from algorithms.optimisation.adam import Adam
from algorithms.policies.parameters import Parameters, stacked
from environments.policy import Distribution
from environments.problem import Problem
from environments.streams import Streams


@dataclass(frozen=True)
class FirstOrderMamlConfig(GradientConfig):
    step_size: float = 1e-3  # Adam's


class FirstOrderMaml(GradientMetaLearner):
    """First-order MAML: the adapted policies' policy gradient moves the start of adaptation as it is."""

    name = "first-order-maml"
    paper = "Finn, Abbeel and Levine 2017, Section 5.2, arXiv:1703.03400"
    Config = FirstOrderMamlConfig

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self.optimizer = Adam(self.parameters, config.step_size)

    def outer_objective(self, policy: Distribution, step: StepData) -> torch.Tensor:
        return log_probability_objective(policy, step.batch, step.advantages)

    def task_objectives(self, parameters: Parameters, data: MetaData) -> torch.Tensor:
        start = stacked(parameters, len(data[0].advantages))
        final = self.adapted(start, data[:-1], differentiable=False)
        adapted = {name: value + (final[name] - value).detach() for name, value in start.items()}
        return self.outer_objective(self.distribution(adapted, data[-1]), data[-1])

    def update(self, data: MetaData) -> Metrics:
        objective, gradient = self.meta_gradient(self.parameters, data)
        self.parameters = self.optimizer.ascend(self.parameters, gradient)
        return {"objective": objective, **self.std_metrics()}

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.optimizer.load_state_dict(state["optimizer"])
