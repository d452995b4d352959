"""Second derivatives of one-time adaptation's objective by what a `GaussianHeads` network gives out at each step.

Outputs are a mean m and a log-std r; arrays of both are [task, 2 * dimensions, step], means first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.one_time_adaptation.distances import Kind
from algorithms.policies.distributions import LOG_TWO_PI
from algorithms.policies.networks import MINIMUM_LOG_STD


@dataclass(frozen=True)
class Outputs:
    """A policy at the steps of a batch, [task, dimensions, step] each."""

    mean: torch.Tensor
    log_std: torch.Tensor  # not below its minimum
    active: torch.Tensor  # the log-std's derivative by the network's output: 0 where it is cut, else 1

    @classmethod
    def of(cls, output: torch.Tensor) -> Outputs:
        mean, raw = output.chunk(2, 1)
        return cls(mean, raw.clamp(min=MINIMUM_LOG_STD), (raw >= MINIMUM_LOG_STD).to(raw.dtype))

    @property
    def variance(self) -> torch.Tensor:
        return torch.exp(2 * self.log_std)

    @property
    def precision(self) -> torch.Tensor:
        return torch.exp(-2 * self.log_std)

    def log_density(self, actions: torch.Tensor) -> torch.Tensor:
        """Of actions [task, dimensions, step], [task, 1, step]."""
        terms = (actions - self.mean).square() * self.precision + 2 * self.log_std + LOG_TWO_PI
        return -0.5 * terms.sum(1, keepdim=True)


@dataclass(frozen=True)
class StepDerivatives:
    """A function of each step's outputs: its slope, and its second derivatives between dimensions of one index."""

    mean: torch.Tensor
    log_std: torch.Tensor
    mean_mean: torch.Tensor
    mean_log_std: torch.Tensor
    log_std_log_std: torch.Tensor


def distance_derivatives(kind: Kind, centre: Outputs, policy: Outputs) -> StepDerivatives:
    """Of the `policy_distances` between distributions, kinds 1 and 2, by the policy's mean and log-std."""
    away = policy.mean - centre.mean
    if kind == 1:
        precision = policy.precision
        spread = (centre.variance + away.square()) * precision
        return StepDerivatives(away * precision, 1 - spread, precision, -2 * away * precision, 2 * spread)
    ratio, precision = policy.variance * centre.precision, centre.precision
    return StepDerivatives(away * precision, ratio - 1, precision, torch.zeros_like(away), 2 * ratio)


def mixed_distance(kind: Kind, centre: Outputs, policy: Outputs, tangent: torch.Tensor) -> torch.Tensor:
    """The distance's slope by the centre's outputs, along a tangent of the policy's."""
    away = policy.mean - centre.mean
    mean, log_std = tangent.chunk(2, 1)
    log_std = log_std * policy.active
    if kind == 1:
        precision = policy.precision
        by_mean = precision * (2 * away * log_std - mean)
        by_log_std = -2 * centre.variance * precision * log_std
    else:
        precision = centre.precision
        by_mean = -precision * mean
        by_log_std = -2 * precision * (away * mean + policy.variance * log_std)
    return torch.cat([by_mean, by_log_std * centre.active], 1)


class OutputCurvature:
    """The slope of a sum over steps, and products with its second derivative, [task, 2 * dimensions, step] each."""

    def __init__(self, policy: Outputs) -> None:
        self._active = policy.active
        self.slope = torch.zeros_like(torch.cat([policy.mean, policy.mean], 1))
        self._diagonal = torch.zeros_like(self.slope)
        self._cross = torch.zeros_like(policy.mean)
        self._score: torch.Tensor | None = None

    def add(self, weight: torch.Tensor, terms: StepDerivatives) -> None:
        """weight: of each step, [task, 1, step]."""
        active = self._active
        self.slope += weight * torch.cat([terms.mean, terms.log_std * active], 1)
        self._diagonal += weight * torch.cat([terms.mean_mean, terms.log_std_log_std * active], 1)
        self._cross += weight * terms.mean_log_std * active

    def add_density(self, policy: Outputs, actions: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> None:
        """A function of the log-density of actions [task, dimensions, step], of derivatives [task, 1, step] by it."""
        precision = policy.precision
        away = actions - policy.mean
        by_mean, square = away * precision, away.square() * precision
        self.add(first, StepDerivatives(by_mean, square - 1, -precision, -2 * by_mean, -2 * square))
        self._score = torch.cat([by_mean, (square - 1) * self._active], 1)
        self._weighted_score = second * self._score

    def product(self, tangent: torch.Tensor) -> torch.Tensor:
        image = self._diagonal * tangent
        (mean, log_std), (by_mean, by_log_std) = tangent.chunk(2, 1), image.chunk(2, 1)
        by_mean.addcmul_(self._cross, log_std)
        by_log_std.addcmul_(self._cross, mean)
        if self._score is not None:
            image.addcmul_((self._score * tangent).sum(1, keepdim=True), self._weighted_score)
        return image
