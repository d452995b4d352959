"""The Proposition of Appendix B.1: the four terms of the Hessian of the expected return, Equations (36) to (38).

They hold as they are printed.  The slips that the proof has are of no consequence: (46) is the transpose of what (55)
makes of H_12, which it is said to equal and whose transpose is added anyway, and (52) leaves out the reward, which has
no derivative.
"""

from __future__ import annotations

import torch

from benchmarks.studies.promp_identities.problem import EnumeratedProblem


def terms(problem: EnumeratedProblem) -> dict[str, torch.Tensor]:
    """`h1`, `h2`, `h12` and `h12-transposed`, [P, P] each, summed over all trajectories."""
    scores, to_go = problem.scores(), problem.rewards_to_go
    # the derivative of Q_t as a function, not the sum (54) that the proof makes of it
    value_slopes = problem.along(torch.func.jacrev(problem.action_values)(problem.logits.flatten()))
    weight = problem.probability.unsqueeze(1)
    crossed = torch.einsum("nt,ntp,ntq->pq", weight.expand_as(to_go), scores, value_slopes)
    return {
        "h1": torch.einsum("nt,ntp,ntq->pq", weight * to_go, scores, scores),
        "h2": torch.einsum("nt,ntpq->pq", weight * to_go, problem.score_slopes()),
        "h12": crossed,
        "h12-transposed": crossed.T,
    }


def exact_hessian(problem: EnumeratedProblem) -> torch.Tensor:
    """Of the exact expected return, which knows no trajectories, [P, P]."""
    return torch.func.hessian(problem.expected_return)(problem.logits.flatten())
