"""MAML with a plain policy-gradient outer update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from algorithms.estimators.surrogates import log_probability_objective
from algorithms.meta_learning.adam_meta_learner import AdamConfig, AdamMetaLearner
from algorithms.meta_learning.adapted_variables import AdaptedVariablesConfig
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, PolicyConfig
from environments.policy import Distribution


@dataclass(frozen=True)
class MamlVpgConfig(AdaptedVariablesConfig, AdamConfig):
    pass


class MamlVpg(AdamMetaLearner):
    """MAML: one inner policy gradient step, outer Adam on the adapted policies' policy gradient."""

    name = "maml-vpg"
    paper = "Finn, Abbeel and Levine 2017, arXiv:1703.03400"
    Config: ClassVar[type[PolicyConfig]] = MamlVpgConfig

    def outer_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return log_probability_objective(policy, batch.trajectories, batch.advantages)
