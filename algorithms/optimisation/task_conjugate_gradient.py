"""Conjugate gradient on every task's own system at once."""

from __future__ import annotations

from collections.abc import Callable

import torch

from algorithms.policies.parameters import Parameters, from_task_vectors, task_vectors


def solve_tasks(
    product: Callable[[Parameters], Parameters], target: Parameters, iterations: int, tolerance: float = 1e-10
) -> tuple[Parameters, torch.Tensor]:
    """Approximate solutions x_i of A_i x_i = b_i after at most `iterations` products (Shewchuk 1994, B2).

    product: tensors [task, ...] -> [task, ...], a symmetric matrix of each task's own.  A task stops alone: once its
    squared residual is below `tolerance` of its target's, or, as in Steihaug 1983, at the first direction along
    which its matrix does not curve upward; where that is the very first, its solution is the target itself, A_i = I.
    Returns the solutions and, bool [task], whether upward curvature failed.
    """
    start = task_vectors(target)
    solution, residual, direction = torch.zeros_like(start), start, start
    energy = _dot(residual, residual)
    enough = tolerance * energy
    running = energy > 0
    bent = torch.zeros_like(running)
    for iteration in range(iterations):
        image = product(from_task_vectors(direction, target))
        curved = task_vectors({name: image[name] for name in target})
        curvature = _dot(direction, curved)
        bending = running & ~(curvature > 0)
        if iteration == 0:
            solution = torch.where(bending, start, solution)
        bent |= bending
        running = running & ~bending
        if not running.any():
            break
        step = torch.where(running, energy / curvature, 0.0)
        solution = torch.addcmul(solution, step, direction)
        residual = torch.addcmul(residual, step, curved, value=-1)
        fresh = _dot(residual, residual)
        running = running & (fresh > enough)
        direction = torch.addcmul(residual, torch.where(running, fresh / energy, 0.0), direction)
        energy = fresh
    return from_task_vectors(solution, target), bent.squeeze(1)


def _dot(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """[task, 1]."""
    return (first * second).sum(1, keepdim=True)
