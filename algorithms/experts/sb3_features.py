"""What stable-baselines3's networks see of an observation: its numbers in other units.

Imports stable-baselines3, so that it is imported where that is installed alone.
"""

from __future__ import annotations

import gymnasium
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor


class ScaledObservation(BaseFeaturesExtractor):
    """The first `scaled` numbers of an observation times `scale`; those that follow, a context's, as they are."""

    factors: torch.Tensor

    def __init__(self, observation_space: gymnasium.spaces.Box, scaled: int, scale: float) -> None:
        size = int(observation_space.shape[0])
        super().__init__(observation_space, features_dim=size)
        factors = torch.ones(size)
        factors[:scaled] = scale
        self.register_buffer("factors", factors)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return observations * self.factors
