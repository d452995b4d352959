"""The gradient of a one-time adaptation's objective in a `GaussianMLP` network, written out.

Equal to automatic differentiation (a test holds it to that) in half its time, which an adaptation's 50 steps of Adam
spend here.  Second derivatives, of which it takes ten products, are left to automatic differentiation.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.one_time_adaptation.distances import Centre, Distance
from algorithms.policies.distributions import LOG_TWO_PI
from algorithms.policies.gaussian_mlp import GaussianMLP
from algorithms.policies.networks import MINIMUM_LOG_STD
from algorithms.policies.parameters import Parameters


class GaussianGradient:
    """Calls give the gradient of mean(h(ratio) Q) - regularisation D^2 at parameters [task, ...].

    Arrays are [task, feature, step], as `BatchedPasses` has them.
    slope: the gain's own gradient where it is linear (the first-order variant); it then needs no ratios.
    """

    def __init__(
        self,
        network: GaussianMLP,
        distance: Distance,
        regularisation: float,
        centre: Centre,
        batch: AdaptationBatch,
        largest_log_ratio: float,
        slope: Parameters | None = None,
    ) -> None:
        trajectories, dtype = batch.trajectories, centre.parameters["weight0"].dtype
        self._distance, self._regularisation, self._slope, self._limit = (
            distance,
            regularisation,
            slope,
            largest_log_ratio,
        )
        self._start = centre.parameters
        self._passes = BatchedPasses(network, trajectories.observations, dtype)
        actions = network.sizes[-1]
        self._actions = features_first(trajectories.actions, actions, dtype)
        self._acted = features_first(trajectories.log_probabilities, 1, dtype)
        self._mask = features_first(trajectories.mask, 1, dtype)
        share = self._mask / self._mask.sum(-1, keepdim=True)
        self._values = features_first(batch.advantages, 1, dtype) * share
        self._weight = regularisation * share
        self._mean = features_first(centre.policy.parameters["mean"], actions, dtype)
        self._variance = torch.exp(2 * features_first(centre.policy.parameters["log_std"], actions, dtype))
        self._constant = 0.5 * LOG_TWO_PI * actions

    def __call__(self, parameters: Parameters) -> Parameters:
        gradient = self._passes.backward(self._by_output(self._passes.forward(parameters)))
        return {name: self._completed(name, gradient[name], value) for name, value in parameters.items()}

    def _completed(self, name: str, gradient: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Adds the terms that do not pass through the network's output."""
        if self._slope is not None:
            gradient = gradient + self._slope[name]
        if self._distance == "euclidean":
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
        if self._distance == "kl":
            away, pull = mean - self._mean, precision.mul_(self._weight)
            by_mean.addcmul_(pull, away, value=-1)
            by_log_std.addcmul_(pull, away.square_().add_(self._variance)).sub_(self._weight)
        elif self._distance == "reverse_kl":
            pull = self._weight / self._variance
            by_mean.addcmul_(pull, mean - self._mean, value=-1)
            by_log_std.addcdiv_(pull, precision, value=-1).add_(self._weight)
        if float(raw.min()) < MINIMUM_LOG_STD:
            by_log_std *= raw >= MINIMUM_LOG_STD
        return by_output


def features_first(value: torch.Tensor, features: int, dtype: torch.dtype) -> torch.Tensor:
    """[task, trajectory, time, ...] -> [task, feature, step]."""
    return value.reshape(len(value), -1, features).to(dtype).transpose(1, 2).contiguous()


class BatchedPasses:
    """A forward pass at parameters [task, ...], then any number of backward passes, written out.

    No graph is built, and large arrays are reused from call to call.  They are [task, feature, step], so that the
    network's outputs and sums over action dimensions are contiguous.
    """

    def __init__(self, network: GaussianMLP, observations: torch.Tensor, dtype: torch.dtype) -> None:
        inputs = features_first(observations, network.sizes[0], dtype)
        self._last = len(network.sizes) - 2
        shapes = [(len(inputs), size, inputs.shape[-1]) for size in network.sizes[1:-1]]
        self._activations = [inputs, *(torch.empty(shape, dtype=dtype) for shape in shapes)]
        self._back = [torch.empty(shape, dtype=dtype) for shape in shapes]

    def forward(self, parameters: Parameters) -> torch.Tensor:
        """The network's output: means, then log-stds before their clamp, [task, 2 * dimensions, step]."""
        self._weights = [parameters[f"weight{layer}"] for layer in range(self._last + 1)]
        for layer, (below, hidden) in enumerate(pairwise(self._activations)):
            torch.bmm(self._weights[layer].transpose(1, 2), below, out=hidden)
            hidden.add_(parameters[f"bias{layer}"].unsqueeze(2)).tanh_()
        bias = parameters[f"bias{self._last}"].unsqueeze(2)
        return torch.baddbmm(bias, self._weights[-1].transpose(1, 2), self._activations[-1])

    def backward(self, upper: torch.Tensor) -> Parameters:
        """The parameters' gradient, of the output's [task, 2 * dimensions, step]."""
        gradient: Parameters = {}
        for layer in range(self._last, -1, -1):
            gradient[f"weight{layer}"] = torch.bmm(self._activations[layer], upper.transpose(1, 2))
            gradient[f"bias{layer}"] = upper.sum(2)
            if layer:
                upper = torch.bmm(self._weights[layer], upper, out=self._back[layer - 1])
                times_slope(upper, self._activations[layer])
        return gradient


def times_slope(value: torch.Tensor, activation: torch.Tensor) -> torch.Tensor:
    """value * tanh', of tanh's own output, in place."""
    return torch.ops.aten.tanh_backward.grad_input(value, activation, grad_input=value)
