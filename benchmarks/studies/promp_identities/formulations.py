"""One-sample meta-gradients of formulations I and II, Section 1 and Appendix A.3, with their exact spread.

A sample is a trajectory tau of pi_theta, one step theta' = theta + alpha grad J_inner on it, and a trajectory tau' of
pi_theta'.  Returns are whole and have no baseline, as in Appendix A.

`formulation-I`: J_post + J_pre^I of (26) and (27), with grad J_inner = R(tau) grad log pi(tau).  Together they are the
outer gradient times I + alpha H with the Hessian estimate H of (18), which is DiCE's of the whole return.
`formulation-I-dice`, `formulation-I-lvc`: the inner step and H from the surrogates (57) and (5), which weigh steps by
rewards to come.  `formulation-I-exact-update`: theta' from the exact gradient, as J^I is defined; what is left to
sample are tau, for H alone, and tau'.

`formulation-II`: J_post + J_pre^II of (28) and (29).  `formulation-II-printed`: with Equation (2)'s J_pre^II, which has
a factor alpha.  That is a slip: the derivation (29) has none, and without it alone is the mean J^II's gradient.

The mean of the samples of formulation I with a sampled update is neither objective's gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from benchmarks.studies.promp_identities.problem import EnumeratedProblem


class Moments(NamedTuple):
    """Of one-sample estimates: their mean [P], and the root of their summed variance."""

    mean: torch.Tensor
    deviation: float

    @property
    def relative(self) -> float:
        """To the norm of the mean."""
        return self.deviation / float(self.mean.norm())


@dataclass(frozen=True)
class InnerSurrogate:
    """What the inner objective's surrogate says of each tau: its gradient [n, P] and its Hessian [n, P, P]."""

    gradient: torch.Tensor
    hessian: torch.Tensor


class MetaGradients:
    """All pairs (tau, tau') of one problem with one inner step size."""

    def __init__(self, problem: EnumeratedProblem, step_size: float) -> None:
        self.problem, self.step_size = problem, step_size
        self._flat = problem.logits.flatten()
        places = problem.states * problem.logits.shape[1] + problem.actions
        #: how often each tau' takes each action in each state, [n, state * action]
        self._visits = torch.nn.functional.one_hot(places, len(self._flat)).sum(1).to(self._flat.dtype)
        self._step_scores, self._step_slopes = problem.scores(), problem.score_slopes()
        self.scores, self.slopes = self._step_scores.sum(1), self._step_slopes.sum(1)

    def of_whole_returns(self) -> InnerSurrogate:
        """Equation (18)."""
        returns = self.problem.returns
        squares = torch.einsum("np,nq->npq", self.scores, self.scores)
        return InnerSurrogate(returns.view(-1, 1) * self.scores, returns.view(-1, 1, 1) * (self.slopes + squares))

    def dice(self) -> InnerSurrogate:
        """The derivatives of (57)."""
        scores, slopes, rewards = self._step_scores.cumsum(1), self._step_slopes.cumsum(1), self.problem.rewards
        hessian = torch.einsum("nt,ntp,ntq->npq", rewards, scores, scores)
        hessian = hessian + torch.einsum("nt,ntpq->npq", rewards, slopes)
        return InnerSurrogate(torch.einsum("nt,ntp->np", rewards, scores), hessian)

    def lvc(self) -> InnerSurrogate:
        """The derivatives of (5), by (67), (69) and (70)."""
        to_go, scores = self.problem.rewards_to_go, self._step_scores
        hessian = torch.einsum("nt,ntp,ntq->npq", to_go, scores, scores)
        hessian = hessian + torch.einsum("nt,ntpq->npq", to_go, self._step_slopes)
        return InnerSurrogate(torch.einsum("nt,ntp->np", to_go, scores), hessian)

    def first(self, inner: InnerSurrogate, update: torch.Tensor | None = None) -> Moments:
        """Formulation I.  update: the gradient [P] of the inner step, if that is not each tau's own."""
        outer, probability = self._outer(inner.gradient if update is None else update.expand_as(inner.gradient))
        post = outer + self.step_size * torch.einsum("nmp,npq->nmq", outer, inner.hessian)
        return moments(post, probability)

    def credit_first(self) -> Moments:
        """Of J_pre^I alone, Equation (27) and (30)."""
        inner = self.of_whole_returns()
        outer, probability = self._outer(inner.gradient)
        alignment = torch.einsum("np,nmp->nm", inner.gradient, outer)
        return moments(self.step_size * torch.einsum("nm,np->nmp", alignment, self.scores), probability)

    def second(self, scale: float = 1.0) -> Moments:
        """Formulation II.  scale: of J_pre^II, which is 1 in (29) and alpha in (2)."""
        returns = self.problem.returns
        outer, probability = self._outer(returns.view(-1, 1) * self.scores)
        curvature = returns.view(-1, 1, 1) * self.slopes
        post = outer + self.step_size * torch.einsum("nmp,npq->nmq", outer, curvature)
        return moments(post + scale * torch.einsum("m,np->nmp", returns, self.scores), probability)

    def credit_second(self) -> Moments:
        """Of J_pre^II alone, Equation (29)."""
        returns = self.problem.returns
        _, probability = self._outer(returns.view(-1, 1) * self.scores)
        return moments(torch.einsum("m,np->nmp", returns, self.scores), probability)

    def exact_gradient(self) -> torch.Tensor:
        """Of the inner objective, [P]."""
        return torch.func.grad(self.problem.expected_return)(self._flat)

    def _outer(self, updates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """R(tau') grad log pi_theta'(tau') at the theta' of each tau's update, [tau, tau', P], and the probabilities of
        pairs, [tau, tau'].

        updates: [tau, P], the gradients of the inner step.
        """
        problem, adapted = self.problem, self._flat + self.step_size * updates
        logs = self._visits @ torch.func.vmap(self._log_table)(adapted).T  # log pi_theta'(tau'), [tau', tau]
        shift = logs.T - self._visits @ self._log_table(self._flat)
        probability = problem.probability.unsqueeze(1) * problem.probability * shift.exp()
        tables = torch.func.vmap(torch.func.jacrev(self._log_table))(adapted)  # [tau, state * action, P]
        scores = torch.einsum("mk,nkp->nmp", self._visits, tables)
        return problem.returns.view(1, -1, 1) * scores, probability

    def _log_table(self, flat: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(flat.view_as(self.problem.logits), -1).flatten()


def moments(samples: torch.Tensor, probability: torch.Tensor) -> Moments:
    """samples: [tau, tau', P].  probability: [tau, tau']."""
    mean = torch.einsum("nm,nmp->p", probability, samples)
    variance = torch.einsum("nm,nmp->", probability, (samples - mean).square())
    return Moments(mean, float(variance) ** 0.5)
