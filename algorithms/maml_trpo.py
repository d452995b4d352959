"""MAML with a trust-region outer update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from algorithms.algorithm import Metrics
from algorithms.curvature.adapted_fisher import AdaptedFisher, Jacobian, inner_steps
from algorithms.estimators.surrogates import mean_kl, ratio_objective
from algorithms.meta_learning.gradient_adaptation import GradientConfig, PolicyConfig, StepData
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, MetaData
from algorithms.optimisation.trust_region import TrustRegion, TrustRegionConfig
from algorithms.policies.parameters import Parameters, stacked
from environments.policy import Distribution


@dataclass(frozen=True)
class MamlTrpoConfig(TrustRegionConfig, GradientConfig):
    """The trust region bounds the divergence of the adapted policies."""


class MamlTrpo(GradientMetaLearner):
    """MAML: one inner policy gradient step, outer TRPO on the adapted policies."""

    name = "maml-trpo"
    paper = "Finn, Abbeel and Levine 2017, arXiv:1703.03400"
    Config: ClassVar[type[PolicyConfig]] = MamlTrpoConfig

    def outer_objective(self, policy: Distribution, step: StepData) -> torch.Tensor:
        return ratio_objective(policy, step.batch, step.advantages)

    def update(self, data: MetaData) -> Metrics:
        objective, gradient = self.meta_gradient(self.parameters, data)
        self.parameters, metrics = TrustRegion(self.config).ascend(
            self.parameters,
            gradient,
            [self.fisher(part) for part in self.chunks(data)],
            len(data[0].advantages),
            lambda parameters: self.evaluate(parameters, data),
        )
        return {"objective": objective, **metrics, **self.std_metrics()}

    def fisher(self, data: MetaData) -> AdaptedFisher:
        """The Hessian of the summed KL(old || new) of these tasks' adapted policies."""
        jacobians, adapted = self.jacobians(stacked(self.parameters, len(data[0].advantages)), data[:-1])
        last = data[-1]
        return AdaptedFisher(
            jacobians, adapted, lambda parameters: self.distribution(parameters, last), last.batch.mask
        )

    def jacobians(self, start: Parameters, data: Sequence[StepData]) -> tuple[Sequence[Jacobian], Parameters]:
        """Those of the adaptation to each step's data in turn, and the adapted parameters [task, ...]."""
        return inner_steps([self.inner_value(step) for step in data], start, self.config.inner_step_size)

    def divergence(self, parameters: Parameters, step: StepData) -> torch.Tensor:
        """KL(old || new) of the adapted policies, [task]."""
        policy = self.distribution(parameters, step)
        return mean_kl(step.acting(type(policy)), policy, step.batch.mask)

    def evaluate(self, parameters: Parameters, data: MetaData) -> tuple[float, float]:
        """Mean over tasks of the surrogate and of the KL divergence at other meta-parameters."""
        final = self.adapted(stacked(parameters, len(data[0].advantages)), data[:-1], differentiable=False)
        with torch.no_grad():
            policy = self.distribution(final, data[-1])
            objective = self.outer_objective(policy, data[-1]).mean()
            return float(objective), float(self.divergence(final, data[-1]).mean())
