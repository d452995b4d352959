"""A policy network that observes a latent of the episode, drawn at its beginning and kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import gymnasium
import torch

from algorithms.policies.networks import MLP, Activation
from algorithms.policies.parameters import Parameters
from environments.policy import Distribution
from environments.streams import Streams


class LatentMLP:
    """`MLP` of the observation, a discrete one one-hot, concatenated with the episode's latent."""

    def __init__(
        self,
        observation_space: gymnasium.Space,
        action_space: gymnasium.Space,
        hidden: Sequence[int],
        latent_size: int,
        initial_std: float = 1.0,
        activation: Activation = "tanh",
    ) -> None:
        discrete = isinstance(observation_space, gymnasium.spaces.Discrete)
        self._states = int(observation_space.n) if discrete else None  # type: ignore[attr-defined]
        inputs = self._states or math.prod(observation_space.shape or (1,))
        self.latent_size = latent_size
        self._mlp = MLP(inputs + latent_size, hidden, action_space, initial_std, activation)

    def initial(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Parameters:
        return self._mlp.initial(generator, dtype)

    def distribution(self, parameters: Parameters, observations: torch.Tensor, latents: torch.Tensor) -> Distribution:
        """Of [task, trajectory, ...] under parameters [task, ...].

        observations: [task, trajectory, ..., *shape].  latents: [task, trajectory, latent].
        """
        if self._states is not None:
            observations = torch.nn.functional.one_hot(observations, self._states)
        lead = observations.shape[:-1]
        spread = latents.reshape(*lead[:2], *[1] * (len(lead) - 2), -1).expand(*lead, -1)
        return self._mlp.distribution(parameters, torch.cat([observations.to(latents.dtype), spread], -1))


@dataclass(frozen=True)
class LatentState:
    """What an episode keeps; the batch stores it."""

    latent: torch.Tensor  # [task, trajectory, latent]


class LatentPolicy:
    """Draws z ~ N(mean, exp(log_std)^2) of its task at an episode's beginning, and acts by it to the end.

    parameters: [task, ...].  mean, log_std: [task, latent].
    """

    def __init__(self, network: LatentMLP, parameters: Parameters, mean: torch.Tensor, log_std: torch.Tensor) -> None:
        self._network = network
        self._parameters = {name: value.detach().contiguous() for name, value in parameters.items()}
        self._mean, self._std = mean.detach(), log_std.detach().exp()

    def begin(self, tasks: int, trajectories: int, stream: Streams) -> LatentState:
        shape = (tasks, trajectories, self._network.latent_size)
        noise = torch.randn(shape, generator=stream.torch("latent"), dtype=self._mean.dtype)
        return LatentState(self._mean[:, None] + self._std[:, None] * noise)

    def act(self, observation: torch.Tensor, previous: object, state: LatentState) -> tuple[Distribution, LatentState]:
        return self._network.distribution(self._parameters, observation, state.latent), state
