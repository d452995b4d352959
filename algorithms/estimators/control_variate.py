"""A meta-learned value network: adapted to each task by one gradient step, trained for what it predicts after that."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from algorithms.optimisation.adam import Adam
from algorithms.optimisation.inner_update import inner_update
from algorithms.optimisation.task_chunks import added, each_chunk, scaled
from algorithms.policies.parameters import Parameters, stacked


class MetaControlVariate:
    """b(s_t, T_i) of TMAML (Liu, Socher and Xiong 2019), tanh layers over an observation and its time.

    The supplement gives step sizes (Table 1), not the loss: here half the mean squared error against the sum of rewards
    from t on, which is what b stands beside in the Hessian.  Each half of a task's trajectories is predicted by the
    parameters adapted on the other half, so that b(s_t) never knows a_t or what followed: without that the control
    variate would bias what it steadies.  The meta-parameters ascend by Adam what this leaves unexplained, through the
    adaptation.

    observations: float [task, trajectory, time, *shape], or integers where `states` says how many there are.
    targets and masks: [task, trajectory, time].
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        horizon: int,
        states: int | None,
        inner_step_size: float,
        step_size: float,
        generator: torch.Generator,
    ) -> None:
        self._sizes = ((inputs if states is None else states) + 1, *hidden, 1)
        self._horizon, self._states, self._inner_step_size = horizon, states, inner_step_size
        self.parameters: Parameters = {}
        for layer, (fan_in, fan_out) in enumerate(zip(self._sizes, self._sizes[1:], strict=False)):
            uniform = torch.rand(fan_in, fan_out, generator=generator)
            self.parameters[f"weight{layer}"] = (2 * uniform - 1) * math.sqrt(6 / (fan_in + fan_out))
            self.parameters[f"bias{layer}"] = torch.zeros(fan_out)
        self._optimiser = Adam(self.parameters, step_size)

    def predict(self, observations: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """b(s_t), each half of the trajectories by the other's adaptation, [task, trajectory, time]."""
        inputs = self._inputs(observations)
        start = stacked(self.parameters, len(inputs))
        values = self._crossed(start, inputs, targets.to(inputs.dtype), mask, differentiable=False)
        return values.detach().to(targets.dtype)

    def train(self, observations: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor, chunk: int) -> float:
        """One step of the meta-parameters, a few tasks at a time; the mean squared error before it."""
        leaves = {name: value.detach().requires_grad_() for name, value in self.parameters.items()}

        def part(tasks: slice) -> tuple[Parameters, float]:
            inputs, wanted = self._inputs(observations[tasks]), targets[tasks].to(torch.float32)
            start = stacked(leaves, len(inputs))
            values = self._crossed(start, inputs, wanted, mask[tasks], differentiable=True)
            loss = _half_squared_error(values, wanted, mask[tasks]).sum()
            slopes = torch.autograd.grad(loss, list(leaves.values()))
            return dict(zip(leaves, slopes, strict=True)), float(loss.detach())

        slopes, losses = zip(*each_chunk(part, len(mask), chunk), strict=True)
        self.parameters = self._optimiser.ascend(self.parameters, scaled(added(slopes), -1 / len(mask)))
        return 2 * sum(losses) / len(mask)

    def state_dict(self) -> dict[str, Any]:
        parameters = {name: value.clone() for name, value in self.parameters.items()}
        return {"parameters": parameters, "optimizer": self._optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.parameters = {name: value.clone() for name, value in state["parameters"].items()}
        self._optimiser.load_state_dict(state["optimizer"])

    def _crossed(
        self, start: Parameters, inputs: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor, differentiable: bool
    ) -> torch.Tensor:
        """A task of one trajectory has no other half: its prediction is the meta-parameters' own."""
        half = (torch.arange(mask.shape[1]) % 2)[:, None]
        values = torch.zeros_like(targets)
        for own in (0, 1):
            loss = self._loss(inputs, targets, mask * (half != own))
            adapted = inner_update(loss, start, self._inner_step_size, differentiable)
            values = values + self._values(adapted, inputs) * (half == own)
        return values

    def _loss(
        self, inputs: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor
    ) -> Callable[[Parameters], torch.Tensor]:
        """To be ascended: parameters [task, ...] -> [task]."""
        return lambda parameters: -_half_squared_error(self._values(parameters, inputs), targets, weight)

    def _inputs(self, observations: torch.Tensor) -> torch.Tensor:
        """float32 [task, trajectory, time, inputs]: the observation and the share of the horizon that has passed."""
        if self._states is not None:
            vectors = torch.nn.functional.one_hot(observations, self._states).float()
        else:
            vectors = observations.float().flatten(3).clamp(-10, 10)
        passed = (torch.arange(vectors.shape[2]) / self._horizon).expand(vectors.shape[:3])
        return torch.cat([vectors, passed.unsqueeze(-1)], dim=-1)

    def _values(self, parameters: Parameters, inputs: torch.Tensor) -> torch.Tensor:
        hidden = inputs.flatten(1, 2)
        for layer in range(len(self._sizes) - 1):
            if layer > 0:
                hidden = torch.tanh(hidden)
            hidden = torch.baddbmm(parameters[f"bias{layer}"].unsqueeze(1), hidden, parameters[f"weight{layer}"])
        return hidden.reshape(inputs.shape[:3])


def _half_squared_error(values: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean over the steps of weight 1, [task]; 0 where there are none."""
    return 0.5 * ((values - targets).square() * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1)
