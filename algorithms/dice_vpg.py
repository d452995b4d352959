"""Formulation I with DiCE's unbiased Hessian and a plain policy-gradient outer update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.estimators.higher_order_surrogates import credited_objective
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.meta_learning.dice_adaptation import DiceConfig, DiceMetaLearner
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, GradientAdaptation
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch
from environments.typed_options import option


@dataclass(frozen=True)
class DiceVpgConfig(DiceConfig, AdamConfig):
    # what an action is credited with.  "advantages": the same as in every other method, so that the inner gradient is
    # theirs and only the Hessian differs; "rewards": J^DiCE of gamma^t r_t - b_t, the paper's form, without a baseline
    # of the state; `inner_scale` and `reward_baseline` are for this one
    credit: Literal["advantages", "rewards"] = option("advantages", earlier="rewards")


class DiceVpg(DiceMetaLearner, MamlVpg):
    """DiCE-VPG: unbiased curvature in the inner step, outer Adam on the adapted policies' policy gradient."""

    name = "dice-vpg"
    paper = "Foerster et al. 2018, arXiv:1802.05098, as in Rothfuss et al. 2019, Section 4.2, arXiv:1810.06784"
    Config = DiceVpgConfig

    def adaptation_batch(self, trajectories: TrajectoryBatch) -> AdaptationBatch:
        if self.config.credit == "advantages":
            return GradientAdaptation.adaptation_batch(self, trajectories)
        return super().adaptation_batch(trajectories)

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        if self.config.credit == "advantages":
            return credited_objective(policy, batch.trajectories, batch.advantages)
        return super().inner_objective(policy, batch)
