"""One-time policy adaptation: many optimisation steps on one batch, BO-MRL's lower level with a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from algorithms.estimators.advantages import masked_mean
from algorithms.meta_learning.gradient_adaptation import StepData
from algorithms.one_time_adaptation.distances import Centre, Kind, squared_distance
from algorithms.one_time_adaptation.gaussian_gradient import GaussianHeadsGradient
from algorithms.optimisation.adam import Adam
from algorithms.policies.gaussian_mlp import GaussianHeads
from algorithms.policies.networks import PolicyNetwork
from algorithms.policies.parameters import Parameters, from_task_vectors, task_vectors
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch

#: a ratio's logarithm is cut here, where h has long saturated: beyond it a derivative would be 0 times infinity
LARGEST_LOG_RATIO = 20.0


def bounded(ratio: torch.Tensor) -> torch.Tensor:
    """h(x) = 2 / (1 + exp(-2 (x - 1))): 1 with slope 1 at x = 1, and at most 2."""
    return 2 * torch.sigmoid(2 * (ratio - 1))


def finite_ratio(policy: Distribution, batch: TrajectoryBatch) -> torch.Tensor:
    """pi(a|s) / pi_acted(a|s), [task, trajectory, time]; 1 under the mask."""
    return torch.exp(
        ((policy.log_prob(batch.actions) - batch.log_probabilities) * batch.mask).clamp(max=LARGEST_LOG_RATIO)
    )


@dataclass(frozen=True)
class OneTimeAdaptation:
    """argmax over theta of mean(h(pi_theta / pi_acted) Q) - lambda D_i^2(pi_phi, pi_theta), by Adam from phi.

    Equation (7) of Xu and Zhu 2024 (its "argmin" is a slip), for all tasks at once.  The data, with the densities of
    the policy that acted, stay as they are when phi moves, so that phi enters by the distance alone; at the phi that
    acted this is (7).  first_order: the first term is replaced by its linearisation at phi, Equation (9).
    """

    network: PolicyNetwork
    kind: Kind
    regularisation: float  # lambda
    adam_steps: int
    adam_step_size: float
    first_order: bool = False

    def solve(self, start: Parameters, step: StepData) -> Parameters:
        """Parameters [task, ...] after the Adam steps."""
        start = {name: value.detach() for name, value in start.items()}
        with torch.no_grad():
            centre = Centre.of(self.network, start, step.batch)
        slope = self.slope(start, step) if self.first_order else None
        ascent = self.ascent(centre, step, slope)
        vectors = {"all": task_vectors(start)}
        optimizer = Adam(vectors, self.adam_step_size)
        for _ in range(self.adam_steps):
            gradient = ascent(from_task_vectors(vectors["all"], start))
            vectors = optimizer.ascend(vectors, {"all": task_vectors({name: gradient[name] for name in start})})
        return from_task_vectors(vectors["all"], start)

    def ascent(self, centre: Centre, step: StepData, slope: Parameters | None) -> Callable[[Parameters], Parameters]:
        """The objective's gradient as a function of the parameters [task, ...]."""
        if isinstance(self.network, GaussianHeads):
            network = self.network
            return GaussianHeadsGradient(
                network, self.kind, self.regularisation, centre, step, LARGEST_LOG_RATIO, slope
            )

        def gradient(parameters: Parameters) -> Parameters:
            leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
            with torch.enable_grad():
                total = self.objective(leaves, centre, step, slope).sum()
            return dict(zip(leaves, torch.autograd.grad(total, list(leaves.values())), strict=True))

        return gradient

    def objective(
        self, parameters: Parameters, centre: Centre, step: StepData, slope: Parameters | None = None
    ) -> torch.Tensor:
        """What `solve` ascends, [task]; slope: the linearisation's gradient, for `first_order`."""
        policy = self.network.distribution(parameters, step.batch.observations)
        if slope is None:
            gain = self.gain(policy, step)
        else:
            moves = {name: value - centre.parameters[name] for name, value in parameters.items()}
            gain = inner_product(slope, moves)
        return gain - self.regularisation * squared_distance(self.kind, centre, parameters, policy, step.batch.mask)

    def gain(self, policy: Distribution, step: StepData, keep_bound: bool = True) -> torch.Tensor:
        """mean(h(ratio) Q), or without h, [task]."""
        ratio = finite_ratio(policy, step.batch)
        return masked_mean((bounded(ratio) if keep_bound else ratio) * step.advantages, step.batch.mask)

    def slope(self, parameters: Parameters, step: StepData, differentiable: bool = False) -> Parameters:
        """G of Equation (9): the gradient of mean(ratio Q), whose ratio is 1 where h has value and slope 1."""
        if not differentiable:
            parameters = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        with torch.enable_grad():
            policy = self.network.distribution(parameters, step.batch.observations)
            total = self.gain(policy, step, keep_bound=False).sum()
            gradients = torch.autograd.grad(total, list(parameters.values()), create_graph=differentiable)
        return dict(zip(parameters, gradients, strict=True))


def inner_product(first: Parameters, second: Parameters) -> torch.Tensor:
    """Over all of a task's parameters, [task]."""
    return torch.stack([(value * second[name]).flatten(1).sum(1) for name, value in first.items()]).sum(0)
