"""Adam on a dictionary of parameters, with a state that is plain tensors."""

from __future__ import annotations

from typing import Any

import torch

from algorithms.policies.parameters import Parameters


class Adam:
    """Gradient ascent by Adam (Kingma & Ba 2015, Algorithm 1) with its default decay rates.

    Not torch.optim's: constructing one imports the compiler, seconds in every run's process.  A test holds this
    against it step by step.
    """

    DECAY = (0.9, 0.999)
    EPSILON = 1e-8

    def __init__(self, parameters: Parameters, step_size: float) -> None:
        self.step_size = step_size
        self._steps = 0
        self._mean = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self._square = {name: torch.zeros_like(value) for name, value in parameters.items()}

    def ascend(self, parameters: Parameters, gradient: Parameters) -> Parameters:
        """The parameters after one step; the arguments are left as they are."""
        self._steps += 1
        first, second = self.DECAY
        corrections = 1 - first**self._steps, (1 - second**self._steps) ** 0.5
        updated = {}
        for name, slope in gradient.items():
            self._mean[name] = torch.lerp(self._mean[name], slope, 1 - first)
            self._square[name] = self._square[name] * second + (1 - second) * slope * slope
            scale = self._square[name].sqrt() / corrections[1] + self.EPSILON
            updated[name] = parameters[name] + self.step_size / corrections[0] * self._mean[name] / scale
        return updated

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self._steps, "mean": dict(self._mean), "square": dict(self._square)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._steps = state["steps"]
        self._mean, self._square = dict(state["mean"]), dict(state["square"])
