"""The gradient of a one-time adaptation's objective in a `GaussianHeads` network, written out.

Equal to automatic differentiation (a test holds it to that) at half its time.
"""

from __future__ import annotations

import torch

from algorithms.meta_learning.gradient_adaptation import StepData
from algorithms.one_time_adaptation.distances import Centre, Kind
from algorithms.one_time_adaptation.gaussian_passes import HeadsPasses, columns
from algorithms.policies.distributions import LOG_TWO_PI
from algorithms.policies.gaussian_mlp import GaussianHeads
from algorithms.policies.networks import MINIMUM_LOG_STD
from algorithms.policies.parameters import Parameters


class GaussianHeadsGradient:
    """Calls give the gradient of mean(h(ratio) Q) - regularisation D_kind^2 at parameters [task, ...].

    Arrays are [task, feature, step], as `HeadsPasses` has them.
    slope: the gain's own gradient where it is linear (the first-order variant); it then needs no ratios.
    """

    def __init__(
        self,
        network: GaussianHeads,
        kind: Kind,
        regularisation: float,
        centre: Centre,
        step: StepData,
        largest_log_ratio: float,
        slope: Parameters | None = None,
    ) -> None:
        batch, dtype = step.batch, centre.parameters["weight0"].dtype
        self._kind, self._regularisation, self._slope, self._limit = kind, regularisation, slope, largest_log_ratio
        self._start = centre.parameters
        self._passes = HeadsPasses(network, batch.observations, dtype)
        actions = network.sizes[-1]
        self._actions = columns(batch.actions, actions, dtype)
        self._acted = columns(batch.log_probabilities, 1, dtype)
        self._mask = columns(batch.mask, 1, dtype)
        share = self._mask / self._mask.sum(-1, keepdim=True)
        self._values = columns(step.advantages, 1, dtype) * share
        self._weight = regularisation * share
        self._mean = columns(centre.policy.parameters["mean"], actions, dtype)
        self._variance = torch.exp(2 * columns(centre.policy.parameters["log_std"], actions, dtype))
        self._constant = 0.5 * LOG_TWO_PI * actions

    def __call__(self, parameters: Parameters) -> Parameters:
        gradient = self._passes.backward(self._by_output(self._passes.forward(parameters)))
        return {name: self._completed(name, gradient[name], value) for name, value in parameters.items()}

    def _completed(self, name: str, gradient: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """With what does not pass through the network's output."""
        if self._slope is not None:
            gradient = gradient + self._slope[name]
        if self._kind == 3:
            gradient = gradient - 2 * self._regularisation * (value - self._start[name])
        return gradient

    def _by_output(self, output: torch.Tensor) -> torch.Tensor:
        """The derivative by the network's output, [task, 2 * dimensions, step]."""
        mean, raw = output.chunk(2, 1)
        log_std = raw.clamp(min=MINIMUM_LOG_STD)
        by_output = torch.zeros_like(output)
        by_mean, by_log_std = by_output.chunk(2, 1)
        precision = torch.exp(-2 * log_std)
        if self._slope is None:
            away = self._actions - mean
            scaled = away * precision
            square = away.mul_(scaled)
            log_prob = -0.5 * torch.add(square, log_std, alpha=2).sum(1, keepdim=True) - self._constant
            ratio = torch.exp(((log_prob - self._acted) * self._mask).clamp_(max=self._limit))
            half = torch.sigmoid(2 * (ratio - 1))
            change = 4 * half * (1 - half) * ratio * self._values  # h'(ratio) ratio Q, by the log-density
            torch.mul(scaled, change, out=by_mean)
            torch.mul(square.sub_(1), change, out=by_log_std)
        if self._kind == 1:
            away, pull = mean - self._mean, precision.mul_(self._weight)
            by_mean.addcmul_(pull, away, value=-1)
            by_log_std.addcmul_(pull, away.square_().add_(self._variance)).sub_(self._weight)
        elif self._kind == 2:
            pull = self._weight / self._variance
            by_mean.addcmul_(pull, mean - self._mean, value=-1)
            by_log_std.addcdiv_(pull, precision, value=-1).add_(self._weight)
        if float(raw.min()) < MINIMUM_LOG_STD:
            by_log_std *= raw >= MINIMUM_LOG_STD
        return by_output
