"""The gradient of a one-time adaptation's objective in a `GaussianHeads` network, written out.

Equal to automatic differentiation (a test holds it to that) at half its time: no graph, and large arrays are reused.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch

from algorithms.distributions import LOG_TWO_PI
from algorithms.gaussian_heads import GaussianHeads
from algorithms.gradient_adaptation import StepData
from algorithms.networks import MINIMUM_LOG_STD, Parameters
from algorithms.policy_distances import Centre, Kind

#: rows at a time: what a layer keeps of them stays in the processor's cache
ROWS = 4000


class GaussianHeadsGradient:
    """Calls give the gradient of mean(h(ratio) Q) - regularisation D_kind^2 at parameters [task, ...].

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
        batch = step.batch
        tasks, dimensions = len(batch.mask), network.sizes[-1]
        kept = centre.parameters["weight0"].dtype
        self._kind, self._regularisation, self._slope, self._limit = kind, regularisation, slope, largest_log_ratio
        self._start = centre.parameters
        self._layers = len(network.sizes) - 1
        mask = batch.mask.flatten(1).unsqueeze(-1).to(kept)
        share = mask / mask.sum(1, keepdim=True)
        outputs = {name: value.flatten(1, -2) for name, value in centre.policy.parameters.items()}
        columns = (
            batch.observations.reshape(tasks, -1, network.sizes[0]).to(kept),
            batch.actions.reshape(tasks, -1, dimensions).to(kept),
            batch.log_probabilities.flatten(1).unsqueeze(-1).to(kept),
            mask,
            step.advantages.flatten(1).unsqueeze(-1).to(kept) * share,
            regularisation * share,
            outputs["mean"],
            torch.exp(-2 * outputs["log_std"]),
        )
        self._blocks = [
            _Block(*(column.contiguous() for column in part))
            for part in zip(*(column.split(ROWS, dim=1) for column in columns), strict=True)
        ]
        rows = self._blocks[0].inputs.shape[1]
        self._hidden = [torch.empty(tasks, rows, size, dtype=kept) for size in network.sizes[1:-1]]
        self._back = [torch.empty_like(value) for value in self._hidden]

    def __call__(self, parameters: Parameters) -> Parameters:
        gradient = {name: torch.zeros_like(value) for name, value in parameters.items()}
        for block in self._blocks:
            self._add(gradient, parameters, block)
        return {name: self._completed(name, gradient[name], value) for name, value in parameters.items()}

    def _add(self, gradient: Parameters, parameters: Parameters, block: _Block) -> None:
        rows = block.inputs.shape[1]
        layers = [block.inputs, *(hidden[:, :rows] for hidden in self._hidden)]
        for layer, (below, hidden) in enumerate(pairwise(layers)):
            torch.bmm(below, parameters[f"weight{layer}"], out=hidden)
            hidden.add_(parameters[f"bias{layer}"].unsqueeze(1)).tanh_()
        last = self._layers - 1
        output = torch.baddbmm(parameters[f"bias{last}"].unsqueeze(1), layers[-1], parameters[f"weight{last}"])
        upper = self._by_output(output, block)
        for layer in range(last, -1, -1):
            gradient[f"weight{layer}"].baddbmm_(layers[layer].transpose(1, 2), upper)
            gradient[f"bias{layer}"] += upper.sum(1)
            if layer:
                back = self._back[layer - 1][:, :rows]
                torch.bmm(upper, parameters[f"weight{layer}"].transpose(1, 2), out=back)
                upper = back.addcmul_(back, layers[layer].square_(), value=-1)  # tanh' = 1 - tanh^2

    def _completed(self, name: str, gradient: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """With what does not pass through the network's output."""
        if self._slope is not None:
            gradient = gradient + self._slope[name]
        if self._kind == 3:
            gradient = gradient - 2 * self._regularisation * (value - self._start[name])
        return gradient

    def _by_output(self, output: torch.Tensor, block: _Block) -> torch.Tensor:
        """The derivative by the network's output, [task, row, 2 * dimensions]."""
        mean, raw = (part.contiguous() for part in output.chunk(2, -1))
        log_std = raw.clamp(min=MINIMUM_LOG_STD)
        std = log_std.exp()
        by_mean, by_log_std = torch.zeros_like(mean), torch.zeros_like(mean)
        if self._slope is None:
            scaled = (block.actions - mean) / std
            square = scaled.square()
            constant = 0.5 * LOG_TWO_PI * mean.shape[-1]
            log_prob = (-0.5 * square - log_std).sum(-1, keepdim=True) - constant
            ratio = torch.exp(((log_prob - block.acted) * block.mask).clamp_(max=self._limit))
            half = torch.sigmoid(2 * (ratio - 1))
            change = 4 * half * (1 - half) * ratio * block.values  # h'(ratio) ratio Q, by the log-density
            by_mean = change * scaled / std
            by_log_std = change * (square - 1)
        if self._kind == 1:
            away, variance = mean - block.mean, std.square()
            by_mean -= block.weight * away / variance
            by_log_std -= block.weight * (1 - (1 / block.precision + away.square()) / variance)
        elif self._kind == 2:
            by_mean -= block.weight * (mean - block.mean) * block.precision
            by_log_std -= block.weight * (std.square() * block.precision - 1)
        by_log_std *= raw >= MINIMUM_LOG_STD
        return torch.cat([by_mean, by_log_std], -1)


class _Block(NamedTuple):
    """A few rows (steps) of every task, [task, row, ...]."""

    inputs: torch.Tensor
    actions: torch.Tensor
    acted: torch.Tensor  # log-probabilities under the policy that acted
    mask: torch.Tensor
    values: torch.Tensor  # Q over the task's valid steps
    weight: torch.Tensor  # the regularisation over them
    mean: torch.Tensor  # of the centre
    precision: torch.Tensor
