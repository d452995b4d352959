"""E-MAML with a trust-region outer update."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch

from algorithms.curvature.adapted_fisher import inner_steps
from algorithms.estimators.surrogates import likelihood_ratio
from algorithms.maml_trpo import Linearisation, MamlTrpo
from algorithms.meta_learning.exploration_term import ExplorationConfig, ExploringMetaLearner
from algorithms.meta_learning.gradient_adaptation import GradientConfig
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.optimisation.trust_region import TrustRegionConfig
from algorithms.policies.parameters import Parameters, stacked
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class EMamlTrpoConfig(ExplorationConfig, TrustRegionConfig, GradientConfig):
    pass


class EMamlTrpo(ExploringMetaLearner, MamlTrpo):
    """E-MAML-TRPO: MAML-TRPO that also credits the pre-adaptation steps with the return after adaptation.

    The term is part of the surrogate that the line search evaluates too.  There it is a likelihood ratio, as the rest
    of TRPO's surrogate: at theta_old the ratio has the gradient of log pi, and elsewhere it estimates the same
    expectation by importance weights, where log pi itself would reward making the sampled actions certain without
    bound.  The trust region bounds the adapted policies' divergence alone, as MAML-TRPO's does.
    """

    name = "e-maml-trpo"
    paper = "Stadie, Yang, Houthooft, Chen, Duan, Wu, Abbeel and Sutskever 2018, arXiv:1803.01118"
    Config = EMamlTrpoConfig

    def pre_update_terms(self, policy: Distribution, trajectories: TrajectoryBatch) -> torch.Tensor:
        return likelihood_ratio(policy, trajectories)

    def linearised(self, batches: InnerOuterBatches) -> Linearisation:
        start, weights = stacked(self.parameters, batches[0].tasks), self.weights(batches)
        hessians = [partial(self.hessian, batch) for batch in batches[:-1]]
        steps, adapted = inner_steps(hessians, start, self.config.inner_step_size)
        fisher = self.fisher(steps, adapted, batches[-1])
        objectives, slopes = fisher.derivative(lambda policy: self.outer_objective(policy, batches[-1]))
        points = [start, *(step.adapted for step in steps)]
        for step, point, batch in reversed(list(zip(steps, points, batches, strict=False))):
            leaves = {name: value.detach().contiguous().requires_grad_() for name, value in point.items()}
            with torch.enable_grad():
                terms = weights * self.exploration(self.distribution(leaves, batch), batch)
                own = torch.autograd.grad(terms.sum(), list(leaves.values()))
            slopes = step.transposed(slopes)
            slopes = {name: slopes[name] + slope for name, slope in zip(leaves, own, strict=True)}
            objectives = objectives + terms.detach()
        return Linearisation(objectives, self.summed(slopes), fisher)

    def searched(self, start: Parameters, batches: InnerOuterBatches) -> tuple[torch.Tensor, Distribution]:
        explored, final = self.explored(start, batches[:-1], differentiable=False)
        with torch.no_grad():
            policy = self.distribution(final, batches[-1])
            reached = self.outer_objective(policy, batches[-1])
            return reached + self.weights(batches) * explored.detach(), policy
