"""Exact evaluation of tabular softmax policies, with the derivatives of what it gives in the policy's logits.

Everything is batched over leading dimensions and comes from one factorisation of I - gamma P_pi.  The derivatives are
closed forms (Lemma 4 and Appendix C of Xu & Zhu 2024), so that hypergradients need no automatic differentiation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from environments.tabular import TabularMDP


class TabularTasks:
    """The tables of one or several MDPs as float64 tensors."""

    def __init__(self, mdp: TabularMDP) -> None:
        """Raises ValueError for discount 1, where infinite-horizon values do not exist."""
        if mdp.discount == 1:
            raise ValueError("discount 1 has no infinite-horizon values")
        self.transition = torch.from_numpy(mdp.transition)  # [..., S, A, S]
        self.reward = torch.from_numpy(mdp.reward)  # [..., S, A]
        self.initial = torch.from_numpy(mdp.initial)  # [..., S]
        self.discount = mdp.discount
        self.states, self.actions = mdp.states, mdp.actions

    def evaluate(self, logits: torch.Tensor) -> Evaluation:
        """logits: float64 [..., S, A], broadcast against the tasks."""
        return Evaluation(self, logits.expand(torch.broadcast_shapes(logits.shape, self.reward.shape)))


@dataclass(frozen=True)
class Evaluation:
    """Values, visitation and return of the policies softmax(logits), and products with their derivatives."""

    tasks: TabularTasks
    logits: torch.Tensor  # [..., S, A]

    @cached_property
    def policy(self) -> torch.Tensor:
        return self.logits.softmax(-1)

    @cached_property
    def state_values(self) -> torch.Tensor:
        """V [..., S]."""
        return self._solve((self.policy * self.tasks.reward).sum(-1))

    @cached_property
    def action_values(self) -> torch.Tensor:
        """Q [..., S, A]."""
        return self._backup(self.tasks.reward, self.state_values)

    @cached_property
    def advantage(self) -> torch.Tensor:
        """A = Q - V [..., S, A]."""
        return self.action_values - self.state_values[..., None]

    @cached_property
    def visitation(self) -> torch.Tensor:
        """nu(s) = (1 - gamma) sum_t gamma^t P(s_t = s), [..., S]."""
        return (1 - self.tasks.discount) * self._solve_flow(self.tasks.initial)

    @cached_property
    def expected_return(self) -> torch.Tensor:
        """J [...]."""
        return (self.tasks.initial * self.state_values).sum(-1)

    @cached_property
    def gradient(self) -> torch.Tensor:
        """Of the return in the logits, nu(s) pi(a|s) A(s, a) / (1 - gamma) (Lemma 4), [..., S, A]."""
        return self.visitation[..., None] * self.policy * self.advantage / (1 - self.tasks.discount)

    def action_values_vjp(self, cotangent: torch.Tensor) -> torch.Tensor:
        """sum_(s,a) c(s, a) dQ(s, a) / d logits, [..., S, A], for a cotangent c of Q (Equation (5) of Appendix C).

        The visitations sigma^(s,a) that start from every pair are never formed: their sum, weighted by c, is one flow.
        """
        discount = self.tasks.discount
        arriving = torch.einsum("...sa,...sat->...t", cotangent, self.tasks.transition)
        return discount * self._solve_flow(arriving)[..., None] * self.policy * self.advantage

    def visitation_vjp(self, cotangent: torch.Tensor) -> torch.Tensor:
        """sum_s c(s) d nu(s) / d logits, [..., S, A]: the policy gradient for c(s) as the reward of being in s."""
        pay = cotangent[..., None].expand(self.logits.shape)
        value = self._solve(cotangent)
        advantage = self._backup(pay, value) - value[..., None]
        return self.visitation[..., None] * self.policy * advantage

    @cached_property
    def _factors(self) -> tuple[torch.Tensor, torch.Tensor]:
        chain = torch.einsum("...sa,...sat->...st", self.policy, self.tasks.transition)
        factors, pivots = torch.linalg.lu_factor(
            torch.eye(self.tasks.states, dtype=chain.dtype) - self.tasks.discount * chain
        )
        return factors, pivots

    def _solve(self, pay: torch.Tensor) -> torch.Tensor:
        """(I - gamma P_pi)^-1 pay, [..., S]."""
        return torch.linalg.lu_solve(*self._factors, pay[..., None])[..., 0]

    def _solve_flow(self, start: torch.Tensor) -> torch.Tensor:
        """(I - gamma P_pi^T)^-1 start, [..., S], through the left solve of the same factors."""
        factors, pivots = self._factors
        row = start.expand(*factors.shape[:-1])[..., None, :]
        return torch.linalg.lu_solve(factors, pivots, row, left=False)[..., 0, :]

    def _backup(self, reward: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return reward + self.tasks.discount * torch.einsum("...sat,...t->...sa", self.tasks.transition, value)
