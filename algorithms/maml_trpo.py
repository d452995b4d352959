"""MAML with a trust-region outer update."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.algorithm import Metrics
from algorithms.curvature.adapted_curvature import AdaptedCurvature
from algorithms.estimators.surrogates import mean_kl, ratio_objective
from algorithms.meta_learning.gradient_adaptation import GradientConfig, StepData
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, MetaData
from algorithms.optimisation.trust_region import TrustRegion
from algorithms.policies.parameters import Parameters, flat, stacked, unflat
from environments.policy import Distribution


@dataclass(frozen=True)
class MamlTrpoConfig(GradientConfig):
    delta: float = 0.01  # bound on the mean KL divergence of the adapted policies
    cg_iterations: int = 10
    damping: float = 1e-5
    backtrack_ratio: float = 0.8
    backtracks: int = 15


class MamlTrpo(GradientMetaLearner):
    """MAML: one inner policy gradient step, outer TRPO on the adapted policies."""

    name = "maml-trpo"
    paper = "Finn, Abbeel and Levine 2017, arXiv:1703.03400"
    Config = MamlTrpoConfig

    def outer_objective(self, policy: Distribution, step: StepData) -> torch.Tensor:
        return ratio_objective(policy, step.batch, step.advantages)

    def update(self, data: MetaData) -> Metrics:
        config = self.config
        tasks = len(data[0].advantages)
        objective, gradient = self.meta_gradient(self.parameters, data)
        curvatures = [self.curvature(part) for part in self.chunks(data)]

        def product(vector: torch.Tensor) -> torch.Tensor:
            direction = unflat(vector, self.parameters)
            return torch.stack([flat(curvature.product(direction)) for curvature in curvatures]).sum(0) / tasks

        region = TrustRegion(
            config.delta, config.cg_iterations, config.damping, config.backtrack_ratio, config.backtracks
        )
        point, metrics = region.step(
            flat(self.parameters),
            flat(gradient),
            product,
            lambda vector: self.evaluate(unflat(vector, self.parameters), data),
        )
        self.parameters = {name: value.clone() for name, value in unflat(point, self.parameters).items()}
        return {"objective": objective, **metrics, **self.std_metrics()}

    def curvature(self, data: MetaData) -> AdaptedCurvature:
        """Of the summed KL(old || new) of these tasks' adapted policies."""
        last = data[-1]
        return AdaptedCurvature(
            [self.inner_value(step) for step in data[:-1]],
            self.config.inner_step_size,
            stacked(self.parameters, len(last.advantages)),
            lambda parameters: self.distribution(parameters, last),
            last.batch.mask,
        )

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
