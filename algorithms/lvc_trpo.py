"""Formulation I with the low-variance curvature estimator and a trust-region outer update."""

from __future__ import annotations

import torch

from algorithms.estimators.surrogates import ratio_objective
from algorithms.maml_trpo import MamlTrpo
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from environments.policy import Distribution


class LvcTrpo(MamlTrpo):
    """LVC-TRPO: low-variance curvature in the inner step, outer TRPO on the adapted policies.

    The inner objective is the likelihood ratio, as in ProMP: at the policy that acted it has all derivatives of J^LVC,
    and elsewhere those of one and the same function, so that the line search tests what was differentiated.  A ratio
    to the present policy itself would have the gradient of mean(log pi * A) there, with another derivative.
    """

    name = "lvc-trpo"
    paper = "Rothfuss, Lee, Clavera, Asfour and Abbeel 2019, Sections 2 and 4.3, arXiv:1810.06784"

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return ratio_objective(policy, batch.trajectories, batch.advantages)
