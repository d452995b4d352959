"""The hypergradient through a one-time adaptation, by the implicit function theorem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.curvature.hessian_products import HessianProduct
from algorithms.estimators.advantages import discounted_sums
from algorithms.meta_learning.gradient_adaptation import StepData
from algorithms.one_time_adaptation.adaptation import OneTimeAdaptation, bounded, finite_ratio, inner_product
from algorithms.one_time_adaptation.distances import Centre, squared_distance
from algorithms.optimisation.conjugate_gradient import solve
from algorithms.policies.parameters import Parameters, from_task_vectors, task_vectors

Hessian = Literal["bounded", "printed", "distance"]


@dataclass(frozen=True)
class ImplicitGradient:
    """Products with the transposed Jacobian d theta' / d phi of a `OneTimeAdaptation`.

    With L the lower level's objective, d theta' / d phi = (-d2L/dtheta2)^-1 d2L/dphi dtheta at theta': Proposition 2
    and Equation (8) of Xu and Zhu 2024 (whose d2L is divided by -lambda), Equation (10) if `first_order`.
    hessian, what d2L/dtheta2 is taken of: "bounded", of what was solved, Equation (7) with its h; "printed", as in
    (8), without h; "distance", of -lambda D^2 alone.
    value_derivative: keep d Q^phi / d phi, which (8) omits; visitation_derivative: keep that of the states' and
    actions' distribution under phi, which Proposition 2 drops too (`discount` is Q's).
    """

    adaptation: OneTimeAdaptation
    hessian: Hessian = "bounded"
    iterations: int = 10
    damping: float = 0.0
    value_derivative: bool = False
    visitation_derivative: bool = False
    discount: float = 1.0

    def pull_back(
        self, gradient: Parameters, solution: Parameters, start: Parameters, step: StepData
    ) -> tuple[Parameters, torch.Tensor]:
        """Each task's gradient in theta' [task, ...] as one in phi [task, ...].

        solution: theta', start: phi, each [task, ...].  Also, bool [task]: where the Hessian did not curve as it must.
        """
        start = {name: value.detach().contiguous().requires_grad_() for name, value in start.items()}
        hessian = self.hessian_product(solution, start, step)

        def product(vectors: torch.Tensor) -> torch.Tensor:
            return task_vectors(hessian(from_task_vectors(vectors, solution))) + self.damping * vectors

        found = solve(product, task_vectors({name: gradient[name] for name in solution}), self.iterations)
        solved = from_task_vectors(found.vectors, solution)
        image = hessian.mixed({name: -value for name, value in solved.items()}, start)
        if self.value_derivative or self.visitation_derivative:
            further = self.through_data(solved, start if self.adaptation.first_order else solution, start, step)
            image = {name: value + further[name] for name, value in image.items()}
        return image, found.negative_curvature

    def hessian_product(self, solution: Parameters, start: Parameters, step: StepData) -> HessianProduct:
        """Products with -d2L/dtheta2 at theta', from a graph that `start`, requiring gradients, is part of."""
        lower = self.adaptation
        with torch.enable_grad():
            centre = Centre.of(lower.network, start, step.batch)
            slope = lower.slope(start, step, differentiable=True) if lower.first_order else None

        def negated(parameters: Parameters) -> torch.Tensor:
            policy = lower.network.distribution(parameters, step.batch.observations)
            penalty = lower.regularisation * squared_distance(lower.kind, centre, parameters, policy, step.batch.mask)
            if slope is not None:
                return penalty - inner_product(slope, parameters)
            if self.hessian == "distance":
                return penalty
            return penalty - lower.gain(policy, step, keep_bound=self.hessian == "bounded")

        return HessianProduct(negated, solution)

    def through_data(self, vector: Parameters, point: Parameters, start: Parameters, step: StepData) -> Parameters:
        """What the moving data add to `mixed`: score-function estimates from the same trajectories.

        With c_t = vector . d h(ratio_t) / d theta, the derivative of Q_t by phi is estimated by
        sum_{t' > t} discount^(t'-t) A_t' d log pi_phi(a_t'), that of the distribution of (s_t, a_t) by
        sum_{t' < t} d log pi_phi(a_t') (the present action's own is what the ratio cancels).
        """
        lower, batch = self.adaptation, step.batch
        mask, values = batch.mask, step.advantages
        change = self._ratio_derivative(vector, point, step) * mask
        weight = torch.zeros_like(change)
        if self.value_derivative:
            earlier = discounted_sums(change.flip(-1), self.discount).flip(-1) - change
            weight = weight + values * earlier
        if self.visitation_derivative:
            gained = change * values
            weight = weight + discounted_sums(gained, 1.0) - gained
        leaves = {name: value.detach().requires_grad_() for name, value in start.items()}
        with torch.enable_grad():
            scores = lower.network.distribution(leaves, batch.observations).log_prob(batch.actions)
            total = ((scores * weight * mask).sum((1, 2)) / mask.sum((1, 2))).sum()
        return dict(zip(leaves, torch.autograd.grad(total, list(leaves.values())), strict=True))

    def _ratio_derivative(self, vector: Parameters, point: Parameters, step: StepData) -> torch.Tensor:
        """vector . d h(ratio) / d theta (of the bare ratio if `first_order`), [task, trajectory, time].

        The forward derivative, as the derivative of the backward pass by its own input.
        """
        lower = self.adaptation
        leaves = {name: value.detach().requires_grad_() for name, value in point.items()}
        with torch.enable_grad():
            ratio = finite_ratio(lower.network.distribution(leaves, step.batch.observations), step.batch)
            value = ratio if lower.first_order else bounded(ratio)
            probe = torch.zeros_like(value, requires_grad=True)
            backward = torch.autograd.grad(value, list(leaves.values()), probe, create_graph=True)
        (change,) = torch.autograd.grad(backward, probe, [vector[name] for name in leaves])
        return change
