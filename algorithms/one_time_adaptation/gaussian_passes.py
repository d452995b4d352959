"""Forward, backward and tangent passes of one batch through a `GaussianHeads` network, written out.

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


class HeadsTangents(HeadsPasses):
    """The passes at fixed parameters [task, ...], any number of them, with derivatives along a vector [task, ...].

    Pearlmutter 1994's R-operator: `tangent` is that of the forward pass, `backward_tangent` that of the backward pass.
    lender: of no fewer tasks, for sharing what no call keeps for a later one, so that it stays in the cache.
    """

    def __init__(
        self,
        network: GaussianHeads,
        observations: torch.Tensor,
        parameters: Parameters,
        lender: HeadsTangents | None = None,
    ) -> None:
        super().__init__(network, observations, parameters["weight0"].dtype)
        parameters = {name: value.detach().contiguous() for name, value in parameters.items()}
        self.output = self.forward(parameters)
        if lender is None:
            self._tangents = [torch.empty_like(value) for value in self._back]
        else:
            tasks = len(observations)
            self._back = [value[:tasks] for value in lender._back]
            self._tangents = [value[:tasks] for value in lender._tangents]

    def tangent(self, vector: Parameters) -> torch.Tensor:
        """The output's derivative along the vector, [task, 2 * dimensions, step]."""
        for layer, below in enumerate(self._activations):
            bias, weight = vector[f"bias{layer}"].unsqueeze(2), vector[f"weight{layer}"].transpose(1, 2)
            if layer < self._last:
                moved = torch.bmm(weight, below, out=self._tangents[layer]).add_(bias)
            else:
                moved = torch.baddbmm(bias, weight, below)
            if layer:
                moved.baddbmm_(self._weights[layer].transpose(1, 2), self._tangents[layer - 1])
            if layer < self._last:
                times_slope(moved, self._activations[layer + 1])
        return moved

    def keep_backward(self, upper: torch.Tensor) -> None:
        """The backward pass of the output's gradient whose tangent `backward_tangent` gives."""
        self._uppers, self._bends = [upper], list[torch.Tensor]()
        for layer in range(self._last, 0, -1):
            back = torch.bmm(self._weights[layer], self._uppers[0])
            activation = self._activations[layer]
            self._bends.insert(0, -2 * activation * back)  # tanh'' = -2 tanh tanh'
            self._uppers.insert(0, times_slope(back, activation))

    def backward_tangent(self, vector: Parameters, upper: torch.Tensor) -> Parameters:
        """The derivative of the kept gradient along the vector; upper: that of the output's gradient.

        The vector is the one that `tangent` was last called with.
        """
        image: Parameters = {}
        for layer in range(self._last, -1, -1):
            weight = torch.bmm(self._activations[layer], upper.transpose(1, 2))
            image[f"bias{layer}"] = upper.sum(2)
            if layer:
                tangent, kept = self._tangents[layer - 1], self._uppers[layer]
                weight.baddbmm_(tangent, kept.transpose(1, 2))
                upper = torch.bmm(self._weights[layer], upper, out=self._back[layer - 1])
                times_slope(upper.baddbmm_(vector[f"weight{layer}"], kept), self._activations[layer])
                upper.addcmul_(self._bends[layer - 1], tangent)
            image[f"weight{layer}"] = weight
        return image
