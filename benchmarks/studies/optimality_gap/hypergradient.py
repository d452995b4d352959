"""The meta-objective of BO-MRL on known MDPs, J(Alg(i)(pi_phi)) for every task, and its exact gradient in phi.

Xu & Zhu 2024, Propositions 1 and 2 with Appendix C.  phi reaches the adapted policy by three ways: as the centre of the
proximal problem, through Q of pi_phi, and (Alg(3) alone) through its visitation nu, which weighs the states.  The
paper's Proposition 2 leaves the third out; its proof drops the sum over d nu(s) times the gradient of each state's own
objective, which vanishes where states share no parameter and the penalty of a state is weighed with nu(s) as well, but
not where the penalty is |theta - phi|^2 of the whole table.  `visitation_term` adds it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch

from algorithms.one_time_adaptation.distances import Distance
from algorithms.one_time_adaptation.tabular import adapt_tabular, adapt_tabular_vjp
from benchmarks.studies.optimality_gap.evaluation import Evaluation, TabularTasks

#: what |theta - phi|^2 of Alg(3) is taken over: the whole table, Equation (2), or the state's own row, Equation (1)
Penalty = Literal["table", "state"]


class Hypergradient(NamedTuple):
    """What one-time adaptation reaches on each task, and how it changes with the meta-parameter."""

    adapted: torch.Tensor  # logits of the adapted policies [task, S, A]
    expected_return: torch.Tensor  # J(Alg(phi)) [task]
    gradient: torch.Tensor  # of each task's return in its own phi [task, S, A]


def adapt_exactly(
    distance: Distance, evaluation: Evaluation, weight: float, penalty: Penalty = "table"
) -> torch.Tensor:
    """Alg(i) from an evaluated policy, [..., S, A].  weight: lambda.  penalty: of "euclidean".

    With the penalty of each state's own row nu(s) weighs both parts of the state's objective alike, and cancels.
    """
    return adapt_tabular(distance, evaluation.logits, evaluation.action_values, weight, _weights(evaluation, penalty))


def hypergradient(
    distance: Distance,
    tasks: TabularTasks,
    logits: torch.Tensor,
    weight: float,
    penalty: Penalty = "table",
    visitation_term: bool = True,
) -> Hypergradient:
    """J(Alg(i)(phi)) and its gradient: exact, or ("euclidean", visitation_term False) as Proposition 2 prints it.

    logits: phi, float64 [S, A] or [task, S, A].  The gradient of a shared phi is the sum (or mean) over tasks.
    """
    before = tasks.evaluate(logits)
    adapted = adapt_exactly(distance, before, weight, penalty)
    after = tasks.evaluate(adapted)
    by_centre, by_values, by_visitation = adapt_tabular_vjp(
        distance, before.logits, before.action_values, weight, _weights(before, penalty), adapted, after.gradient
    )
    gradient = by_centre + before.action_values_vjp(by_values)
    if visitation_term and distance == "euclidean" and penalty == "table":
        gradient = gradient + before.visitation_vjp(by_visitation)
    return Hypergradient(adapted, after.expected_return, gradient)


def _weights(evaluation: Evaluation, penalty: Penalty) -> torch.Tensor:
    return evaluation.visitation if penalty == "table" else torch.ones_like(evaluation.visitation)


def policy_gradient_step(evaluation: Evaluation, step_size: float) -> torch.Tensor:
    """phi + alpha grad J(phi), [..., S, A]: MAML's inner step, exact.

    It is Alg(3) with its objective linearised at phi, for lambda = (1 - gamma) / (2 alpha) (Appendix H, where the 2 of
    the squared distance's derivative is missing).
    """
    return evaluation.logits + step_size * evaluation.gradient


def maml_gradient(tasks: TabularTasks, logits: torch.Tensor, step_size: float) -> Hypergradient:
    """J(phi + alpha grad J(phi)) and its gradient, Hessian of the inner return included: exact MAML.

    The inner step is phi + alpha nu pi (Q - pi Q) / (1 - gamma): its derivative goes through pi, Q and nu.
    """
    before = tasks.evaluate(logits)
    adapted = policy_gradient_step(before, step_size)
    after = tasks.evaluate(adapted)
    pull = after.gradient
    inner = step_size / (1 - tasks.discount)
    slope = before.policy * before.advantage  # of sum_a pi(a|s) Q(s, a) in phi(s, .), at a fixed Q
    weighed = before.visitation[..., None] * pull
    mean = (before.policy * weighed).sum(-1, keepdim=True)
    # the Hessian of sum_a pi Q in the logits, diag(u) - u pi' - pi u', times the cotangent
    by_policy = slope * (weighed - mean) - before.policy * (slope * weighed).sum(-1, keepdim=True)
    by_values = before.policy * (weighed - mean)
    gradient = by_policy + before.action_values_vjp(by_values) + before.visitation_vjp((slope * pull).sum(-1))
    return Hypergradient(adapted, after.expected_return, pull + inner * gradient)
