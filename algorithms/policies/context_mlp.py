"""A policy network with a context vector beside the observation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import gymnasium
import torch

from algorithms.policies.networks import MLP, Activation, PolicyNetwork
from algorithms.policies.parameters import Parameters
from environments.policy import Distribution

#: the parameter that holds a task's context, [task, size]; where it is missing the context is 0
CONTEXT = "context"


class ContextMLP(PolicyNetwork):
    """`MLP` of the observation concatenated with a context (Zintgraf et al. 2019, Section 3.1).

    The context is the same at every step, so what it adds to the first layer is computed once a task, as a bias.
    Discrete observations are one-hot coded: a table of logits has no input to put a context beside.
    `initial` draws the network's parameters alone: the weights of the context are Xavier-uniform like the others, so
    that the gradient in a context of 0 is not 0 from the start.
    """

    def __init__(
        self,
        observation_space: gymnasium.Space,
        action_space: gymnasium.Space,
        hidden: Sequence[int],
        context_size: int,
        initial_std: float = 1.0,
        activation: Activation = "tanh",
    ) -> None:
        discrete = isinstance(observation_space, gymnasium.spaces.Discrete)
        self.states = int(observation_space.n) if discrete else None  # type: ignore[attr-defined]
        self.inputs = self.states or math.prod(observation_space.shape or (1,))
        self.context_size = context_size
        self._wide = MLP(self.inputs + context_size, hidden, action_space, initial_std, activation)
        self._narrow = MLP(self.inputs, hidden, action_space, initial_std, activation)

    def initial(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Parameters:
        return self._wide.initial(generator, dtype)

    def start(self, tasks: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The context before adaptation: 0, [task, size]."""
        return torch.zeros(tasks, self.context_size, dtype=dtype)

    def distribution(self, parameters: Parameters, observations: torch.Tensor) -> Distribution:
        weight, bias = parameters["weight0"], parameters["bias0"]
        if CONTEXT in parameters:
            bias = bias + torch.bmm(parameters[CONTEXT].unsqueeze(1), weight[:, self.inputs :]).squeeze(1)
        if self.states is not None:
            observations = torch.nn.functional.one_hot(observations, self.states).to(weight.dtype)
        narrow = {**parameters, "weight0": weight[:, : self.inputs], "bias0": bias}
        return self._narrow.distribution(narrow, observations)
