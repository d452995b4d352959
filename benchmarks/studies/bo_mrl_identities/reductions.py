"""What Alg(i) becomes when its expectation is replaced by its first-order approximation: Section 4, Appendix H."""

from __future__ import annotations

import torch
from torch.autograd.functional import hessian, jacobian

from benchmarks.studies.bo_mrl_identities.problem import SmallProblem
from benchmarks.studies.bo_mrl_identities.within_task import WithinTask


def linearised_step(rule: WithinTask, phi: torch.Tensor) -> torch.Tensor:
    """theta' - phi [n] for the expectation's gradient at phi against the distance's second-order approximation.

    D_3^2 is its own second-order approximation.
    """
    visitation = rule.problem.values(rule.problem.log_policy(phi).exp()).visitation
    slope = jacobian(lambda at: rule.gain(at, phi, visitation), phi)
    curvature = hessian(lambda at: rule.squared_distance(at, phi, visitation), phi)
    return torch.linalg.pinv(rule.weight * curvature, hermitian=True) @ slope


def policy_gradient(problem: SmallProblem, phi: torch.Tensor) -> torch.Tensor:
    """Of the expected return, [n]."""
    return jacobian(problem.expected_return, phi)


def natural_gradient(problem: SmallProblem, phi: torch.Tensor) -> torch.Tensor:
    """F^+ times the policy gradient, F = E[grad log pi grad log pi^T] over nu and pi, [n]."""
    policy = problem.log_policy(phi).exp()
    weights = problem.values(policy).visitation[:, None] * policy
    scores = jacobian(problem.log_policy, phi)  # [S, A, n]
    fisher = torch.einsum("sa,sai,saj->ij", weights, scores, scores)
    return torch.linalg.pinv(fisher, hermitian=True) @ policy_gradient(problem, phi)
