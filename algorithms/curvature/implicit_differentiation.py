"""The derivative of a proximal problem's solution by the implicit function theorem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from algorithms.curvature.hessian_products import Hessian, HessianProduct
from algorithms.optimisation.conjugate_gradient import Solution, solve
from algorithms.policies.parameters import Parameters, from_task_vectors, task_vectors


def proximal_vjp(
    hessian: Hessian,
    slope: Parameters,
    weight: float,
    iterations: int,
    damping: float = 0.0,
) -> Solution:
    """(I - grad^2 J(psi) / weight)^-1 slope for every task: the slope at the solution psi, seen from the centre.

    With psi = argmax of J(psi) - weight / 2 * |psi - centre|^2, grad J(psi) = weight * (psi - centre), hence
    d psi / d centre = (I - grad^2 J / weight)^-1 (Rajeswaran et al. 2019, Lemma 1; their + is for a minimisation, and
    XMRL-G's Lemma 4 prints it for a maximisation too).  At a strict maximum the matrix is positive definite; away from
    one it may not be, and `solve` then stops at the last direction of positive curvature, at the latest with
    the first-order gradient, `slope` itself.

    hessian: of J at the solution.  slope: [task, ...].  damping: added to the matrix's diagonal.
    Returns vectors [task, parameter] in the order of `slope`, with residuals of the damped system.
    """

    def product(vectors: torch.Tensor) -> torch.Tensor:
        image = task_vectors(hessian(from_task_vectors(vectors, slope), of=slope))
        return (1 + damping) * vectors - image / weight

    return solve(product, task_vectors(slope), iterations)


def through_proximal_solution(
    objective: Callable[[Parameters], torch.Tensor],
    centre: Parameters,
    solution: Parameters,
    weight: float,
    iterations: int,
    damping: float = 0.0,
) -> Parameters:
    """The solution's values, differentiable once in the centre by `proximal_vjp`, whatever solver found them.

    centre, solution: parameters [task, ...], of which the centre may require gradients.
    """
    fixed = {name: value.detach() for name, value in solution.items()}

    def vjp(cotangents: torch.Tensor) -> torch.Tensor:
        slope = from_task_vectors(cotangents, fixed)
        return proximal_vjp(HessianProduct(objective, fixed), slope, weight, iterations, damping).vectors

    return from_task_vectors(_AsSolution.apply(task_vectors(centre), task_vectors(fixed), vjp), fixed)


class _AsSolution(torch.autograd.Function):
    """The solution going forward, a given vector-Jacobian product to the centre going backward."""

    @staticmethod
    def forward(
        ctx: Any, centre: torch.Tensor, solution: torch.Tensor, vjp: Callable[[torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        ctx.vjp = vjp
        return solution.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slopes: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return ctx.vjp(slopes), None, None
