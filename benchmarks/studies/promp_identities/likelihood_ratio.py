"""J^LR of Equation (6) and J^LVC of Equation (5) on every trajectory, and their first two derivatives at theta_o.

They are written down apart, J^LVC with a stop gradient and J^LR with the probabilities of theta_o as constants.  The
printed objectives have different weights: J^LVC the sum of rewards to come, J^LR the advantage A_t^{theta_o}(s, a),
which is exact here, with a step's own t since the horizon is finite.  Of one trajectory they can then be equal only
with the same weights; as expectations, which is what (6) is, they must be equal with their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

from benchmarks.studies.promp_identities.problem import EnumeratedProblem

#: logits of each trajectory's own [n, state, action] -> the objective of each trajectory [n]
Objective = Callable[[torch.Tensor], torch.Tensor]


class Derivatives(NamedTuple):
    """Of every trajectory's objective by the parameters."""

    gradient: torch.Tensor  # [n, P]
    hessian: torch.Tensor  # [n, P, P]


def low_variance_curvature(problem: EnumeratedProblem) -> Objective:
    """Equation (5)."""

    def objective(logits: torch.Tensor) -> torch.Tensor:
        chosen = _at_steps(torch.softmax(logits, -1), problem)
        return (chosen / chosen.detach() * problem.rewards_to_go).sum(1)

    return objective


def likelihood_ratio(problem: EnumeratedProblem, weights: torch.Tensor) -> Objective:
    """What Equation (6) is the expectation of, with weights [n, time] for the advantages."""
    acting = torch.softmax(problem.logits, -1)[problem.states, problem.actions]

    def objective(logits: torch.Tensor) -> torch.Tensor:
        return (_at_steps(torch.softmax(logits, -1), problem) / acting * weights).sum(1)

    return objective


def advantages(problem: EnumeratedProblem) -> torch.Tensor:
    """A_t(s_t, a_t) of the policy that acts, [n, time]."""
    values = problem.action_values(problem.logits.flatten())
    policy = torch.softmax(problem.logits, -1)
    return problem.along(values - (policy * values).sum(-1, keepdim=True))


def derivatives(problem: EnumeratedProblem, objective: Objective, at: torch.Tensor | None = None) -> Derivatives:
    """at: logits [state, action], those that act if not given."""
    logits = problem.logits if at is None else at
    own = logits.expand(len(problem.probability), *logits.shape).clone().requires_grad_()
    (slope,) = torch.autograd.grad(objective(own).sum(), own, create_graph=True)
    gradient = slope.flatten(1)
    rows = [torch.autograd.grad(gradient[:, p].sum(), own, retain_graph=True)[0] for p in range(logits.numel())]
    return Derivatives(gradient.detach(), torch.stack([row.flatten(1) for row in rows], 1))


def errors(problem: EnumeratedProblem) -> dict[str, float]:
    """Relative differences between both objectives' derivatives at theta_o, by what is compared.

    `gradient`, `hessian`: of one trajectory, with the same weights; the largest of all trajectories.
    `expected-gradient`, `expected-hessian`: of expectations, each with the weights that are printed for it.
    `own-weights-gradient`, `own-weights-hessian`: of one trajectory with these; the largest.
    """
    lvc = derivatives(problem, low_variance_curvature(problem))
    same = derivatives(problem, likelihood_ratio(problem, problem.rewards_to_go))
    printed = derivatives(problem, likelihood_ratio(problem, advantages(problem)))
    found: dict[str, float] = {}
    for what in Derivatives._fields:
        wanted, mean = getattr(lvc, what), problem.expectation(getattr(lvc, what))
        found[what] = _largest(getattr(same, what), wanted)
        expected = problem.expectation(getattr(printed, what))
        found[f"expected-{what}"] = float((expected - mean).norm() / mean.norm())
        found[f"own-weights-{what}"] = _largest(getattr(printed, what), wanted)
    return found


def _at_steps(policy: torch.Tensor, problem: EnumeratedProblem) -> torch.Tensor:
    """Probabilities [n, state, action] of what each trajectory did, [n, time]."""
    return policy[torch.arange(len(policy)).unsqueeze(1), problem.states, problem.actions]


def _largest(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float(((found - wanted).flatten(1).norm(dim=1) / wanted.flatten(1).norm(dim=1)).max())
