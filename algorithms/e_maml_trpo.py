"""E-MAML with a trust-region outer update."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.estimators.surrogates import likelihood_ratio
from algorithms.maml_trpo import MamlTrpo, MamlTrpoConfig
from algorithms.meta_learning.exploration_term import ExplorationConfig, ExploringMetaLearner
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.policies.parameters import Parameters, stacked
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class EMamlTrpoConfig(ExplorationConfig, MamlTrpoConfig):
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

    def evaluate(self, parameters: Parameters, batches: InnerOuterBatches) -> tuple[float, float]:
        """Mean over tasks of the surrogate with its exploration term, and of the adapted policies' KL divergence."""
        with torch.no_grad():
            start = stacked(parameters, batches[0].tasks)
            explored, final = self.explored(start, batches[:-1], differentiable=False)
            reached = self.outer_objective(self.distribution(final, batches[-1]), batches[-1])
            objective = (reached + self.weights(batches) * explored).mean()
            return float(objective), float(self.divergence(final, batches[-1]).mean())
