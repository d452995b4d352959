"""The gradient of a one-time adaptation's objective in a `GaussianHeads` network, written out.

Equal to automatic differentiation (a test holds it to that) at half its time: no graph, and large arrays are reused.
"""

from __future__ import annotations

import torch

from algorithms.distributions import LOG_TWO_PI
from algorithms.gaussian_heads import GaussianHeads
from algorithms.gradient_adaptation import StepData
from algorithms.networks import MINIMUM_LOG_STD, Parameters
from algorithms.policy_distances import Centre, Kind


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
        self._dimensions = dimensions
        self._inputs = batch.observations.reshape(tasks, -1, network.sizes[0]).to(kept)
        self._actions = batch.actions.reshape(tasks, -1, dimensions).to(kept)
        self._acted = batch.log_probabilities.reshape(tasks, -1, 1).to(kept)
        self._mask = batch.mask.reshape(tasks, -1, 1).to(kept)
        self._share = self._mask / self._mask.sum(1, keepdim=True)
        self._values = step.advantages.reshape(tasks, -1, 1).to(kept) * self._share
        outputs = centre.policy.parameters
        self._mean = outputs["mean"].reshape(tasks, -1, dimensions)
        self._precision = torch.exp(-2 * outputs["log_std"].reshape(tasks, -1, dimensions))
        rows = self._inputs.shape[1]
        self._hidden = [torch.empty(tasks, rows, size, dtype=kept) for size in network.sizes[1:-1]]
        self._back = [torch.empty_like(value) for value in self._hidden]

    def __call__(self, parameters: Parameters) -> Parameters:
        below = self._inputs
        for layer, hidden in enumerate(self._hidden):
            torch.bmm(below, parameters[f"weight{layer}"], out=hidden)
            below = hidden.add_(parameters[f"bias{layer}"].unsqueeze(1)).tanh_()
        last = self._layers - 1
        output = torch.baddbmm(parameters[f"bias{last}"].unsqueeze(1), below, parameters[f"weight{last}"])
        upper = self._by_output(output)
        gradient: Parameters = {}
        for layer in range(last, -1, -1):
            below = self._hidden[layer - 1] if layer else self._inputs
            gradient[f"weight{layer}"] = torch.bmm(below.transpose(1, 2), upper)
            gradient[f"bias{layer}"] = upper.sum(1)
            if layer:
                back = self._back[layer - 1]
                torch.bmm(upper, parameters[f"weight{layer}"].transpose(1, 2), out=back)
                upper = back.mul_(below.square_().neg_().add_(1))  # tanh' = 1 - tanh^2; the activations are spent
        return {name: self._completed(name, gradient[name], value) for name, value in parameters.items()}

    def _completed(self, name: str, gradient: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """With what does not pass through the network's output."""
        if self._slope is not None:
            gradient = gradient + self._slope[name]
        if self._kind == 3:
            gradient = gradient - 2 * self._regularisation * (value - self._start[name])
        return gradient

    def _by_output(self, output: torch.Tensor) -> torch.Tensor:
        """The derivative by the network's output, [task, step, 2 * dimensions]."""
        mean = output[..., : self._dimensions].contiguous()
        raw = output[..., self._dimensions :].contiguous()
        log_std = raw.clamp(min=MINIMUM_LOG_STD)
        by_mean, by_log_std = torch.zeros_like(mean), torch.zeros_like(mean)
        if self._slope is None:
            scaled = (self._actions - mean) * torch.exp(-log_std)
            log_prob = -0.5 * scaled.square().sum(-1, keepdim=True) - log_std.sum(-1, keepdim=True)
            log_prob -= 0.5 * LOG_TWO_PI * self._dimensions
            ratio = torch.exp(((log_prob - self._acted) * self._mask).clamp_(max=self._limit))
            share = torch.sigmoid(2 * (ratio - 1))
            change = 4 * share * (1 - share) * ratio * self._values  # h'(ratio) ratio Q, by the log-density
            by_mean = change * scaled * torch.exp(-log_std)
            by_log_std = change * (scaled.square() - 1)
        if self._kind != 3:
            weight = self._regularisation * self._share
            away = mean - self._mean
            if self._kind == 1:
                precision = torch.exp(-2 * log_std)
                by_mean -= weight * away * precision
                by_log_std -= weight * (1 - (1 / self._precision + away.square()) * precision)
            else:
                by_mean -= weight * away * self._precision
                by_log_std -= weight * (torch.exp(2 * log_std) * self._precision - 1)
        by_log_std *= raw >= MINIMUM_LOG_STD
        return torch.cat([by_mean, by_log_std], -1)
