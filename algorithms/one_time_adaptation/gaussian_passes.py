"""Forward and backward passes of one batch through a `GaussianHeads` network, written out.

No graph is built, and large arrays are reused from call to call.  They are [task, feature, step], so that a network's
outputs and sums over action dimensions are contiguous.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from algorithms.policies.gaussian_mlp import GaussianHeads
from algorithms.policies.parameters import Parameters


def columns(value: torch.Tensor, features: int, dtype: torch.dtype) -> torch.Tensor:
    """[task, trajectory, time, ...] -> [task, feature, step]."""
    return value.reshape(len(value), -1, features).to(dtype).transpose(1, 2).contiguous()


class HeadsPasses:
    """A forward pass at parameters [task, ...], then any number of backward passes."""

    def __init__(self, network: GaussianHeads, observations: torch.Tensor, dtype: torch.dtype) -> None:
        inputs = columns(observations, network.sizes[0], dtype)
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
