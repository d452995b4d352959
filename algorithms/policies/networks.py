"""Policy networks as pure functions of their parameters, which may be stacked over tasks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import gymnasium
import torch

from algorithms.policies.distributions import Categorical, Gaussian
from algorithms.policies.parameters import Parameters
from environments.policy import Distribution

Activation = Literal["tanh", "relu"]
ACTIVATIONS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {"tanh": torch.tanh, "relu": torch.relu}

#: lower bound of the learned standard deviation (ProMP's setting)
MINIMUM_LOG_STD = math.log(1e-6)


class PolicyNetwork(ABC):
    """Maps observations [task, ..., *shape] to action distributions [task, ...], given parameters [task, ...].

    A distribution's tensors are [task, ..., dimensions] for Box actions and [task, ..., actions] for Discrete ones.
    """

    @abstractmethod
    def initial(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Parameters:
        """Freshly drawn parameters, not stacked."""

    @abstractmethod
    def distribution(self, parameters: Parameters, observations: torch.Tensor) -> Distribution:
        """Distributions [task, ...] under stacked parameters [task, ...]."""


class TabularSoftmax(PolicyNetwork):
    """Logits per state, 0 at the start (the uniform policy).  Observations: int64 [task, ...]."""

    def __init__(self, states: int, actions: int) -> None:
        self.states, self.actions = states, actions

    def initial(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Parameters:
        return {"logits": torch.zeros(self.states, self.actions, dtype=dtype)}

    def distribution(self, parameters: Parameters, observations: torch.Tensor) -> Categorical:
        tasks = observations.shape[0]
        flat = observations.reshape(tasks, -1, 1).expand(-1, -1, self.actions)
        rows = parameters["logits"].gather(1, flat)
        return Categorical(rows.reshape(*observations.shape, self.actions))


class MLP(PolicyNetwork):
    """Hidden layers, Xavier-uniform weights, zero biases; Gaussian with a state-independent log-std, or categorical.

    Its output is the Gaussian's mean [task, ..., dimensions] or the logits [task, ..., actions].
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        action_space: gymnasium.Space,
        initial_std: float = 1.0,
        activation: Activation = "tanh",
    ):
        self.discrete = isinstance(action_space, gymnasium.spaces.Discrete)
        if isinstance(action_space, gymnasium.spaces.Discrete):
            outputs = int(action_space.n)
        else:
            outputs = math.prod(action_space.shape or (1,))
        self.sizes = (inputs, *hidden, outputs)
        self.initial_std = initial_std
        self.activation = activation

    def initial(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Parameters:
        parameters: Parameters = {}
        for layer, (fan_in, fan_out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            bound = math.sqrt(6 / (fan_in + fan_out))
            uniform = torch.rand(fan_in, fan_out, generator=generator, dtype=dtype)
            parameters[f"weight{layer}"] = (2 * uniform - 1) * bound
            parameters[f"bias{layer}"] = torch.zeros(fan_out, dtype=dtype)
        if not self.discrete:
            parameters["log_std"] = torch.full((self.sizes[-1],), math.log(self.initial_std), dtype=dtype)
        return parameters

    def distribution(self, parameters: Parameters, observations: torch.Tensor) -> Distribution:
        lead = observations.shape[:-1]
        hidden = observations.reshape(lead[0], -1, self.sizes[0]).to(parameters["weight0"].dtype)
        layers = len(self.sizes) - 1
        for layer in range(layers):
            bias = parameters[f"bias{layer}"].unsqueeze(1)
            hidden = torch.baddbmm(bias, hidden, parameters[f"weight{layer}"])
            if layer < layers - 1:
                hidden = ACTIVATIONS[self.activation](hidden)
        return self.policy(hidden.reshape(*lead, hidden.shape[-1]), parameters)

    def policy(self, output: torch.Tensor, parameters: Parameters) -> Distribution:
        """The distributions that the last layer's output [task, ..., numbers] stands for; of the parameters
        [task, ...] those that belong to no layer count."""
        if self.discrete:
            return Categorical(output)
        log_std = parameters["log_std"].clamp(min=MINIMUM_LOG_STD)
        return Gaussian(output, log_std.reshape(len(output), *[1] * (output.ndim - 2), self.sizes[-1]))


def unsuitable(observation_space: gymnasium.Space, action_space: gymnasium.Space) -> str | None:
    """Why no network here maps such observations to such actions, None if one does."""
    for name, space in (("observations", observation_space), ("actions", action_space)):
        vector = isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 1
        if not vector and not (isinstance(space, gymnasium.spaces.Discrete) and space.start == 0):
            return f"{name} must be a vector or a number from 0 on, got {space}"
    if isinstance(observation_space, gymnasium.spaces.Discrete) and isinstance(action_space, gymnasium.spaces.Box):
        return f"discrete observations need discrete actions, got {action_space}"
    return None


def make_network(
    observation_space: gymnasium.Space,
    action_space: gymnasium.Space,
    hidden: Sequence[int],
    initial_std: float = 1.0,
    activation: Activation = "tanh",
) -> PolicyNetwork:
    """Tabular softmax where both spaces are discrete, otherwise an MLP.  Raises TypeError where neither serves."""
    reason = unsuitable(observation_space, action_space)
    if reason is not None:
        raise TypeError(reason)
    if isinstance(observation_space, gymnasium.spaces.Discrete) and isinstance(action_space, gymnasium.spaces.Discrete):
        return TabularSoftmax(int(observation_space.n), int(action_space.n))
    return MLP(math.prod(observation_space.shape or (1,)), hidden, action_space, initial_std, activation)


class NetworkPolicy:
    """A network with given parameters [task, ...] as a stateless policy."""

    def __init__(self, network: PolicyNetwork, parameters: Parameters) -> None:
        self.network = network
        self.parameters = {name: value.detach().contiguous() for name, value in parameters.items()}

    def begin(self, tasks: int, trajectories: int, stream: object) -> None:
        return None

    def act(self, observation: torch.Tensor, previous: object, state: None) -> tuple[Distribution, None]:
        return self.network.distribution(self.parameters, observation), None
