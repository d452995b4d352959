"""Formulation I with the low-variance curvature estimator and a trust-region outer update."""

from __future__ import annotations

import torch

from algorithms.estimators.higher_order_surrogates import lvc_objective
from algorithms.maml_trpo import MamlTrpo
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from environments.policy import Distribution


class LvcTrpo(MamlTrpo):
    """LVC-TRPO: low-variance curvature in the inner step, outer TRPO on the adapted policies.

    In the line search an inner gradient at other parameters is that of mean(log pi * A), as MAML's is.
    """

    name = "lvc-trpo"
    paper = "Rothfuss, Lee, Clavera, Asfour and Abbeel 2019, Sections 2 and 4.3, arXiv:1810.06784"

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return lvc_objective(policy, batch.trajectories, batch.advantages)
