"""Curvature of the KL divergence between adapted policies, seen from the meta-parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from algorithms.policies.parameters import Parameters
from environments.policy import Distribution

TaskFunction = Callable[[Parameters], torch.Tensor]


class AdaptedCurvature:
    """Products with sum_i J_i^T Z_i^T F_i Z_i J_i: task i's adapted parameters have the Jacobian J_i with respect to
    the meta-parameters, its policy's distribution parameters the Jacobian Z_i with respect to those, and F_i is the
    Fisher information of the distributions, averaged over valid steps.

    At theta_old this is the exact Hessian of sum_i KL(old_i || new_i) in the meta-parameters: what Gauss-Newton
    drops is multiplied by the divergence's gradient, which is 0 there.  As every inner update is
    theta + alpha * grad J(theta), J_i = prod_k (I + alpha * H_k,i), a product of Hessians of first-order graphs.
    Every graph is built once and kept; a product re-runs no forward pass and needs no third-order graph.

    inner: each inner update's objective, parameters [task, ...] -> [task].  start: parameters [task, ...].
    policy: parameters [task, ...] -> distributions [task, trajectory, time].  mask: [task, trajectory, time].
    """

    def __init__(
        self,
        inner: Sequence[TaskFunction],
        step_size: float,
        start: Parameters,
        policy: Callable[[Parameters], Distribution],
        mask: torch.Tensor,
    ) -> None:
        self._step_size = step_size
        self._steps: list[_HessianProduct] = []
        parameters = start
        for objective in inner:
            product = _HessianProduct(objective, parameters)
            self._steps.append(product)
            parameters = {name: value + step_size * product.gradient[name] for name, value in parameters.items()}
        self._fisher = _FisherProduct(policy, parameters, mask)

    def product(self, vector: Parameters) -> Parameters:
        """[...] -> [...], summed over tasks."""
        image = {name: value.expand(self._fisher.tasks, *value.shape) for name, value in vector.items()}
        for step in self._steps:
            image = self._through(step, image)
        image = self._fisher(image)
        for step in reversed(self._steps):
            image = self._through(step, image)
        return {name: value.sum(0) for name, value in image.items()}

    def _through(self, step: _HessianProduct, vector: Parameters) -> Parameters:
        image = step(vector)
        return {name: value + self._step_size * image[name] for name, value in vector.items()}


class _HessianProduct:
    """Hessian-vector products of every task's objective at once, from one gradient graph that is kept."""

    def __init__(self, objective: TaskFunction, parameters: Parameters) -> None:
        self._leaves = {name: value.detach().contiguous().requires_grad_() for name, value in parameters.items()}
        with torch.enable_grad():
            total = objective(self._leaves).sum()
            gradients = torch.autograd.grad(total, list(self._leaves.values()), create_graph=True)
        self._gradients = gradients
        self.gradient = {name: value.detach() for name, value in zip(self._leaves, gradients, strict=True)}

    def __call__(self, vector: Parameters) -> Parameters:
        products = torch.autograd.grad(
            self._gradients,
            list(self._leaves.values()),
            grad_outputs=[vector[name] for name in self._leaves],
            retain_graph=True,
        )
        return dict(zip(self._leaves, products, strict=True))


class _FisherProduct:
    """Vector products with Z^T F Z of every task at once: forward derivative, Fisher information, backward.

    The forward derivative is the derivative of the backward pass by its own input, in which it is linear.
    """

    def __init__(
        self, policy: Callable[[Parameters], Distribution], parameters: Parameters, mask: torch.Tensor
    ) -> None:
        self.tasks = mask.shape[0]
        self._weight = (mask / mask.sum((1, 2), keepdim=True)).unsqueeze(-1)
        self._leaves = {name: value.detach().contiguous().requires_grad_() for name, value in parameters.items()}
        with torch.enable_grad():
            self._distribution = policy(self._leaves)
            self._outputs = {
                name: value.expand(*mask.shape, value.shape[-1])
                for name, value in self._distribution.parameters.items()
            }
            self._probes = [torch.zeros_like(value, requires_grad=True) for value in self._outputs.values()]
            self._backward = torch.autograd.grad(
                list(self._outputs.values()), list(self._leaves.values()), self._probes, create_graph=True
            )

    def __call__(self, vector: Parameters) -> Parameters:
        tangents = torch.autograd.grad(
            self._backward, self._probes, [vector[name] for name in self._leaves], retain_graph=True
        )
        weighted = self._distribution.fisher_product(dict(zip(self._outputs, tangents, strict=True)))
        products = torch.autograd.grad(
            list(self._outputs.values()),
            list(self._leaves.values()),
            [(value * self._weight).detach() for value in weighted.values()],
            retain_graph=True,
        )
        return dict(zip(self._leaves, products, strict=True))
