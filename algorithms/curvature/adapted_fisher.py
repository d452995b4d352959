"""The Fisher matrix of adapted policies, seen from the meta-parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import torch

from algorithms.curvature.hessian_products import Hessian
from algorithms.curvature.policy_maps import PolicyMap
from algorithms.optimisation.inner_update import OF_STEP, StepSize, step_sizes, without_step_sizes
from algorithms.policies.parameters import Parameters
from environments.policy import Distribution


class Jacobian(Protocol):
    """Products with the Jacobian of each task's adapted parameters by those before, [task, ...] -> [task, ...]."""

    def __call__(self, vector: Parameters) -> Parameters: ...

    def transposed(self, vector: Parameters) -> Parameters: ...


class InnerStep:
    """The Jacobian I + D H of one inner update p + D grad J(p), D the diagonal of step sizes.

    With one step size for all it is symmetric.  With one per parameter, 0 for those that are not named, it is not;
    of H only the rows of adapted parameters are then computed on the way forward, and only their columns on the way
    back.  Step sizes that stand among the parameters (`inner_update`) are kept, and move what they belong to along its
    gradient: the derivative by D is grad J(p).

    hessian: of J at the parameters before the update.  parameters: those, [task, ...].
    step_size: a number, or for each adapted parameter a number or a tensor broadcast against one task's.
    `adapted`: the parameters after the update.
    """

    def __init__(self, hessian: Hessian, parameters: Parameters, step_size: StepSize) -> None:
        self._symmetric = not isinstance(step_size, Mapping)
        self._sizes = step_size if isinstance(step_size, Mapping) else dict.fromkeys(parameters, step_size)
        self._hessian = hessian
        self._learned = [name for name in self._sizes if OF_STEP + name in parameters]
        self.adapted = self._moved(parameters, self._hessian.gradient)

    def __call__(self, vector: Parameters) -> Parameters:
        moved = self._moved(vector, self._hessian(without_step_sizes(vector), of=self._sizes))
        slopes = self._hessian.gradient
        return {**moved, **{name: moved[name] + slopes[name] * vector[OF_STEP + name] for name in self._learned}}

    def transposed(self, vector: Parameters) -> Parameters:
        if self._symmetric:
            return self(vector)
        moved = self._hessian({name: size * vector[name] for name, size in self._sizes.items()})
        image = {name: value + moved[name] for name, value in without_step_sizes(vector).items()}
        kept, slopes = step_sizes(vector), self._hessian.gradient
        return {**image, **{OF_STEP + name: slopes[name] * vector[name] + kept.get(name, 0) for name in self._learned}}

    def _moved(self, point: Parameters, direction: Parameters) -> Parameters:
        return {**point, **{name: point[name] + size * direction[name] for name, size in self._sizes.items()}}


def inner_steps(
    hessians: Sequence[Callable[[Parameters], Hessian]], start: Parameters, step_size: StepSize
) -> tuple[list[InnerStep], Parameters]:
    """The Jacobians of one inner update after the other, and the parameters [task, ...] after all of them.

    hessians: of each update's objective, at the parameters that they are called with.
    """
    steps: list[InnerStep] = []
    point = start
    for hessian in hessians:
        steps.append(InnerStep(hessian(without_step_sizes(point)), point, step_size))
        point = steps[-1].adapted
    return steps, point


class NeumannInverse:
    """The Jacobian (I - H / weight)^-1 of a proximal problem's solution by its centre, H the Hessian of J there.

    Taken by the first terms of its Neumann series, I + H / weight + (H / weight)^2 + ...: conjugate gradient within
    each product would cost more and is no linear map unless it runs to its end.  With one term it is an inner update's
    Jacobian, at the solution.

    hessian: of J at the solution.  terms: beyond the identity.
    """

    def __init__(self, hessian: Hessian, weight: float, terms: int) -> None:
        self._hessian, self._weight, self._terms = hessian, weight, terms

    def __call__(self, vector: Parameters) -> Parameters:
        total, term = vector, vector
        for _ in range(self._terms):
            moved = self._hessian(term)
            term = {name: value / self._weight for name, value in moved.items()}
            total = {name: value + term[name] for name, value in total.items()}
        return total

    def transposed(self, vector: Parameters) -> Parameters:
        return self(vector)


class AdaptedFisher:
    """Products with sum_i J_i^T Z_i^T F_i Z_i J_i: J_i is the Jacobian of task i's adapted parameters by the
    meta-parameters, Z_i that of its policy's distribution parameters by the adapted ones, and F_i the Fisher
    information of the distributions, averaged over valid steps.

    At theta_old this is the exact Hessian of sum_i KL(old_i || new_i) in the meta-parameters: what Gauss-Newton
    drops is multiplied by the divergence's gradient, which is 0 there (Martens 2014, arXiv:1412.1193).  Every graph is
    built once and kept; a product re-runs no forward pass and needs no third-order graph.  The forward derivative Z_i v
    is the derivative of the backward pass by its own input, in which it is linear.

    jacobians: of one adaptation after the other, whose product is J_i.  adapted: parameters [task, ...].
    policies: the adapted ones, distributions [task, trajectory, time].  mask: [task, trajectory, time].
    """

    def __init__(
        self, jacobians: Sequence[Jacobian], adapted: Parameters, policies: PolicyMap, mask: torch.Tensor
    ) -> None:
        self._jacobians, self._adapted, self._policies = jacobians, adapted, policies
        self._weight = (mask / mask.sum((1, 2), keepdim=True)).unsqueeze(-1)
        self._leaves = policies.leaves
        with torch.enable_grad():
            self._outputs = {
                name: value.expand(*mask.shape, value.shape[-1])
                for name, value in policies.distribution.parameters.items()
            }
            self._probes = [torch.zeros_like(value, requires_grad=True) for value in self._outputs.values()]
            self._backward = torch.autograd.grad(
                list(self._outputs.values()), list(self._leaves.values()), self._probes, create_graph=True
            )

    def __call__(self, vector: Parameters) -> Parameters:
        """[...] -> [...], summed over tasks; the meta-parameters are the names in `vector`, others start fixed."""
        image = {
            name: vector[name].expand_as(value) if name in vector else torch.zeros_like(value)
            for name, value in self._adapted.items()
        }
        for jacobian in self._jacobians:
            image = jacobian(image)
        image = self._policy_fisher(image)
        for jacobian in reversed(self._jacobians):
            image = jacobian.transposed(image)
        return {name: image[name].sum(0) for name in vector}

    def derivative(self, of: Callable[[Distribution], torch.Tensor]) -> tuple[torch.Tensor, Parameters]:
        """The values [task] of a function of the adapted policies, and their derivative by the adapted parameters
        [task, ...]."""
        with torch.enable_grad():
            values = of(self._policies.distribution)
        slopes = torch.autograd.grad(values.sum(), list(self._leaves.values()), retain_graph=True)
        return values.detach(), self._policies.transposed(dict(zip(self._leaves, slopes, strict=True)))

    def _policy_fisher(self, vector: Parameters) -> Parameters:
        """Z_i^T F_i Z_i v_i, [task, ...] -> [task, ...]."""
        moves = self._policies.tangent(vector)
        tangents = torch.autograd.grad(
            self._backward, self._probes, [moves[name] for name in self._leaves], retain_graph=True
        )
        weighted = self._policies.distribution.fisher_product(dict(zip(self._outputs, tangents, strict=True)))
        products = torch.autograd.grad(
            list(self._outputs.values()),
            list(self._leaves.values()),
            [(value * self._weight).detach() for value in weighted.values()],
            retain_graph=True,
        )
        return self._policies.transposed(dict(zip(self._leaves, products, strict=True)))
