"""Conjugate gradient on every task's own system at once."""

from __future__ import annotations

from collections.abc import Callable

import torch

from algorithms.networks import Parameters


def solve_tasks(
    product: Callable[[Parameters], Parameters], target: Parameters, iterations: int, tolerance: float = 1e-10
) -> tuple[Parameters, torch.Tensor]:
    """Approximate solutions x_i of A_i x_i = b_i after at most `iterations` products (Shewchuk 1994, B2).

    product: tensors [task, ...] -> [task, ...], a symmetric matrix of each task's own.  A task stops alone: once its
    squared residual is below `tolerance` of its target's, or, as in Steihaug 1983, at the first direction along
    which its matrix does not curve upward; where that is the very first, its solution is the target itself, A_i = I.
    Returns the solutions and, bool [task], whether upward curvature failed.
    """
    solution = {name: torch.zeros_like(value) for name, value in target.items()}
    residual = {name: value.clone() for name, value in target.items()}
    direction = residual
    energy = _dot(residual, residual)
    enough = tolerance * energy
    running = energy > 0
    bent = torch.zeros_like(running)
    for iteration in range(iterations):
        image = product(direction)
        curvature = _dot(direction, image)
        bending = running & ~(curvature > 0)
        if iteration == 0:
            solution = _select(bending, target, solution)
        bent |= bending
        running = running & ~bending
        if not running.any():
            break
        step = torch.where(running, energy / curvature, 0.0)
        solution = _add(solution, step, direction)
        residual = _add(residual, -step, image)
        fresh = _dot(residual, residual)
        running = running & (fresh > enough)
        direction = _add(residual, torch.where(running, fresh / energy, 0.0), direction)
        energy = fresh
    return solution, bent


def _dot(first: Parameters, second: Parameters) -> torch.Tensor:
    return torch.stack([(value * second[name]).flatten(1).sum(1) for name, value in first.items()]).sum(0)


def _add(base: Parameters, factor: torch.Tensor, other: Parameters) -> Parameters:
    return {name: value + _like(factor, value) * other[name] for name, value in base.items()}


def _select(chosen: torch.Tensor, yes: Parameters, no: Parameters) -> Parameters:
    return {name: torch.where(_like(chosen, value), value, no[name]) for name, value in yes.items()}


def _like(factor: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return factor.reshape(-1, *[1] * (value.dim() - 1))
