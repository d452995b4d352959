"""Alg(i) with function approximation, Equation (2), and its hypergradients: as printed, and as they are.

Xu & Zhu 2024, Section 4: theta' maximises sum_s nu(s) sum_a pi_theta(a|s) Q(s, a) - lambda D_i^2(pi_phi, pi_theta), nu
and Q those of pi_phi.  Every derivative is automatic differentiation's, of formulas that stand here as printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.autograd.functional import hessian, jacobian

from algorithms.one_time_adaptation.distances import Distance
from algorithms.one_time_adaptation.tabular import adapt_tabular
from benchmarks.studies.bo_mrl_identities.problem import SmallProblem

#: Newton's method ends at a gradient so small, in lambdas, or after so many iterations
TOLERANCE, ITERATIONS = 1e-12, 100
#: of central differences
STEP = 1e-4


def divergences(distance: Distance, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """d_1^2 or d_2^2 of Section 3 in every state, [..., S], of log-probabilities [..., S, A]."""
    first, second = (before, after) if distance == "kl" else (after, before)
    return (first.exp() * (first - second)).sum(-1)


@dataclass(frozen=True)
class WithinTask:
    """One Alg(i).  weight: lambda."""

    problem: SmallProblem
    distance: Distance
    weight: float

    def gain(self, theta: torch.Tensor, phi: torch.Tensor, visitation: torch.Tensor | None = None) -> torch.Tensor:
        """E[Q], s ~ nu, a ~ pi_theta.  visitation: nu, held; that of pi_phi, which varies with it, if not given."""
        here = self.problem.values(self.problem.log_policy(phi).exp())
        nu = here.visitation if visitation is None else visitation
        return (nu * (self.problem.log_policy(theta).exp() * here.action).sum(-1)).sum(-1)

    def squared_distance(
        self, theta: torch.Tensor, phi: torch.Tensor, visitation: torch.Tensor | None = None
    ) -> torch.Tensor:
        """D_i^2(pi_phi, pi_theta)."""
        if self.distance == "euclidean":
            return (theta - phi).square().sum(-1)
        before, after = self.problem.log_policy(phi), self.problem.log_policy(theta)
        nu = self.problem.values(before.exp()).visitation if visitation is None else visitation
        return (nu * divergences(self.distance, before, after)).sum(-1)

    def objective(self, theta: torch.Tensor, phi: torch.Tensor, visitation: torch.Tensor | None = None) -> torch.Tensor:
        return self.gain(theta, phi, visitation) - self.weight * self.squared_distance(theta, phi, visitation)

    def solve(self, phi: torch.Tensor, start: torch.Tensor | None = None) -> torch.Tensor:
        """theta' [n], by damped Newton uphill from `start`, phi if not given.

        Directions without curvature, such as a constant added to a state of a table under a divergence, are left alone.
        Raises ArithmeticError where it does not converge.
        """
        theta = phi.clone() if start is None else start.clone()
        for _ in range(ITERATIONS):
            slope = jacobian(lambda at: self.objective(at, phi), theta)
            if float(slope.abs().max()) <= TOLERANCE * self.weight:
                return theta
            curvature, axes = torch.linalg.eigh(-hessian(lambda at: self.objective(at, phi), theta))
            step = axes @ (_pseudo_inverse(curvature.abs()) * (axes.T @ slope))
            fraction, here = 1.0, float(self.objective(theta, phi))
            while float(self.objective(theta + fraction * step, phi)) < here - 1e-15 and fraction > 1e-6:
                fraction /= 2
            theta = theta + fraction * step
        raise ArithmeticError(f"Alg with {self.distance} did not converge in {ITERATIONS} Newton steps")

    def hypergradient(self, phi: torch.Tensor, printed: bool) -> torch.Tensor:
        """Of J(pi_theta') in phi, [n]: Proposition 2, with the visitation held (`printed`) or not.

        The print is -E[d^2'' - pi'' Q / (lambda pi_phi)]^-1 E[d^2'_phi - pi' Q'_phi / (lambda pi_phi)], both brackets
        derivatives of the objective over -lambda with nu as a constant.
        """
        theta = self.solve(phi)
        held = self.problem.values(self.problem.log_policy(phi).exp()).visitation if printed else None

        def slope(centre: torch.Tensor) -> torch.Tensor:
            at = theta.detach().requires_grad_()
            (found,) = torch.autograd.grad(self.objective(at, centre, held), at, create_graph=True)
            return found

        mixed = jacobian(slope, phi)  # [theta, phi]
        curvature, axes = torch.linalg.eigh(-hessian(lambda at: self.objective(at, phi, held), theta))
        pull = jacobian(self.problem.expected_return, theta)
        return mixed.T @ (axes @ (_pseudo_inverse(curvature) * (axes.T @ pull)))

    def measured(self, phi: torch.Tensor) -> torch.Tensor:
        """The hypergradient by central differences, the within-task problem solved anew for each, [n]."""
        near = self.solve(phi)
        return central_differences(lambda at: self.problem.expected_return(self.solve(at, near)), phi)


def proposition1(rule: WithinTask, phi: torch.Tensor) -> torch.Tensor:
    """The hypergradient of a tabular policy under Equation (1), [n], term by term as the proposition prints it."""
    problem, weight = rule.problem, rule.weight
    adapted = adapted_table(rule, phi)
    by_values = jacobian(lambda at: problem.values(problem.log_policy(at).exp()).action, phi)  # [S, A, n]
    rows = []
    for state in range(problem.mdp.states):

        def squared(policy: torch.Tensor, centre: torch.Tensor, state: int = state) -> torch.Tensor:
            return divergences(rule.distance, problem.log_policy(centre)[state], policy.log())

        def slope(centre: torch.Tensor, state: int = state) -> torch.Tensor:
            at = adapted[state].detach().requires_grad_()
            (found,) = torch.autograd.grad(squared(at, centre, state), at, create_graph=True)
            return found

        matrix = weight * hessian(lambda at, state=state: squared(at, phi, state), adapted[state])  # M(s)
        inverse = torch.linalg.inv(matrix)
        ones = torch.ones(problem.mdp.actions, 1, dtype=torch.float64)
        projected = inverse - inverse @ ones @ ones.T @ inverse / (ones.T @ inverse @ ones)
        rows.append(projected @ (by_values[state] - weight * jacobian(slope, phi)))
    after = problem.values(adapted)
    weights = after.visitation[:, None] * after.action / (1 - problem.mdp.discount)
    return torch.einsum("sa,san->n", weights, torch.stack(rows))


def proposition1_measured(rule: WithinTask, phi: torch.Tensor) -> torch.Tensor:
    """The same by central differences, [n]."""
    return central_differences(lambda at: rule.problem.values(adapted_table(rule, at)).expected_return, phi)


def adapted_table(rule: WithinTask, phi: torch.Tensor) -> torch.Tensor:
    """Probabilities [S, A] that solve Equation (1) in every state."""
    logits = rule.problem.log_policy(phi)
    values = rule.problem.values(logits.exp())
    return adapt_tabular(rule.distance, logits, values.action, rule.weight).softmax(-1)


def central_differences(value: Callable[[torch.Tensor], torch.Tensor], at: torch.Tensor) -> torch.Tensor:
    """Of a scalar in each of its arguments, [n]."""
    moves = STEP * torch.eye(len(at), dtype=at.dtype)
    return torch.stack([(value(at + move) - value(at - move)) / (2 * STEP) for move in moves])


def _pseudo_inverse(curvature: torch.Tensor) -> torch.Tensor:
    """1 / curvature, 0 in directions without one."""
    flat = curvature.abs() <= 1e-10 * curvature.abs().max()
    return torch.where(flat, 0.0, curvature.reciprocal())
