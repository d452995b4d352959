"""Advantages: linear feature baseline, generalised advantage estimation, standardisation per task."""

from __future__ import annotations

import torch

from environments.trajectories import TrajectoryBatch

#: a vector of more numbers is a picture: with a weight for each, a regression on a task's steps would fit any returns
MOST_NUMBERS = 1000


def discounted_sums(values: torch.Tensor, discount: float) -> torch.Tensor:
    """sum_{t' >= t} discount**(t'-t) * values[..., t'], along the last axis."""
    sums = torch.empty_like(values)
    running = torch.zeros_like(values[..., 0])
    for time in range(values.shape[-1] - 1, -1, -1):
        running = values[..., time] + discount * running
        sums[..., time] = running
    return sums


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over valid steps of [task, trajectory, time] -> [task]."""
    return (values * mask).sum((1, 2)) / mask.sum((1, 2))


def baseline_features(observations: torch.Tensor, states: int | None) -> torch.Tensor:
    """[clip(o, +-10), o**2, t/100, (t/100)**2, (t/100)**3, 1] of Duan et al. 2016, float64 [task, n, time, features].

    states: number of discrete states, whose observations are one-hot coded; None for vectors.
    Of pictures (`MOST_NUMBERS`) those of the time alone.
    """
    if states is not None:
        vectors = torch.nn.functional.one_hot(observations, states).double()
        parts = [vectors]  # a one-hot vector's square is itself
    else:
        numbers = observations.flatten(3)
        vectors = numbers[..., : 0 if numbers.shape[-1] > MOST_NUMBERS else None].double().clamp(-10, 10)
        parts = [vectors, vectors.square()]
    lead = vectors.shape[:3]
    time = (torch.arange(lead[2], dtype=torch.float64) / 100).expand(lead).unsqueeze(-1)
    return torch.cat([*parts, time, time**2, time**3, torch.ones_like(time)], dim=-1)


def fit_baseline(features: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Ridge regression of targets on features for each task by itself; fitted values [task, n, time].

    The ridge starts at 1e-5 and grows tenfold until the solution is finite.
    """
    tasks = features.shape[0]
    flat = features.reshape(tasks, -1, features.shape[-1])
    weighted = flat * mask.double().reshape(tasks, -1, 1)
    gram = weighted.transpose(1, 2) @ flat
    moment = weighted.transpose(1, 2) @ targets.double().reshape(tasks, -1, 1)
    identity = torch.eye(gram.shape[-1], dtype=torch.float64)
    ridge = 1e-5
    for _ in range(12):
        factor, failed = torch.linalg.cholesky_ex(gram + ridge * identity)
        if not failed.any():
            weights = torch.cholesky_solve(moment, factor)
            if torch.isfinite(weights).all():
                return (flat @ weights).reshape(targets.shape)
        ridge *= 10
    raise FloatingPointError("the value baseline's normal equations have no finite solution: are observations finite?")


def advantages(
    batch: TrajectoryBatch, discount: float, gae_lambda: float, states: int | None = None, standardise: bool = True
) -> torch.Tensor:
    """GAE advantages with a linear baseline fitted to this batch, float32 [task, trajectory, time], 0 where masked.

    The value after an episode's end, by termination or at the horizon, is 0 (finite-horizon task).
    standardise: to mean 0 and std 1 over each task's valid steps, as ProMP does.
    """
    mask = batch.mask.double()
    rewards = batch.rewards.double() * mask
    features = baseline_features(batch.observations, states)
    values = fit_baseline(features, discounted_sums(rewards, discount), batch.mask) * mask
    following = torch.cat([values[..., 1:], torch.zeros_like(values[..., :1])], dim=-1)
    estimates = discounted_sums((rewards + discount * following - values) * mask, discount * gae_lambda) * mask
    if standardise:
        estimates = standardised(estimates, mask)
    return estimates.to(batch.rewards.dtype)


def standardised(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean 0 and standard deviation 1 over each task's valid steps."""
    mean = masked_mean(values, mask)[:, None, None]
    deviation = masked_mean((values - mean).square(), mask).sqrt()[:, None, None]
    return (values - mean) / (deviation + 1e-8) * mask
