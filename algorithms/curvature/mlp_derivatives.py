"""First and second derivatives of an `MLP` network's policies by its parameters, written out.

Equal to automatic differentiation (a test holds it to that) in less time: without this file a meta-iteration of
MAML-TRPO, LVC-TRPO and E-MAML-TRPO on half-cheetah (20 x 20 x 100) took 7, 10 and 12 % longer; one of BO-MRL
(20 x 20 x 200) between 8 % shorter and 19 % longer in five pairs on a busy machine, 3 % in the median.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from algorithms.policies.networks import MLP
from algorithms.policies.parameters import Parameters
from environments.policy import Distribution

#: the leaf that is a network's output
OUTPUT = "output"


class MLPOutputs:
    """An MLP's output, and the parameters that its distribution has beside it, as the leaves.

    Arrays are [task, feature, step].  With a_l the activations and u_l the cotangents of layer l's sums (Pearlmutter
    1994): a pass forward along a vector gives each a_l's derivative; one backward gives u_l, or along the vector of the
    last forward pass its derivative.  Each product of two factors and its derivative are one multiplication with the
    factors side by side.
    """

    def __init__(self, network: MLP, parameters: Parameters, observations: torch.Tensor) -> None:
        self._last, self._names = len(network.sizes) - 2, list(parameters)
        self._lead = observations.shape[:-1]
        dtype = parameters["weight0"].dtype
        self._weights = [parameters[f"weight{layer}"].detach() for layer in range(self._last + 1)]
        biases = [parameters[f"bias{layer}"].detach().unsqueeze(2) for layer in range(self._last + 1)]
        inputs = observations.reshape(self._lead[0], -1, network.sizes[0]).to(dtype).transpose(1, 2).contiguous()
        # below each hidden layer's activations their derivative along a vector; the inputs have none
        self._activations, self._slopes = [inputs], [inputs]
        below = inputs
        for layer, size in enumerate(network.sizes[1:-1]):
            both = inputs.new_zeros(len(inputs), 2 * size, inputs.shape[-1])
            values = both[:, :size]
            torch.baddbmm(biases[layer], self._weights[layer].transpose(1, 2), below, out=values)
            values.tanh_()
            self._activations.append(both)
            self._slopes.append(1 - values.square())
            below = values
        output = torch.baddbmm(biases[-1], self._weights[-1].transpose(1, 2), below)
        beside = {name: value for name, value in parameters.items() if not name.startswith(("weight", "bias"))}
        self.leaves = {
            name: value.detach().contiguous().requires_grad_()
            for name, value in {OUTPUT: self._steps_first(output), **beside}.items()
        }
        with torch.enable_grad():
            self.distribution = network.policy(self.leaves[OUTPUT], self.leaves)

    def tangent(self, vector: Parameters) -> Parameters:
        for layer, both in enumerate(self._activations):
            change = vector[f"weight{layer}"]
            factor = torch.cat([change, self._weights[layer]], 1) if layer else change
            sums = torch.baddbmm(vector[f"bias{layer}"].unsqueeze(2), factor.transpose(1, 2), both)
            if layer < self._last:
                torch.mul(sums, self._slopes[layer + 1], out=self._derivative(layer + 1))
        return {OUTPUT: self._steps_first(sums)} | {name: vector[name] for name in self.leaves if name != OUTPUT}

    def transposed(self, cotangent: Parameters) -> Parameters:
        upper = self._features_first(cotangent[OUTPUT])
        image: Parameters = {}
        for layer in range(self._last, -1, -1):
            image[f"weight{layer}"] = torch.bmm(self._values(layer), upper.transpose(1, 2))
            image[f"bias{layer}"] = upper.sum(2)
            if layer:
                upper = torch.bmm(self._weights[layer], upper).mul_(self._slopes[layer])
        return self._named(image, cotangent)

    def hold(self, cotangent: Parameters) -> Parameters:
        """`transposed`, of which `turned` will give the derivative."""
        upper = self._features_first(cotangent[OUTPUT])
        self._cotangents: list[torch.Tensor] = []  # of the last layer first, their derivatives below them
        self._bends: list[torch.Tensor] = []
        image: Parameters = {}
        for layer in range(self._last, -1, -1):
            image[f"weight{layer}"] = torch.bmm(self._values(layer), upper.transpose(1, 2))
            image[f"bias{layer}"] = upper.sum(2)
            self._cotangents.insert(0, torch.cat([upper, torch.zeros_like(upper)], 1))
            if layer:
                upper = torch.bmm(self._weights[layer], upper)
                self._bends.insert(0, -2 * upper * self._values(layer))
                upper = upper * self._slopes[layer]
        return self._named(image, cotangent)

    def turned(self, cotangent: Parameters, vector: Parameters) -> Parameters:
        """The derivative of what `hold` gave along the vector that `tangent` was called with last.

        cotangent: the derivative along the vector of what `hold` was given.
        """
        image: Parameters = {}
        derivative = self._features_first(cotangent[OUTPUT])
        for layer in range(self._last, -1, -1):
            both = self._cotangents[layer]
            size = both.shape[1] // 2
            upper, its = both[:, :size], both[:, size:]
            if layer == self._last:
                its.copy_(derivative)
            moved = torch.bmm(self._values(layer), its.transpose(1, 2))
            if layer:
                moved.baddbmm_(self._derivative(layer), upper.transpose(1, 2))
            image[f"weight{layer}"], image[f"bias{layer}"] = moved, its.sum(2)
            if layer:
                change = vector[f"weight{layer}"]
                sums = torch.bmm(torch.cat([change, self._weights[layer]], 2), both)
                below = self._cotangents[layer - 1]
                its = below[:, below.shape[1] // 2 :]
                torch.mul(sums, self._slopes[layer], out=its)
                its.addcmul_(self._bends[layer - 1], self._derivative(layer))
        return self._named(image, cotangent)

    def _named(self, image: Parameters, cotangent: Parameters) -> Parameters:
        """In the parameters' order: of the layers, and as they are of what the distribution has beside them."""
        return {name: image[name] if name in image else cotangent[name] for name in self._names}

    def _values(self, layer: int) -> torch.Tensor:
        both = self._activations[layer]
        return both[:, : both.shape[1] // 2] if layer else both

    def _derivative(self, layer: int) -> torch.Tensor:
        both = self._activations[layer]
        return both[:, both.shape[1] // 2 :]

    def _steps_first(self, value: torch.Tensor) -> torch.Tensor:
        """[task, feature, step] -> [task, ..., feature]."""
        return value.transpose(1, 2).reshape(*self._lead, value.shape[1])

    def _features_first(self, value: torch.Tensor) -> torch.Tensor:
        return value.reshape(len(value), -1, value.shape[-1]).transpose(1, 2).contiguous()


class MLPHessian:
    """`HessianProduct` for an objective of an MLP's policies, distribution -> [task]."""

    def __init__(
        self,
        network: MLP,
        objective: Callable[[Distribution], torch.Tensor],
        parameters: Parameters,
        observations: torch.Tensor,
    ) -> None:
        self._outputs = MLPOutputs(network, parameters, observations)
        leaves = self._outputs.leaves
        with torch.enable_grad():
            values = objective(self._outputs.distribution)
            slopes = torch.autograd.grad(values.sum(), list(leaves.values()), create_graph=True)
        self._slopes = dict(zip(leaves, slopes, strict=True))
        self.value = values.detach()
        self.gradient = self._outputs.hold({name: slope.detach() for name, slope in self._slopes.items()})

    def __call__(self, vector: Parameters, of: Iterable[str] | None = None) -> Parameters:
        """H v [task, ...]; names that `of` lacks are left out of the result."""
        tangent = self._outputs.tangent(vector)
        leaves = list(self._outputs.leaves.values())
        turned = torch.autograd.grad(
            list(self._slopes.values()),
            leaves,
            [tangent[name] for name in self._slopes],
            retain_graph=True,
            materialize_grads=True,
        )
        image = self._outputs.turned(dict(zip(self._outputs.leaves, turned, strict=True)), vector)
        return image if of is None else {name: image[name] for name in of}
