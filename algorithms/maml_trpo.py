"""MAML with a trust-region outer update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from algorithms.algorithm import Metrics
from algorithms.curvature.adapted_fisher import AdaptedFisher, Jacobian, inner_steps
from algorithms.estimators.surrogates import mean_kl, ratio_objective
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, GradientConfig, PolicyConfig
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, InnerOuterBatches
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

    def outer_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return ratio_objective(policy, batch.trajectories, batch.advantages)

    def update(self, batches: InnerOuterBatches) -> Metrics:
        objective, gradient = self.meta_gradient(self.parameters, batches)
        self.parameters, metrics = TrustRegion(self.config).ascend(
            self.parameters,
            gradient,
            [self.fisher(part) for part in self.chunks(batches)],
            batches[0].tasks,
            lambda parameters: self.evaluate(parameters, batches),
        )
        return {"objective": objective, **metrics, **self.std_metrics()}

    def fisher(self, batches: InnerOuterBatches) -> AdaptedFisher:
        """The Hessian of the summed KL(old || new) of these tasks' adapted policies."""
        jacobians, adapted = self.jacobians(stacked(self.parameters, batches[0].tasks), batches[:-1])
        last = batches[-1]
        return AdaptedFisher(
            jacobians, adapted, lambda parameters: self.distribution(parameters, last), last.trajectories.mask
        )

    def jacobians(self, start: Parameters, batches: Sequence[AdaptationBatch]) -> tuple[Sequence[Jacobian], Parameters]:
        """The Jacobians of the adaptation to each batch in turn, and the adapted parameters [task, ...]."""
        return inner_steps([self.inner_value(batch) for batch in batches], start, self.config.inner_step_size)

    def divergence(self, parameters: Parameters, batch: AdaptationBatch) -> torch.Tensor:
        """KL(old || new) of the adapted policies, [task]."""
        policy = self.distribution(parameters, batch)
        return mean_kl(batch.acting(type(policy)), policy, batch.trajectories.mask)

    def evaluate(self, parameters: Parameters, batches: InnerOuterBatches) -> tuple[float, float]:
        """Mean over tasks of the surrogate and of the KL divergence at other meta-parameters."""
        final = self.adapted(stacked(parameters, batches[0].tasks), batches[:-1], differentiable=False)
        with torch.no_grad():
            policy = self.distribution(final, batches[-1])
            objective = self.outer_objective(policy, batches[-1]).mean()
            return float(objective), float(self.divergence(final, batches[-1]).mean())
