"""A trained policy of observations and task contexts as plain tensors, which acts without the library that trained it.

It is what a parent run leaves to those that build on it: `state_dict()["expert"]` of a method that may be an expert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import torch
from torch.nn.functional import linear, relu

from algorithms.policies.squashed_gaussian import SquashedGaussian, bounds_of
from environments.policy import Previous

#: bounds of the logarithm of the standard deviation, stable-baselines3's
LOG_STD = (-20.0, 2.0)
#: of a policy that acts by its mean alone: what is left of its noise is 5e-5 of an action's range
NOISELESS = -10.0


class Actor:
    """ReLU layers over [observation, context], then a Gaussian's mean and log-std, squashed into the action space.

    state: "layers", a list of [weight (out, in), bias (out)]; "mean" and "log_std", one such pair each.
    """

    def __init__(self, state: Mapping[str, Any], action_space: gymnasium.spaces.Box) -> None:
        self._layers = [(weight, bias) for weight, bias in state["layers"]]
        self._mean, self._log_std = tuple(state["mean"]), tuple(state["log_std"])
        self._centre, self._half = bounds_of(action_space)

    def distribution(self, observations: torch.Tensor, contexts: torch.Tensor) -> SquashedGaussian:
        """Of [task, ..., dimensions] for observations [task, ..., observation] and contexts [task, context]."""
        lead = observations.shape[:-1]
        spread = contexts.reshape(len(contexts), *[1] * (len(lead) - 1), -1).expand(*lead, -1)
        hidden = torch.cat([observations.float(), spread], -1)
        for weight, bias in self._layers:
            hidden = relu(linear(hidden, weight, bias))
        log_std = linear(hidden, *self._log_std).clamp(*LOG_STD)
        centre, half = (side.expand(*[1] * len(lead), -1) for side in (self._centre, self._half))
        return SquashedGaussian(linear(hidden, *self._mean), log_std, centre, half)


class ActorPolicy:
    """The actor on tasks of the given contexts [task, context], as a stateless policy.

    noisy: it draws its actions; otherwise it takes the mean, but for a noise that keeps densities finite.
    """

    def __init__(self, actor: Actor, contexts: torch.Tensor, noisy: bool = True) -> None:
        self._actor, self._contexts, self._noisy = actor, contexts, noisy

    def begin(self, tasks: int, trajectories: int, stream: object) -> None:
        return None

    def act(self, observation: torch.Tensor, previous: Previous, state: None) -> tuple[SquashedGaussian, None]:
        found = self._actor.distribution(observation, self._contexts)
        if not self._noisy:
            log_std = torch.full_like(found.base.log_std, NOISELESS)
            found = SquashedGaussian(found.base.mean, log_std, found.centre, found.half)
        return found, None


def layers_of(parameters: Mapping[str, torch.Tensor], prefix: str) -> list[list[torch.Tensor]]:
    """[weight, bias] of each linear layer of a torch Sequential that is called `prefix`, in order, copied."""
    names = [name for name in parameters if name.startswith(f"{prefix}.") and name.endswith(".weight")]
    ordered: Sequence[str] = sorted(names, key=lambda name: int(name.split(".")[-2]))
    return [pair_of(parameters, name.removesuffix(".weight")) for name in ordered]


def pair_of(parameters: Mapping[str, torch.Tensor], name: str) -> list[torch.Tensor]:
    """[weight, bias] of the linear layer of that name, copied."""
    return [parameters[f"{name}.{part}"].detach().clone() for part in ("weight", "bias")]
