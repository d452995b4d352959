"""E-MAML with a plain policy-gradient outer update."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.meta_learning.exploration_term import ExplorationConfig, ExploringMetaLearner
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class EAdamConfig(ExplorationConfig, AdamConfig):
    pass


class EMamlVpg(ExploringMetaLearner, MamlVpg):
    """E-MAML-VPG: MAML-VPG that also credits the pre-adaptation steps with the return after adaptation."""

    name = "e-maml-vpg"
    paper = "Stadie, Yang, Houthooft, Chen, Duan, Wu, Abbeel and Sutskever 2018, arXiv:1803.01118"
    Config = EAdamConfig

    def pre_update_terms(self, policy: Distribution, trajectories: TrajectoryBatch) -> torch.Tensor:
        return policy.log_prob(trajectories.actions)
