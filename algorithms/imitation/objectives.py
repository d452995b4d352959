"""GMPS's objectives: a policy gradient on another policy's data within, imitation without."""

from __future__ import annotations

from typing import Literal

import torch

from algorithms.estimators.advantages import masked_mean
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch

Imitation = Literal["squared", "likelihood"]


#: of the logarithm of a weight: beyond it a float32 sum holds nothing else
LARGEST_LOG_WEIGHT = 20.0


def importance_weights(chosen: torch.Tensor, batch: TrajectoryBatch, largest: float | None = None) -> torch.Tensor:
    """w = pi(a|s) / pi_acted(a|s) of every step by itself, without a gradient, [task, trajectory, time]; 1 if masked.

    chosen: log pi(a|s), [task, trajectory, time].  largest: weights are kept in [1 / largest, largest].
    """
    ratios = (chosen.detach() - batch.log_probabilities) * batch.mask
    weights = torch.exp(ratios.clamp(max=LARGEST_LOG_WEIGHT))
    return weights if largest is None else weights.clamp(1 / largest, largest)


def off_policy_objective(
    policy: Distribution, batch: TrajectoryBatch, advantages: torch.Tensor, largest: float | None = None
) -> torch.Tensor:
    """mean(w log pi(a|s) A), [task], w as `importance_weights` has it: its gradient is the policy gradient of
    mean(A) under the actions of `policy`, in the states that the batch visited.

    Unlike the likelihood ratio's its derivative in turn takes w for a constant, as the authors' code does.
    """
    chosen = policy.log_prob(batch.actions)
    weights = importance_weights(chosen, batch, largest)
    return masked_mean(weights * chosen * advantages, batch.mask)


def effective_share(weights: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(sum w)^2 / (n sum w^2), [task]: n weighted steps are worth this share of n steps of the policy's own."""
    return masked_mean(weights, mask).square() / masked_mean(weights.square(), mask)


def imitation_objective(
    policy: Distribution, batch: TrajectoryBatch, form: Imitation, std_weight: float = 0.0
) -> torch.Tensor:
    """How near the policy is to the batch's actions, which are an expert's, [task]; to be maximised.

    "squared": -mean((mu - a)^2 + std_weight sigma^2) over steps and dimensions; with a weight of 1 it is
    -E(b - a)^2 of the policy's own actions b.  "likelihood": mean(log pi(a|s)), as always for choices, which have no
    mean.
    """
    if form == "likelihood" or "mean" not in policy.parameters:
        return masked_mean(policy.log_prob(batch.actions), batch.mask)
    missed = (policy.parameters["mean"] - batch.actions).square().mean(-1)
    if std_weight:
        missed = missed + std_weight * torch.exp(2 * policy.parameters["log_std"]).mean(-1)
    return -masked_mean(missed, batch.mask)
