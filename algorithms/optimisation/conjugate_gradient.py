"""Conjugate gradient on many symmetric systems at once, stopped where a matrix proves not positive definite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

Rows = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def summed_products(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Inner products of the rows of [system, n], [system]."""
    return (one * other).sum(1)


def blas_dots(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """`summed_products` by BLAS, which adds in another order and so rounds differently; one call a row."""
    return torch.stack([row.dot(its) for row, its in zip(one, other, strict=True)])


@dataclass(frozen=True)
class Solution:
    """Per system: the vector x [system, n], b - A x as the iteration has it [system, n], its norm over |b| [system],
    whether negative curvature ended it [system]."""

    vectors: torch.Tensor
    remainders: torch.Tensor
    residuals: torch.Tensor
    negative_curvature: torch.Tensor


def solve(
    product: Callable[[torch.Tensor], torch.Tensor],
    target: torch.Tensor,
    iterations: int,
    relative: float = 1e-6,
    absolute: float = 0.0,
    dot: Rows = summed_products,
) -> Solution:
    """Approximate solutions of A_i x_i = b_i after at most `iterations` products with all A_i together.

    Shewchuk 1994, B2, where every scalar of the iteration is a system's own: the solutions are those of separate runs.
    product: [system, n] -> [system, n], row i times A_i, symmetric.  target: [system, n]; a single system is [1, n].
    A system is done once its residual is at most `relative` times its target or at most `absolute`.  Where a direction
    d has d^T A d <= 0 the system's quadratic has no minimum: it keeps the point reached before (Steihaug 1983), in
    the first iteration the target itself.
    """
    solution, residual, direction = torch.zeros_like(target), target.clone(), target.clone()
    energy = dot(residual, residual)
    first = energy.clone()
    enough = (relative**2 * first).clamp(min=absolute**2)
    active = energy > enough
    negative = torch.zeros_like(active)
    for iteration in range(iterations):
        if not active.any():
            break
        image = product(direction)
        curvature = dot(direction, image)
        indefinite = active & ~(curvature > 0)
        negative |= indefinite
        if iteration == 0:
            solution = torch.where(indefinite.unsqueeze(1), target, solution)
            residual = torch.where(indefinite.unsqueeze(1), target - image, residual)
        active = active & ~indefinite
        length = torch.where(active, energy / torch.where(active, curvature, 1.0), 0.0).unsqueeze(1)
        solution = solution + length * direction
        residual = residual - length * image
        fresh = dot(residual, residual)
        grown = torch.where(active, fresh / torch.where(active, energy, 1.0), 0.0).unsqueeze(1)
        direction = residual + grown * direction
        energy = fresh
        active = active & (energy > enough)
    scale = torch.where(first > 0, first, 1.0)
    return Solution(solution, residual, (dot(residual, residual) / scale).sqrt(), negative)
