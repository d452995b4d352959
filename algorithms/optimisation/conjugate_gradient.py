"""Conjugate gradient for symmetric positive definite systems given by their product alone."""

from __future__ import annotations

from collections.abc import Callable

import torch


def conjugate_gradient(
    product: Callable[[torch.Tensor], torch.Tensor], target: torch.Tensor, iterations: int, tolerance: float = 1e-10
) -> torch.Tensor:
    """An approximate solution x of A x = target after at most `iterations` products (Shewchuk 1994, B2).

    product: vector [n] -> A vector [n].  Stops early once the squared residual is below `tolerance`.
    """
    solution = torch.zeros_like(target)
    residual = target.clone()
    direction = residual.clone()
    energy = residual.dot(residual)
    for _ in range(iterations):
        if energy < tolerance:
            break
        image = product(direction)
        step = energy / direction.dot(image)
        solution += step * direction
        residual -= step * image
        fresh = residual.dot(residual)
        direction = residual + fresh / energy * direction
        energy = fresh
    return solution
