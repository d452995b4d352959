"""Adaptation by DiCE: the unbiased surrogate of any order as the inner objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.estimators.advantages import baseline_features, discounted_sums, fit_baseline, masked_mean
from algorithms.estimators.higher_order_surrogates import dice_objective
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, GradientConfig
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch

#: columns of the baseline's features that depend on time alone, the constant among them
TIME_FEATURES = 4


@dataclass(frozen=True)
class DiceConfig(GradientConfig):
    # what has unit standard deviation per task: gamma^t r_t - b_t, as in ProMP's public code; the sums of these from t
    # on, so that an inner step is as long as with standardised advantages; nothing, the plain unbiased form
    inner_scale: Literal["rewards", "returns", "none"] = "rewards"
    reward_baseline: bool = True  # subtract b_t, fitted to gamma^t r_t


def adjusted_rewards(trajectories: TrajectoryBatch, discount: float, baseline: bool, scale: str) -> torch.Tensor:
    """(gamma^t r_t - b_t) / sigma, float64 [task, trajectory, time], at every step until the horizon.

    b_t is fitted per task to gamma^t r_t, taken as 0 after an episode's end, by a polynomial in time alone: a baseline
    of the state would bias the gradient, by that of the expected sum of baselines, and one that stops at the episode's
    end too.  sigma: see `DiceConfig.inner_scale`.
    """
    rewards = trajectories.rewards.double() * trajectories.mask
    rewards = rewards * discount ** torch.arange(rewards.shape[-1], dtype=torch.float64)
    if baseline:
        time = baseline_features(torch.zeros_like(rewards).unsqueeze(-1), None)[..., -TIME_FEATURES:]
        rewards = rewards - fit_baseline(time, rewards, torch.ones_like(rewards))
    if scale == "none":
        return rewards
    measured = rewards if scale == "rewards" else discounted_sums(rewards, 1.0)
    mean = masked_mean(measured, trajectories.mask)[:, None, None]
    deviation = masked_mean((measured - mean).square(), trajectories.mask).sqrt()[:, None, None]
    return rewards / (deviation + 1e-8)


class DiceMetaLearner(GradientMetaLearner):
    """Inner steps ascend J^DiCE per valid step; nothing of generalised advantage estimation enters them.

    Its batches have the extra "adjusted_rewards": gamma^t r_t - b_t, scaled [task, trajectory, time].
    """

    def adaptation_batch(self, trajectories: TrajectoryBatch) -> AdaptationBatch:
        config = self.config
        rewards = adjusted_rewards(trajectories, self.problem.discount, config.reward_baseline, config.inner_scale)
        batch = super().adaptation_batch(trajectories)
        return batch.with_extra(adjusted_rewards=rewards.to(trajectories.rewards.dtype))

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return dice_objective(policy, batch.trajectories, batch.extra("adjusted_rewards"))
