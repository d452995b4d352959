"""A Gaussian policy network that gives means and variances, both functions of the state."""

from __future__ import annotations

import math
from collections.abc import Sequence

import gymnasium
import torch

from algorithms.policies.distributions import Gaussian
from algorithms.policies.networks import MINIMUM_LOG_STD, MLP, Activation
from algorithms.policies.parameters import Parameters


class GaussianMLP(MLP):
    """Hidden layers under two linear heads, the means and the log-stds of a diagonal Gaussian.

    The log-std head starts at weights 0, so that a fresh network acts as the `MLP` of the same stream does.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        action_space: gymnasium.spaces.Box,
        initial_std: float = 1.0,
        activation: Activation = "tanh",
    ):
        super().__init__(inputs, hidden, action_space, initial_std, activation)
        if self.discrete:
            raise TypeError(f"a Gaussian needs continuous actions, got {action_space}")

    def initial(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Parameters:
        parameters = super().initial(generator, dtype)
        last = len(self.sizes) - 2
        weight, log_std = parameters[f"weight{last}"], parameters.pop("log_std")
        parameters[f"weight{last}"] = torch.cat([weight, torch.zeros_like(weight)], dim=1)
        parameters[f"bias{last}"] = torch.cat([parameters[f"bias{last}"], log_std])
        return parameters

    def policy(self, output: torch.Tensor, parameters: Parameters) -> Gaussian:
        mean, log_std = output.unflatten(-1, (2, self.sizes[-1])).unbind(-2)
        return Gaussian(mean, log_std.clamp(min=MINIMUM_LOG_STD))


def flat_inputs(observation_space: gymnasium.Space) -> int:
    """Numbers in one observation."""
    return math.prod(observation_space.shape or (1,))
