"""Curvature of the KL divergence between policies of which adaptation moves some parameters alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from algorithms.curvature.adapted_curvature import AdaptedCurvature, TaskFunction
from algorithms.curvature.hessian_products import HessianProduct
from algorithms.policies.parameters import Parameters
from environments.policy import Distribution


class PartialCurvature(AdaptedCurvature):
    """`AdaptedCurvature` with a step size per parameter, 0 for those that it does not name.

    An inner update is p + D grad J(p) with D the diagonal of step sizes, so J_k = I + D H_k and its transpose is
    I + H_k D: unlike with a single step size, J_k is not symmetric.  Of H_k only the rows of adapted parameters are
    computed on the way forward, and only their columns on the way back.

    inner: each inner update's objective, parameters [task, ...] -> [task].
    step_sizes: for each adapted parameter a number or a tensor broadcast against one task's.
    start: parameters [task, ...], adapted ones included.
    policy: parameters [task, ...] -> distributions [task, trajectory, time].  mask: [task, trajectory, time].
    """

    def __init__(
        self,
        inner: Sequence[TaskFunction],
        step_sizes: Mapping[str, float | torch.Tensor],
        start: Parameters,
        policy: Callable[[Parameters], Distribution],
        mask: torch.Tensor,
    ) -> None:
        self._sizes = step_sizes
        self._hessians: list[HessianProduct] = []
        point = start
        for objective in inner:
            hessian = HessianProduct(objective, point)
            self._hessians.append(hessian)
            point = {
                **point,
                **{name: point[name] + size * hessian.gradient[name] for name, size in step_sizes.items()},
            }
        super().__init__([], 0.0, point, policy, mask)
        self._zero = {name: torch.zeros_like(value) for name, value in point.items()}

    def product(self, vector: Parameters) -> Parameters:
        """[...] -> [...], summed over tasks; the meta-parameters are the names in `vector`, the others start fixed."""
        expanded = {name: value.expand(self._fisher.tasks, *value.shape) for name, value in vector.items()}
        image = {**self._zero, **expanded}
        for hessian in self._hessians:
            moved = hessian(image, of=self._sizes)
            image = {**image, **{name: image[name] + size * moved[name] for name, size in self._sizes.items()}}
        image = self._fisher(image)
        for hessian in reversed(self._hessians):
            moved = hessian({name: size * image[name] for name, size in self._sizes.items()})
            image = {name: value + moved[name] for name, value in image.items()}
        return {name: image[name].sum(0) for name in vector}
