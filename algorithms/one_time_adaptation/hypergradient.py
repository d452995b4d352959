"""The hypergradient through a one-time adaptation, by the implicit function theorem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.estimators.advantages import discounted_sums
from algorithms.meta_learning.gradient_adaptation import StepData
from algorithms.one_time_adaptation.adaptation import OneTimeAdaptation, bounded, finite_ratio, inner_product
from algorithms.one_time_adaptation.distances import Centre, squared_distance
from algorithms.one_time_adaptation.gaussian_hessian import Gain, GaussianHeadsHessian, mixed_distance_product
from algorithms.optimisation.task_conjugate_gradient import solve_tasks
from algorithms.policies.gaussian_mlp import GaussianHeads
from algorithms.policies.parameters import Parameters

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
        start = {name: value.detach().contiguous() for name, value in start.items()}
        curvature = self.curvature(solution, start, step)
        solved, bent = solve_tasks(curvature, gradient, self.iterations)
        image = self.mixed(solved, solution, start, step)
        if self.value_derivative or self.visitation_derivative:
            further = self.through_data(solved, start if self.adaptation.first_order else solution, start, step)
            image = {name: value + further[name] for name, value in image.items()}
        return image, bent

    def curvature(self, solution: Parameters, start: Parameters, step: StepData) -> Callable[[Parameters], Parameters]:
        """Products with -d2L/dtheta2 + damping, [task, ...] -> [task, ...]."""
        lower = self.adaptation
        curved = self.hessian != "distance" and not lower.first_order
        plain: Callable[[Parameters], Parameters]
        if isinstance(lower.network, GaussianHeads):
            gain: Gain | None = None
            if curved:
                gain = "bounded" if self.hessian == "bounded" else "bare"
            plain = GaussianHeadsHessian(lower.network, lower, gain, solution, start, step)
        else:
            plain = self._graph_curvature(solution, start, step, curved)
        if not self.damping:
            return plain

        def product(vector: Parameters) -> Parameters:
            image = plain(vector)
            return {name: image[name] + self.damping * value for name, value in vector.items()}

        return product

    def _graph_curvature(
        self, solution: Parameters, start: Parameters, step: StepData, curved: bool
    ) -> Callable[[Parameters], Parameters]:
        """Products with -d2L/dtheta2 for any network, from one gradient graph that is kept; curved: with the gain's."""
        lower = self.adaptation
        with torch.no_grad():
            centre = Centre.of(lower.network, start, step.batch)
        leaves = {name: value.detach().requires_grad_() for name, value in solution.items()}
        with torch.enable_grad():
            policy = lower.network.distribution(leaves, step.batch.observations)
            total = lower.regularisation * squared_distance(lower.kind, centre, leaves, policy, step.batch.mask)
            if curved:
                total = total - lower.gain(policy, step, keep_bound=self.hessian == "bounded")
            slopes = torch.autograd.grad(total.sum(), list(leaves.values()), create_graph=True)

        def product(vector: Parameters) -> Parameters:
            images = torch.autograd.grad(
                slopes, list(leaves.values()), [vector[name] for name in leaves], retain_graph=True
            )
            return dict(zip(leaves, images, strict=True))

        return product

    def mixed(self, vector: Parameters, solution: Parameters, start: Parameters, step: StepData) -> Parameters:
        """vector^T d2L/dtheta dphi with the data held, [task, ...]."""
        lower = self.adaptation
        if lower.kind == 3:
            image = {name: 2 * lower.regularisation * value for name, value in vector.items()}
        elif isinstance(lower.network, GaussianHeads):
            image = mixed_distance_product(lower.network, lower, vector, solution, start, step)
        else:
            image = self._mixed_distance(vector, solution, start, step)
        if lower.first_order:
            leaves = {name: value.detach().requires_grad_() for name, value in start.items()}
            with torch.enable_grad():
                along = inner_product(lower.slope(leaves, step, differentiable=True), vector).sum()
            further = torch.autograd.grad(along, list(leaves.values()))
            image = {name: image[name] + value for name, value in zip(leaves, further, strict=True)}
        return image

    def _mixed_distance(
        self, vector: Parameters, solution: Parameters, start: Parameters, step: StepData
    ) -> Parameters:
        lower = self.adaptation
        thetas = {name: value.detach().requires_grad_() for name, value in solution.items()}
        phis = {name: value.detach().requires_grad_() for name, value in start.items()}
        with torch.enable_grad():
            policy = lower.network.distribution(thetas, step.batch.observations)
            centre = Centre.of(lower.network, phis, step.batch)
            penalty = lower.regularisation * squared_distance(lower.kind, centre, thetas, policy, step.batch.mask)
            slopes = torch.autograd.grad(penalty.sum(), list(thetas.values()), create_graph=True)
        images = torch.autograd.grad(slopes, list(phis.values()), [-vector[name] for name in thetas])
        return dict(zip(phis, images, strict=True))

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
