"""A policy network with a bias transform: numbers that are appended to every observation, and learned."""

from __future__ import annotations

from collections.abc import Sequence

import gymnasium
import torch

from algorithms.policies.context_mlp import CONTEXT, ContextMLP
from algorithms.policies.networks import Activation
from algorithms.policies.parameters import Parameters


class BiasTransform(ContextMLP):
    """`ContextMLP` whose context is a parameter like the others (Finn, Yu, Zhang, Abbeel and Levine 2017).

    Discrete observations are one-hot coded, since a table of logits has no input to append anything to.
    """

    def __init__(
        self,
        observation_space: gymnasium.Space,
        action_space: gymnasium.Space,
        hidden: Sequence[int],
        size: int,
        start: float = 0.0,
        initial_std: float = 1.0,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__(observation_space, action_space, hidden, size, initial_std, activation)
        self._start = start

    def initial(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Parameters:
        return {
            **super().initial(generator, dtype),
            CONTEXT: torch.full((self.context_size,), self._start, dtype=dtype),
        }
