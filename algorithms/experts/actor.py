"""A trained policy of observations and task contexts as plain tensors, which acts without the library that trained it.

It is what a parent run leaves to those that build on it: `state_dict()["expert"]` of a method that may be an expert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import torch
from torch.nn.functional import linear

from algorithms.policies.distributions import Gaussian
from algorithms.policies.networks import ACTIVATIONS
from algorithms.policies.squashed_gaussian import SquashedGaussian, bounds_of
from environments.policy import Distribution, Previous

#: bounds of the logarithm of the standard deviation, stable-baselines3's
LOG_STD = (-20.0, 2.0)
#: of a policy that acts by its mean alone: what is left of its noise is 5e-5 of an action's range
NOISELESS = -10.0


class Actor:
    """Layers over [observation, context], then a Gaussian's mean and log-std, within the action space.

    state: "layers", a list of [weight (out, in), bias (out)], and "mean", one such pair.  "log_std": where it is a pair
    too the Gaussian is squashed into the action space, as soft actor-critic's; where it is a vector (dimensions) that
    of every state, and the environment clips.  "activation": of the layers, ReLU where it is not said.
    """

    def __init__(self, state: Mapping[str, Any], action_space: gymnasium.spaces.Box) -> None:
        self._layers = [(weight, bias) for weight, bias in state["layers"]]
        self._mean = tuple(state["mean"])
        self._log_std: torch.Tensor | Sequence[torch.Tensor] = state["log_std"]
        self._activation = ACTIVATIONS[state.get("activation", "relu")]
        self._bounds = [torch.from_numpy(side) for side in (action_space.low, action_space.high)]
        self._centre, self._half = bounds_of(action_space)

    def distribution(
        self, observations: torch.Tensor, contexts: torch.Tensor, noisy: bool = True
    ) -> Gaussian | SquashedGaussian:
        """Of [task, ..., dimensions] for observations [task, ..., observation] and contexts [task, context].

        noisy: as it explores; otherwise with no more noise than keeps densities finite.
        """
        lead = observations.shape[:-1]
        spread = contexts.reshape(len(contexts), *[1] * (len(lead) - 1), -1).expand(*lead, -1)
        hidden = torch.cat([observations.float(), spread], -1)
        for weight, bias in self._layers:
            hidden = self._activation(linear(hidden, weight, bias))
        mean = linear(hidden, *self._mean)
        if isinstance(self._log_std, torch.Tensor):
            return Gaussian(mean, self._log_std.expand_as(mean) if noisy else torch.full_like(mean, NOISELESS))
        log_std = linear(hidden, *self._log_std).clamp(*LOG_STD) if noisy else torch.full_like(mean, NOISELESS)
        centre, half = (side.expand(*[1] * len(lead), -1) for side in (self._centre, self._half))
        return SquashedGaussian(mean, log_std, centre, half)

    def middle(self, observations: torch.Tensor, contexts: torch.Tensor) -> torch.Tensor:
        """The action of the mean, within the bounds, [task, ..., dimensions]."""
        found = self.distribution(observations, contexts)
        if isinstance(found, SquashedGaussian):
            return found.middle
        return found.mean.clamp(*self._bounds)


class ActorPolicy:
    """The actor on tasks of the given contexts [task, context], as a stateless policy.

    noisy: it draws its actions; otherwise it takes the mean, but for a noise that keeps densities finite.
    """

    def __init__(self, actor: Actor, contexts: torch.Tensor, noisy: bool = True) -> None:
        self._actor, self._contexts, self._noisy = actor, contexts, noisy

    def begin(self, tasks: int, trajectories: int, stream: object) -> None:
        return None

    def act(self, observation: torch.Tensor, previous: Previous, state: None) -> tuple[Distribution, None]:
        return self._actor.distribution(observation, self._contexts, self._noisy), None


def layers_of(parameters: Mapping[str, torch.Tensor], prefix: str) -> list[list[torch.Tensor]]:
    """[weight, bias] of each linear layer of a torch Sequential that is called `prefix`, in order, copied."""
    names = [name for name in parameters if name.startswith(f"{prefix}.") and name.endswith(".weight")]
    ordered: Sequence[str] = sorted(names, key=lambda name: int(name.split(".")[-2]))
    return [pair_of(parameters, name.removesuffix(".weight")) for name in ordered]


def pair_of(parameters: Mapping[str, torch.Tensor], name: str) -> list[torch.Tensor]:
    """[weight, bias] of the linear layer of that name, copied."""
    return [parameters[f"{name}.{part}"].detach().clone() for part in ("weight", "bias")]
