"""Latents of whole episodes: what their draw was worth, and how far their distribution is from the prior N(0, 1)."""

from __future__ import annotations

import torch

from algorithms.estimators.advantages import advantages
from environments.trajectories import TrajectoryBatch


def first_advantages(batch: TrajectoryBatch, discount: float, states: int | None = None) -> torch.Tensor:
    """The advantage of each episode's first step, lambda 1: its return less a baseline, float32 [task, trajectory].

    The latent is drawn before the first step and bears on all that follows, so that its credit is the whole return.
    The baseline is one of the observation alone: of the latent too it would take away what the latent is worth.
    """
    return advantages(batch, discount, 1.0, states, standardise=False)[..., 0]


def standardised_over_episodes(values: torch.Tensor) -> torch.Tensor:
    """Mean 0 and standard deviation 1 over each task's trajectories, [task, trajectory]."""
    centred = values - values.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True).sqrt() + 1e-8)


def latent_objective(
    mean: torch.Tensor, log_std: torch.Tensor, latents: torch.Tensor, credit: torch.Tensor
) -> torch.Tensor:
    """mean over episodes of log N(z; mean, exp(log_std)^2) * A_0, [task], but for log N's constant.

    Its gradient in mean and log_std is the likelihood-ratio gradient of the expected return in the latent's
    distribution, the policy given (Gupta et al. 2018, Section 4.2).
    mean, log_std: [task, latent].  latents: drawn, [task, trajectory, latent].  credit: A_0 [task, trajectory].
    """
    scaled = (latents.detach() - mean[:, None]) * torch.exp(-log_std)[:, None]
    log_density = -(0.5 * scaled.square() + log_std[:, None]).sum(-1)
    return (log_density * credit).mean(1)


def latent_divergence(
    mean: torch.Tensor, log_std: torch.Tensor, other_mean: torch.Tensor, other_log_std: torch.Tensor
) -> torch.Tensor:
    """KL(N(mean, exp(log_std)^2) || N(other)), [task], of [task, latent]."""
    scaled = torch.exp(2 * log_std) + (mean - other_mean).square()
    return (other_log_std - log_std + 0.5 * scaled * torch.exp(-2 * other_log_std) - 0.5).sum(-1)


def prior_divergence(mean: torch.Tensor, log_std: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, exp(log_std)^2) || N(0, 1)), [task], of [task, latent]."""
    return latent_divergence(mean, log_std, torch.zeros_like(mean), torch.zeros_like(log_std))
