"""KL divergence between what two policies have a robot execute, in a support that both share."""

from __future__ import annotations

import torch
from torch.special import log_ndtr

from algorithms.policies.distributions import Gaussian
from algorithms.policies.squashed_gaussian import SquashedGaussian


def executed_divergence(learned: Gaussian, expert: SquashedGaussian, bins: int = 20) -> torch.Tensor:
    """KL(learned || expert) of the actions that are executed, [...], at least 0 and finite; float64.

    An environment clips a Gaussian's actions into its bounds, which puts mass on the bounds themselves, where an
    expert squashed into the open box has none: between the two the divergence is infinite.  So each dimension is
    divided into equal bins, the bounds belonging to the outer ones, and the chances of the bins are compared.  This is
    at most the divergence of the actions before.
    """
    shares = torch.linspace(-1, 1, bins + 1, dtype=torch.float64)[1:-1]
    centre, half = expert.centre.double()[..., None], expert.half.double()[..., None]
    taken = _log_chances(learned, centre + half * shares)
    shown = _log_chances(expert.base, torch.atanh(shares))
    return (taken.exp() * (taken - shown)).sum((-1, -2))


def _log_chances(policy: Gaussian, edges: torch.Tensor) -> torch.Tensor:
    """Of falling between the edges, below the first and above the last, [..., dimension, bin]."""
    mean, log_std = (each.double()[..., None] for each in (policy.mean, policy.log_std))
    places = (edges - mean) / log_std.exp()
    low, high = places[..., :-1], places[..., 1:]
    # the same interval on the side of 0 where differences of chances lose nothing
    swap = low + high > 0
    low, high = torch.where(swap, -high, low), torch.where(swap, -low, high)
    inner = log_ndtr(high) + torch.log(-torch.expm1(log_ndtr(low) - log_ndtr(high)))
    return torch.cat([log_ndtr(places[..., :1]), inner, log_ndtr(-places[..., -1:])], -1)
