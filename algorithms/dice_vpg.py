"""Formulation I with DiCE's unbiased Hessian and a plain policy-gradient outer update."""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.meta_learning.dice_adaptation import DiceConfig, DiceMetaLearner


@dataclass(frozen=True)
class DiceVpgConfig(DiceConfig, AdamConfig):
    pass


class DiceVpg(DiceMetaLearner, MamlVpg):
    """DiCE-VPG: unbiased curvature in the inner step, outer Adam on the adapted policies' policy gradient."""

    name = "dice-vpg"
    paper = "Foerster et al. 2018, arXiv:1802.05098, as in Rothfuss et al. 2019, Section 4.2, arXiv:1810.06784"
    Config = DiceVpgConfig
