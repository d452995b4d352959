"""Curvature of the KL divergence between solutions of proximal problems, seen from their centre."""

from __future__ import annotations

from collections.abc import Callable

import torch

from algorithms.curvature.adapted_curvature import AdaptedCurvature, TaskFunction
from algorithms.curvature.hessian_products import HessianProduct
from algorithms.policies.parameters import Parameters
from environments.policy import Distribution


class ImplicitCurvature(AdaptedCurvature):
    """`AdaptedCurvature` where task i's adapted parameters solve a proximal problem about the meta-parameters.

    Their Jacobian (I - H_i / weight)^-1, H_i the Hessian of J_i at the solution, is taken by the first terms of its
    Neumann series, I + H_i / weight + (H_i / weight)^2 + ...: conjugate gradient within each product would cost more
    and is no linear map unless it runs to its end.  With one term the Jacobian is MAML's, at the solution.

    objective: J, parameters [task, ...] -> [task].  solution: parameters [task, ...].  terms: beyond the identity.
    policy: parameters [task, ...] -> distributions [task, trajectory, time].  mask: [task, trajectory, time].
    """

    def __init__(
        self,
        objective: TaskFunction,
        solution: Parameters,
        weight: float,
        terms: int,
        policy: Callable[[Parameters], Distribution],
        mask: torch.Tensor,
    ) -> None:
        super().__init__([], 0.0, solution, policy, mask)
        self._hessian = HessianProduct(objective, solution)
        self._weight, self._terms = weight, terms

    def product(self, vector: Parameters) -> Parameters:
        """[...] -> [...], summed over tasks."""
        expanded = {name: value.expand(self._fisher.tasks, *value.shape) for name, value in vector.items()}
        image = self._jacobian(self._fisher(self._jacobian(expanded)))
        return {name: value.sum(0) for name, value in image.items()}

    def _jacobian(self, vector: Parameters) -> Parameters:
        """Symmetric, so that it is its own transpose."""
        total, term = vector, vector
        for _ in range(self._terms):
            moved = self._hessian(term)
            term = {name: value / self._weight for name, value in moved.items()}
            total = {name: value + term[name] for name, value in total.items()}
        return total
