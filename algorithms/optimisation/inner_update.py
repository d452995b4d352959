"""The inner update of every task at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch

from algorithms.policies.parameters import Parameters

#: before a parameter's name: the name of its step sizes, where they are parameters too
OF_STEP = "step size of "

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


def with_step_sizes(parameters: Parameters, moved: Iterable[str], start: float) -> Parameters:
    """The parameters, and for each that is moved its own step sizes, one for every scalar."""
    return {**parameters, **{OF_STEP + name: torch.full_like(parameters[name], start) for name in moved}}


def without_step_sizes(parameters: Parameters) -> Parameters:
    """Those of a network."""
    return {name: value for name, value in parameters.items() if not name.startswith(OF_STEP)}


def step_sizes(parameters: Parameters) -> Parameters:
    """Those that stand among the parameters, by the names of what they move."""
    return {name.removeprefix(OF_STEP): value for name, value in parameters.items() if name.startswith(OF_STEP)}
