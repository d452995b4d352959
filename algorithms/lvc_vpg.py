"""Formulation I with the low-variance curvature estimator and a plain policy-gradient outer update."""

from __future__ import annotations

import torch

from algorithms.estimators.higher_order_surrogates import lvc_objective
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from environments.policy import Distribution


class LvcVpg(MamlVpg):
    """LVC-VPG: low-variance curvature in the inner step, outer Adam on the adapted policies' policy gradient."""

    name = "lvc-vpg"
    paper = "Rothfuss, Lee, Clavera, Asfour and Abbeel 2019, Section 2, arXiv:1810.06784"

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return lvc_objective(policy, batch.trajectories, batch.advantages)
