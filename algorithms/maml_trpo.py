"""MAML with a trust-region outer update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import torch

from algorithms.algorithm import Metrics
from algorithms.curvature.adapted_fisher import AdaptedFisher, Jacobian, inner_steps
from algorithms.curvature.hessian_products import Hessian
from algorithms.curvature.policy_maps import hessian_at, policies_at
from algorithms.estimators.surrogates import ratio_objective
from algorithms.meta_learning.adapted_variables import AdaptedVariablesConfig
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, GradientConfig, PolicyConfig
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, InnerOuterBatches
from algorithms.optimisation.inner_update import without_step_sizes
from algorithms.optimisation.task_chunks import added, scaled
from algorithms.optimisation.trust_region import TrustRegion, TrustRegionConfig
from algorithms.policies.parameters import Parameters, stacked
from environments.policy import Distribution


@dataclass(frozen=True)
class MamlTrpoConfig(AdaptedVariablesConfig, TrustRegionConfig, GradientConfig):
    """The trust region bounds the divergence of the adapted policies."""


@dataclass(frozen=True)
class Linearisation:
    """Of some tasks, at the meta-parameters that acted: all that a natural gradient needs, from the same graphs."""

    objectives: torch.Tensor  # [task]
    gradient: Parameters  # of their sum
    fisher: AdaptedFisher  # products with the Hessian of the summed KL(old || new) of the adapted policies
    metrics: Mapping[str, torch.Tensor] = field(default_factory=dict)  # of the adaptation, each [task]


class MamlTrpo(GradientMetaLearner):
    """MAML: one inner policy gradient step, outer TRPO on the adapted policies."""

    name = "maml-trpo"
    paper = "Finn, Abbeel and Levine 2017, arXiv:1703.03400"
    Config: ClassVar[type[PolicyConfig]] = MamlTrpoConfig

    def outer_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return ratio_objective(policy, batch.trajectories, batch.advantages)

    @property
    def trust_region(self) -> TrustRegion:
        return TrustRegion(self.config)

    def update(self, batches: InnerOuterBatches) -> Metrics:
        tasks = batches[0].tasks
        parts = self.each_chunk(self.linearised, batches)
        objective = float(torch.cat([part.objectives for part in parts]).mean())
        gradient = scaled(added(part.gradient for part in parts), 1 / tasks)
        self.parameters, metrics = self.trust_region.ascend(
            self.parameters,
            objective,
            gradient,
            lambda vector: scaled(added(part.fisher(vector) for part in parts), 1 / tasks),
            lambda parameters: self.evaluate(parameters, batches),
        )
        return {
            "objective": objective,
            **metrics,
            "kl_before_adaptation": self.kl_before_adaptation(batches),
            **{name: float(torch.cat([part.metrics[name] for part in parts]).mean()) for name in parts[0].metrics},
            **self.std_metrics(),
        }

    def linearised(self, batches: InnerOuterBatches) -> Linearisation:
        """At the present meta-parameters.  `meta_gradient` has the same gradient, by building the graphs again."""
        jacobians, adapted = self.jacobians(stacked(self.parameters, batches[0].tasks), batches[:-1])
        fisher = self.fisher(jacobians, adapted, batches[-1])
        objectives, slopes = fisher.derivative(lambda policy: self.outer_objective(policy, batches[-1]))
        for jacobian in reversed(jacobians):
            slopes = jacobian.transposed(slopes)
        return Linearisation(objectives, self.summed(slopes), fisher)

    def fisher(self, jacobians: Sequence[Jacobian], adapted: Parameters, last: AdaptationBatch) -> AdaptedFisher:
        policies = policies_at(self.network, without_step_sizes(adapted), last.trajectories.observations)
        return AdaptedFisher(jacobians, adapted, policies, last.trajectories.mask)

    def jacobians(self, start: Parameters, batches: Sequence[AdaptationBatch]) -> tuple[Sequence[Jacobian], Parameters]:
        """The Jacobians of the adaptation to each batch in turn, and the adapted parameters [task, ...]."""
        step_size = self.step_size(start)
        if self.variables and self.variables.adapted_variables == "bias" and isinstance(step_size, float):
            step_size = dict.fromkeys(self.adaptable(start), step_size)
        return inner_steps([partial(self.hessian, batch) for batch in batches], start, step_size)

    def hessian(self, batch: AdaptationBatch, parameters: Parameters) -> Hessian:
        """Of the inner objective, at parameters [task, ...]."""
        observations = batch.trajectories.observations
        return hessian_at(self.network, lambda policy: self.inner_objective(policy, batch), parameters, observations)

    def summed(self, slopes: Parameters) -> Parameters:
        """Over tasks, of the meta-parameters alone."""
        return {name: slopes[name].sum(0) for name in self.parameters}

    def evaluate(self, parameters: Parameters, batches: InnerOuterBatches) -> tuple[float, float]:
        """Mean over tasks of the surrogate and of the KL(old || new) of the adapted policies at other parameters."""

        def part(few: InnerOuterBatches) -> tuple[float, float]:
            objectives, policy = self.searched(stacked(parameters, few[0].tasks), few)
            with torch.no_grad():
                return float(objectives.sum()), float(few[-1].divergence(policy).sum())

        reached, divergences = zip(*self.each_chunk(part, batches), strict=True)
        tasks = batches[0].tasks
        return sum(reached) / tasks, sum(divergences) / tasks

    def searched(self, start: Parameters, batches: InnerOuterBatches) -> tuple[torch.Tensor, Distribution]:
        """The objectives of some tasks, [task], and their adapted policies, without derivatives."""
        final = self.adapted(start, batches[:-1], differentiable=False)
        with torch.no_grad():
            policy = self.distribution(final, batches[-1])
            return self.outer_objective(policy, batches[-1]), policy

    def kl_before_adaptation(self, batches: InnerOuterBatches) -> float:
        """KL(old || new) of the policy before adaptation, which the trust region does not bound."""

        def part(few: InnerOuterBatches) -> float:
            with torch.no_grad():
                policy = self.distribution(stacked(self.parameters, few[0].tasks), few[0])
                return float(few[0].divergence(policy).sum())

        return sum(self.each_chunk(part, batches)) / batches[0].tasks
