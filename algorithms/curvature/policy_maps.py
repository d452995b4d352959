"""The derivatives of a network's policies by its parameters: written out for an MLP, automatic for other networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeGuard

import torch

from algorithms.curvature.hessian_products import Hessian, HessianProduct
from algorithms.curvature.mlp_derivatives import MLPHessian, MLPOutputs
from algorithms.policies.networks import MLP, PolicyNetwork
from algorithms.policies.parameters import Parameters
from environments.policy import Distribution


class PolicyMap(Protocol):
    """What a policy is made of at its present parameters [task, ...], and the derivative of that by the parameters."""

    #: what the distribution is a function of, each [task, ...], requiring gradients
    leaves: Parameters
    distribution: Distribution

    def tangent(self, vector: Parameters) -> Parameters:
        """The derivative of the leaves along a vector [task, ...]."""

    def transposed(self, cotangent: Parameters) -> Parameters:
        """The product of a cotangent of the leaves with the derivative, [task, ...]."""


class ParametersThemselves:
    """The parameters as the leaves, for automatic differentiation through the whole network."""

    def __init__(self, policy: Callable[[Parameters], Distribution], parameters: Parameters) -> None:
        self.leaves = {name: value.detach().contiguous().requires_grad_() for name, value in parameters.items()}
        with torch.enable_grad():
            self.distribution = policy(self.leaves)

    def tangent(self, vector: Parameters) -> Parameters:
        return vector

    def transposed(self, cotangent: Parameters) -> Parameters:
        return cotangent


def policies_at(network: PolicyNetwork, parameters: Parameters, observations: torch.Tensor) -> PolicyMap:
    """The network's policies at these observations, and their derivative by the parameters [task, ...]."""
    if _written_out(network):
        return MLPOutputs(network, parameters, observations)
    return ParametersThemselves(lambda point: network.distribution(point, observations), parameters)


def hessian_at(
    network: PolicyNetwork,
    objective: Callable[[Distribution], torch.Tensor],
    parameters: Parameters,
    observations: torch.Tensor,
) -> Hessian:
    """The Hessian of an objective of the network's policies, distribution -> [task], by the parameters [task, ...]."""
    if _written_out(network):
        return MLPHessian(network, objective, parameters, observations)
    return HessianProduct(lambda point: objective(network.distribution(point, observations)), parameters)


def _written_out(network: PolicyNetwork) -> TypeGuard[MLP]:
    """A tanh MLP, and no network of one's own that is one but in what it does with its parameters."""
    return isinstance(network, MLP) and type(network).distribution is MLP.distribution and network.activation == "tanh"
