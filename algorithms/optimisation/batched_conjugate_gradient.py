"""Conjugate gradient on every task's own system at once, stopped where a matrix proves not positive definite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Solution:
    """Per task: the vector [task, n], |b - A x| / |b| [task], whether negative curvature ended the search [task]."""

    vectors: torch.Tensor
    residuals: torch.Tensor
    truncated: torch.Tensor


def solve_per_task(
    product: Callable[[torch.Tensor], torch.Tensor], target: torch.Tensor, iterations: int, tolerance: float = 1e-6
) -> Solution:
    """Approximate solutions of A_i x_i = b_i after at most `iterations` products with all A_i together.

    product: [task, n] -> [task, n], row i times A_i, symmetric.  target: [task, n].  Every scalar of the iteration is a
    task's own, so that the solutions are those of separate runs.  A task is done once its residual is below
    `tolerance` times its target.  Where a direction d has d^T A d <= 0 the system's quadratic has no minimum: that
    task keeps the point reached before (Steihaug 1983), in the first iteration the target itself.
    """
    solution, residual, direction = torch.zeros_like(target), target.clone(), target.clone()
    energy = _dot(residual, residual)
    first = energy.clone()
    active = energy > 0
    truncated = torch.zeros_like(active)
    for iteration in range(iterations):
        if not active.any():
            break
        image = product(direction)
        curvature = _dot(direction, image)
        indefinite = active & ~(curvature > 0)
        truncated |= indefinite
        if iteration == 0:
            solution = torch.where(indefinite.unsqueeze(1), target, solution)
            residual = torch.where(indefinite.unsqueeze(1), target - image, residual)
        active = active & ~indefinite
        length = torch.where(active, energy / torch.where(active, curvature, 1.0), 0.0).unsqueeze(1)
        solution = solution + length * direction
        residual = residual - length * image
        fresh = _dot(residual, residual)
        grown = torch.where(active, fresh / torch.where(active, energy, 1.0), 0.0).unsqueeze(1)
        direction = residual + grown * direction
        energy = fresh
        active = active & (energy > tolerance**2 * first)
    scale = torch.where(first > 0, first, 1.0)
    return Solution(solution, (_dot(residual, residual) / scale).sqrt(), truncated)


def _dot(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one * other).sum(1)
