"""The gradient of a one-time adaptation's objective in a `GaussianHeads` network, written out.

Equal to automatic differentiation (a test holds it to that) at half its time: no graph, and large arrays are reused.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from algorithms.distributions import LOG_TWO_PI
from algorithms.gaussian_heads import GaussianHeads
from algorithms.gradient_adaptation import StepData
from algorithms.networks import MINIMUM_LOG_STD, Parameters
from algorithms.policy_distances import Centre, Kind


class GaussianHeadsGradient:
    """Calls give the gradient of mean(h(ratio) Q) - regularisation D_kind^2 at parameters [task, ...].

    Arrays are [task, feature, step], so that a network's outputs and sums over action dimensions are contiguous.
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
        batch, tasks = step.batch, len(step.batch.mask)
        kept = centre.parameters["weight0"].dtype

        def columns(value: torch.Tensor, features: int = 1) -> torch.Tensor:
            return value.reshape(tasks, -1, features).to(kept).transpose(1, 2).contiguous()

        self._kind, self._regularisation, self._slope, self._limit = kind, regularisation, slope, largest_log_ratio
        self._start = centre.parameters
        self._last = len(network.sizes) - 2
        actions = network.sizes[-1]
        self._actions = columns(batch.actions, actions)
        self._acted = columns(batch.log_probabilities)
        self._mask = columns(batch.mask)
        share = self._mask / self._mask.sum(-1, keepdim=True)
        self._values = columns(step.advantages) * share
        self._weight = regularisation * share
        self._mean = columns(centre.policy.parameters["mean"], actions)
        self._precision = torch.exp(-2 * columns(centre.policy.parameters["log_std"], actions))
        inputs = columns(batch.observations, network.sizes[0])
        rows = inputs.shape[-1]
        hidden = [torch.empty(tasks, size, rows, dtype=kept) for size in network.sizes[1:-1]]
        self._activations = [inputs, *hidden]
        self._back = [torch.empty_like(value) for value in hidden]

    def __call__(self, parameters: Parameters) -> Parameters:
        for layer, (below, hidden) in enumerate(pairwise(self._activations)):
            torch.bmm(parameters[f"weight{layer}"].transpose(1, 2), below, out=hidden)
            hidden.add_(parameters[f"bias{layer}"].unsqueeze(2)).tanh_()
        weight, bias = parameters[f"weight{self._last}"], parameters[f"bias{self._last}"]
        upper = self._by_output(torch.baddbmm(bias.unsqueeze(2), weight.transpose(1, 2), self._activations[-1]))
        gradient: Parameters = {}
        for layer in range(self._last, -1, -1):
            below = self._activations[layer]
            gradient[f"weight{layer}"] = torch.bmm(below, upper.transpose(1, 2))
            gradient[f"bias{layer}"] = upper.sum(2)
            if layer:
                back = torch.bmm(parameters[f"weight{layer}"], upper, out=self._back[layer - 1])
                upper = back.addcmul_(back, below.square_(), value=-1)  # tanh' = 1 - tanh^2
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
        std = log_std.exp()
        by_output = torch.zeros_like(output)
        by_mean, by_log_std = by_output.chunk(2, 1)
        if self._slope is None:
            scaled = (self._actions - mean) / std
            square = scaled.square()
            constant = 0.5 * LOG_TWO_PI * mean.shape[1]
            log_prob = (-0.5 * square - log_std).sum(1, keepdim=True) - constant
            ratio = torch.exp(((log_prob - self._acted) * self._mask).clamp_(max=self._limit))
            half = torch.sigmoid(2 * (ratio - 1))
            change = 4 * half * (1 - half) * ratio * self._values  # h'(ratio) ratio Q, by the log-density
            by_mean += change * scaled / std
            by_log_std += change * (square - 1)
        if self._kind == 1:
            away, variance = mean - self._mean, std.square()
            by_mean -= self._weight * away / variance
            by_log_std -= self._weight * (1 - (1 / self._precision + away.square()) / variance)
        elif self._kind == 2:
            by_mean -= self._weight * (mean - self._mean) * self._precision
            by_log_std -= self._weight * (std.square() * self._precision - 1)
        by_log_std *= raw >= MINIMUM_LOG_STD
        return by_output
