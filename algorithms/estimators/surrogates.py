"""Surrogate objectives per task, means over valid steps; each is maximised."""

from __future__ import annotations

import torch

from algorithms.estimators.advantages import masked_mean
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch


def log_probability_objective(policy: Distribution, batch: TrajectoryBatch, advantages: torch.Tensor) -> torch.Tensor:
    """mean(log pi(a|s) * A), [task]: its gradient is the policy gradient (Finn et al. 2017, Eq. 4)."""
    return masked_mean(policy.log_prob(batch.actions) * advantages, batch.mask)


def ratio_objective(policy: Distribution, batch: TrajectoryBatch, advantages: torch.Tensor) -> torch.Tensor:
    """mean(pi(a|s) / pi_old(a|s) * A), [task]: J^LR of ProMP, Eq. 6, pi_old the policy that acted."""
    return masked_mean(likelihood_ratio(policy, batch) * advantages, batch.mask)


def clipped_objective(
    policy: Distribution, batch: TrajectoryBatch, advantages: torch.Tensor, clip: float
) -> torch.Tensor:
    """mean(min(ratio * A, clip(ratio, 1 - clip, 1 + clip) * A)), [task]: J^CLIP of Schulman et al. 2017."""
    ratio = likelihood_ratio(policy, batch)
    clipped = ratio.clamp(1 - clip, 1 + clip)
    return masked_mean(torch.minimum(ratio * advantages, clipped * advantages), batch.mask)


def likelihood_ratio(policy: Distribution, batch: TrajectoryBatch) -> torch.Tensor:
    """pi(a|s) / pi_old(a|s), [task, trajectory, time]; 1 under the mask."""
    return torch.exp((policy.log_prob(batch.actions) - batch.log_probabilities) * batch.mask)


def mean_kl(old: Distribution, new: Distribution, mask: torch.Tensor) -> torch.Tensor:
    """KL(old || new) averaged over valid steps, [task], analytic."""
    return masked_mean(old.kl(new), mask)
