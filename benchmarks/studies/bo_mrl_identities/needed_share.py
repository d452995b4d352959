"""How much of a printed constant is needed: the largest that any policy found needs, over what the print has.

Lemmas 1 and 2 say J(pi') - J(pi) >= E[A / (1 - gamma)] - c D_i^2(pi, pi'), Proposition 3 that lambda above a threshold
makes Alg(3)'s objective concave.  At a share above 1 the statement is wrong; what is found is at least so much.
"""

from __future__ import annotations

import torch

from algorithms.one_time_adaptation.distances import Distance
from benchmarks.studies.bo_mrl_identities.problem import SmallProblem
from benchmarks.studies.bo_mrl_identities.within_task import WithinTask

#: pairs nearer than this say nothing: of the shortfall rounding has left no digits
NEAREST = 1e-6
#: Adam's, of the search for the pair that needs most
STEP_SIZE = 0.05


def lemma_constant(problem: SmallProblem, distance: Distance) -> float:
    """What Lemma 1 or 2 multiplies D_i^2 by, with the least A_max and the greatest epsilon that the MDP allows."""
    discount, advantage = problem.mdp.discount, problem.largest_advantage()
    numerator = 4 * problem.lipschitz**2 if distance == "euclidean" else 2.0
    return numerator * discount * advantage / ((1 - discount) ** 2 * problem.least_visitation())


def lemma_share(problem: SmallProblem, distance: Distance, pairs: torch.Tensor, steps: int) -> float:
    """The largest shortfall of the surrogate over c D_i^2 on a search that starts at the pairs [2, count, n]."""
    rule, constant = WithinTask(problem, distance, 1.0), lemma_constant(problem, distance)
    moving = pairs.clone().requires_grad_()
    optimiser = torch.optim.Adam([moving], lr=STEP_SIZE)
    largest = -torch.inf
    for _ in range(steps + 1):
        theta, other = moving
        here = problem.values(problem.log_policy(theta).exp())
        advantage = here.action - here.state[..., None]
        surrogate = (here.visitation * (problem.log_policy(other).exp() * advantage).sum(-1)).sum(-1)
        rise = problem.expected_return(other) - here.expected_return
        apart = rule.squared_distance(other, theta)
        share = (surrogate / (1 - problem.mdp.discount) - rise) / (constant * apart.clamp_min(NEAREST))
        valid = share.detach()[apart.detach() > NEAREST]
        largest = max(largest, float(valid.max()) if len(valid) else -torch.inf)
        optimiser.zero_grad()
        (-share.sum()).backward()
        optimiser.step()
    return largest


def proposition3_share(problem: SmallProblem, phi: torch.Tensor, theta: torch.Tensor) -> float:
    """The largest lambda below which E[Q]'s curvature outweighs the penalty's, over (6 L1^2 + 2 L2) A_max.

    phi, theta: [count, n], meta-policies and where the objective is looked at.
    """
    values = problem.values(problem.log_policy(phi).exp())
    at = theta.clone().requires_grad_()
    gain = (values.visitation * (problem.log_policy(at).exp() * values.action).sum(-1)).sum()
    (slope,) = torch.autograd.grad(gain, at, create_graph=True)
    # policies know nothing of each other, so that a column of the sum is that of each
    columns = [torch.autograd.grad(column.sum(), at, retain_graph=True)[0] for column in slope.unbind(-1)]
    curvatures = torch.stack(columns, -1)
    needed = float(torch.linalg.eigvalsh(curvatures)[..., -1].max()) / 2
    return needed / ((6 * problem.lipschitz**2 + 2 * problem.smoothness) * problem.largest_advantage())
