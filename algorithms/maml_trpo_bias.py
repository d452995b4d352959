"""MAML with a bias transform, which its inner step adapts with everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from algorithms.maml_trpo import MamlTrpo, MamlTrpoConfig
from algorithms.meta_learning.gradient_adaptation import PolicyConfig


@dataclass(frozen=True)
class MamlTrpoBiasConfig(MamlTrpoConfig):
    bias_dim: int = 2  # of 2 and 4 in GMPS's supplement

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.bias_dim:
            raise ValueError("bias_dim must be at least 1; without a bias transform the method is maml-trpo")


class MamlTrpoBias(MamlTrpo):
    """MAML-TRPO that appends variables to every observation, as GMPS's supplement runs it beside the plain one."""

    name = "maml-trpo-bias"
    paper = "Mendonca et al. 2019 (GMPS), Appendix C, after Finn et al. 2017, arXiv:1709.04905"
    Config: ClassVar[type[PolicyConfig]] = MamlTrpoBiasConfig
