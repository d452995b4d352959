"""One-time policy adaptation: many optimisation steps on one batch, BO-MRL's lower level with a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.curvature.hessian_products import HessianProduct
from algorithms.estimators.advantages import discounted_sums, masked_mean
from algorithms.estimators.surrogates import ratio_objective
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.one_time_adaptation.distances import Centre, Distance, squared_distance
from algorithms.one_time_adaptation.gaussian_gradient import GaussianGradient
from algorithms.optimisation.adam import Adam
from algorithms.optimisation.conjugate_gradient import solve
from algorithms.policies.gaussian_mlp import GaussianMLP
from algorithms.policies.networks import PolicyNetwork
from algorithms.policies.parameters import Parameters, from_task_vectors, task_vectors
from algorithms.search_space import COUNT, NOT_NEGATIVE, POSITIVE, SOLVED, LogRange, searched, unsearched
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch

#: a ratio's logarithm is cut here, where h has long saturated: beyond it a derivative would be 0 times infinity
LARGEST_LOG_RATIO = 20.0


def bounded(ratio: torch.Tensor) -> torch.Tensor:
    """h(x) = 2 / (1 + exp(-2 (x - 1))): 1 with slope 1 at x = 1, and at most 2."""
    return 2 * torch.sigmoid(2 * (ratio - 1))


def finite_ratio(policy: Distribution, trajectories: TrajectoryBatch) -> torch.Tensor:
    """pi(a|s) / pi_acted(a|s), [task, trajectory, time]; 1 under the mask."""
    log_ratio = policy.log_prob(trajectories.actions) - trajectories.log_probabilities
    return torch.exp((log_ratio * trajectories.mask).clamp(max=LARGEST_LOG_RATIO))


@dataclass(frozen=True)
class OneTimeConfig:
    """One adaptation and its derivative; the defaults are the paper's where it prints them.

    Tables, which are solved and differentiated exactly, use `regularisation` and the derivatives of the data alone.
    """

    # lambda; on the robots Alg(3)'s is not printed
    regularisation: float = searched(0.5, LogRange(0.02, 2.0), tabular=LogRange(0.01, 1.0), domain=POSITIVE)
    adam_steps: int = unsearched(50, SOLVED, domain=COUNT)
    adam_step_size: float = unsearched(2e-3, SOLVED)  # not printed
    first_order: bool = False  # Appendix G: the gain linearised at phi; with bo-mrl-3 Appendix H's policy gradient
    # what d2L/dtheta2 is taken of: the objective that was solved, Equation (7) with its h; as (8) prints it, without h;
    # -lambda D^2 alone
    hessian: Literal["bounded", "printed", "distance"] = "bounded"
    hypergradient_iterations: int = unsearched(
        10, "numerics of the hypergradient", domain=COUNT
    )  # of conjugate gradient
    hypergradient_damping: float = unsearched(0.0, "numerics of the hypergradient", domain=NOT_NEGATIVE)
    value_derivative: bool | None = None  # keep dQ/dphi; none: on tables, as Propositions 1 and 2; (8) omits it
    visitation_derivative: bool = False  # and the visitation's, which Proposition 2 drops; both: Appendix H's MAML


@dataclass(frozen=True)
class OneTimeAdaptation:
    """argmax over theta of mean(h(pi_theta / pi_acted) Q) - lambda D^2(pi_phi, pi_theta), by Adam from phi.

    Equation (7) of Xu and Zhu 2024 (its "argmin" is a slip), for all tasks at once.  The data, with the densities of
    the policy that acted, stay as they are when phi moves, so that phi enters by the distance alone; at the phi that
    acted this is (7).  With `first_order` the first term is replaced by its linearisation at phi, Equation (9).

    The solution theta' is differentiated by the implicit function theorem: with L the objective,
    d theta' / d phi = (-d2L/dtheta2)^-1 d2L/dphi dtheta at theta'; Proposition 2 and Equation (8), whose d2L is divided
    by -lambda, or Equation (10) with `first_order`.

    discount: of Q, for its derivative.
    """

    network: PolicyNetwork
    distance: Distance
    config: OneTimeConfig
    discount: float

    def solve(self, start: Parameters, batch: AdaptationBatch) -> Parameters:
        """theta' [task, ...] after the Adam steps from phi, `start`."""
        start = {name: value.detach() for name, value in start.items()}
        with torch.no_grad():
            centre = Centre.of(self.network, start, batch.trajectories)
        slope = self.slope(start, batch) if self.config.first_order else None
        ascent = self.ascent(centre, batch, slope)
        vectors = {"all": task_vectors(start)}
        optimiser = Adam(vectors, self.config.adam_step_size)
        for _ in range(self.config.adam_steps):
            gradient = ascent(from_task_vectors(vectors["all"], start))
            vectors = optimiser.ascend(vectors, {"all": task_vectors({name: gradient[name] for name in start})})
        return from_task_vectors(vectors["all"], start)

    def outer_objective(self, parameters: Parameters, batch: AdaptationBatch) -> torch.Tensor:
        """mean(ratio A) on the adapted policies' own data, [task]."""
        policy = self.network.distribution(parameters, batch.trajectories.observations)
        return ratio_objective(policy, batch.trajectories, batch.advantages)

    def vjp(
        self, cotangent: Parameters, solution: Parameters, start: Parameters, batch: AdaptationBatch
    ) -> tuple[Parameters, torch.Tensor]:
        """The product of a cotangent of theta' with d theta' / d phi, [task, ...].

        solution: theta', start: phi, each [task, ...].  Also returns, bool [task], where conjugate gradient met a
        direction along which -d2L/dtheta2 has negative curvature.
        """
        config = self.config
        start = {name: value.detach().contiguous().requires_grad_() for name, value in start.items()}
        hessian = self.hessian(solution, start, batch)

        def product(vectors: torch.Tensor) -> torch.Tensor:
            image = task_vectors(hessian(from_task_vectors(vectors, solution)))
            return image + config.hypergradient_damping * vectors

        target = task_vectors({name: cotangent[name] for name in solution})
        found = solve(product, target, config.hypergradient_iterations)
        solved = from_task_vectors(found.vectors, solution)
        image = hessian.mixed({name: -value for name, value in solved.items()}, start)
        if config.value_derivative or config.visitation_derivative:
            further = self._through_data(solved, start if config.first_order else solution, start, batch)
            image = {name: value + further[name] for name, value in image.items()}
        return image, found.negative_curvature

    def ascent(
        self, centre: Centre, batch: AdaptationBatch, slope: Parameters | None
    ) -> Callable[[Parameters], Parameters]:
        """The objective's gradient as a function of the parameters [task, ...]."""
        if isinstance(self.network, GaussianMLP) and self.network.activation == "tanh":
            return GaussianGradient(
                self.network, self.distance, self.config.regularisation, centre, batch, LARGEST_LOG_RATIO, slope
            )

        def gradient(parameters: Parameters) -> Parameters:
            leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
            with torch.enable_grad():
                total = self.objective(leaves, centre, batch, slope).sum()
            return dict(zip(leaves, torch.autograd.grad(total, list(leaves.values())), strict=True))

        return gradient

    def objective(
        self, parameters: Parameters, centre: Centre, batch: AdaptationBatch, slope: Parameters | None = None
    ) -> torch.Tensor:
        """The objective L of `solve`, to be maximised, [task]; slope: of the linearised gain, for `first_order`."""
        policy = self.network.distribution(parameters, batch.trajectories.observations)
        if slope is None:
            gain = self.gain(policy, batch)
        else:
            moves = {name: value - centre.parameters[name] for name, value in parameters.items()}
            gain = inner_product(slope, moves)
        return gain - self.penalty(parameters, policy, centre, batch)

    def gain(self, policy: Distribution, batch: AdaptationBatch, keep_bound: bool = True) -> torch.Tensor:
        """mean(h(ratio) Q), or without h, [task]."""
        ratio = finite_ratio(policy, batch.trajectories)
        return masked_mean((bounded(ratio) if keep_bound else ratio) * batch.advantages, batch.trajectories.mask)

    def penalty(
        self, parameters: Parameters, policy: Distribution, centre: Centre, batch: AdaptationBatch
    ) -> torch.Tensor:
        """lambda D^2, [task]."""
        mask = batch.trajectories.mask
        return self.config.regularisation * squared_distance(self.distance, centre, parameters, policy, mask)

    def slope(self, parameters: Parameters, batch: AdaptationBatch, differentiable: bool = False) -> Parameters:
        """G of Equation (9): the gradient of mean(ratio Q), whose ratio is 1 where h has value and slope 1."""
        if not differentiable:
            parameters = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        with torch.enable_grad():
            policy = self.network.distribution(parameters, batch.trajectories.observations)
            total = self.gain(policy, batch, keep_bound=False).sum()
            gradients = torch.autograd.grad(total, list(parameters.values()), create_graph=differentiable)
        return dict(zip(parameters, gradients, strict=True))

    def hessian(self, solution: Parameters, start: Parameters, batch: AdaptationBatch) -> HessianProduct:
        """Products with -d2L/dtheta2 at theta', from a graph that `start`, requiring gradients, is part of."""
        with torch.enable_grad():
            centre = Centre.of(self.network, start, batch.trajectories)
            slope = self.slope(start, batch, differentiable=True) if self.config.first_order else None

        def negated(parameters: Parameters) -> torch.Tensor:
            policy = self.network.distribution(parameters, batch.trajectories.observations)
            penalty = self.penalty(parameters, policy, centre, batch)
            if slope is not None:
                return penalty - inner_product(slope, parameters)
            if self.config.hessian == "distance":
                return penalty
            return penalty - self.gain(policy, batch, keep_bound=self.config.hessian == "bounded")

        return HessianProduct(negated, solution)

    def _through_data(
        self, vector: Parameters, point: Parameters, start: Parameters, batch: AdaptationBatch
    ) -> Parameters:
        """The moving data's part of d2L/dphi dtheta: score-function estimates from the same trajectories.

        With c_t = vector . d h(ratio_t) / d theta, the derivative of Q_t by phi is estimated by
        sum_{t' > t} discount^(t'-t) A_t' d log pi_phi(a_t'), that of the distribution of (s_t, a_t) by
        sum_{t' < t} d log pi_phi(a_t') (the present action's own is what the ratio cancels).
        """
        trajectories = batch.trajectories
        mask, values = trajectories.mask, batch.advantages
        change = self._ratio_derivative(vector, point, batch) * mask
        weight = torch.zeros_like(change)
        if self.config.value_derivative:
            earlier = discounted_sums(change.flip(-1), self.discount).flip(-1) - change
            weight = weight + values * earlier
        if self.config.visitation_derivative:
            gained = change * values
            weight = weight + discounted_sums(gained, 1.0) - gained
        leaves = {name: value.detach().requires_grad_() for name, value in start.items()}
        with torch.enable_grad():
            scores = self.network.distribution(leaves, trajectories.observations).log_prob(trajectories.actions)
            total = ((scores * weight * mask).sum((1, 2)) / mask.sum((1, 2))).sum()
        return dict(zip(leaves, torch.autograd.grad(total, list(leaves.values())), strict=True))

    def _ratio_derivative(self, vector: Parameters, point: Parameters, batch: AdaptationBatch) -> torch.Tensor:
        """vector . d h(ratio) / d theta (of the bare ratio with `first_order`), [task, trajectory, time].

        The forward derivative, as the derivative of the backward pass by its own input.
        """
        leaves = {name: value.detach().requires_grad_() for name, value in point.items()}
        with torch.enable_grad():
            ratio = finite_ratio(self.network.distribution(leaves, batch.trajectories.observations), batch.trajectories)
            value = ratio if self.config.first_order else bounded(ratio)
            probe = torch.zeros_like(value, requires_grad=True)
            backward = torch.autograd.grad(value, list(leaves.values()), probe, create_graph=True)
        (change,) = torch.autograd.grad(backward, probe, [vector[name] for name in leaves])
        return change


def inner_product(first: Parameters, second: Parameters) -> torch.Tensor:
    """Over all of a task's parameters, [task]."""
    return torch.stack([(value * second[name]).flatten(1).sum(1) for name, value in first.items()]).sum(0)
