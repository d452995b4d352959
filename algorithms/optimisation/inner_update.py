"""The inner update of every task at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from algorithms.policies.parameters import Parameters

StepSize = float | Mapping[str, float | torch.Tensor]


def inner_update(
    objective: Callable[[Parameters], torch.Tensor],
    parameters: Parameters,
    step_size: StepSize,
    differentiable: bool,
) -> Parameters:
    """One gradient ascent step on each task's own objective: theta + alpha * grad J(theta).

    Equation (7) of Rothfuss et al. 2019, differentiable to second order if asked for.
    objective: parameters [task, ...] -> [task], where a task's value depends on its own row alone.
    step_size: a float, or per parameter a tensor broadcast against one task's (0 leaves a parameter as it is).
    Returns parameters of the same shapes.
    """
    if not differentiable:
        parameters = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    with torch.enable_grad():
        total = objective(parameters).sum()
        gradients = torch.autograd.grad(total, list(parameters.values()), create_graph=differentiable)
    updated = {}
    for (name, value), gradient in zip(parameters.items(), gradients, strict=True):
        size = step_size if isinstance(step_size, float) else step_size[name]
        updated[name] = value + size * gradient if differentiable else (value + size * gradient).detach()
    return updated
