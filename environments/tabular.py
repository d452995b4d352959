"""Exact tabular MDPs: values, advantages, visitation and optima by linear algebra, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import torch


class PolicyValues(NamedTuple):
    """Infinite-horizon discounted values of a policy."""

    state: np.ndarray  # V [..., S]
    action: np.ndarray  # Q [..., S, A]

    @property
    def advantage(self) -> np.ndarray:
        """A = Q - V, [..., S, A]."""
        return self.action - self.state[..., None]


class Optimum(NamedTuple):
    """Optimal values, and the optimal policy that is uniform over tied actions."""

    state: np.ndarray  # V* [..., S]
    action: np.ndarray  # Q* [..., S, A]
    policy: np.ndarray  # [..., S, A]


@dataclass(frozen=True)
class TabularMDP:
    """A finite MDP with known dynamics; an episode's end is an absorbing state that pays nothing.

    Leading dimensions are free: several MDPs stack as `[task, S, A, S]`, and policies `[..., S, A]` (probabilities,
    rows sum to one) broadcast against them.  Raises ValueError for shapes or probabilities that do not fit.
    """

    transition: np.ndarray  # P(s'|s,a) [..., S, A, S]
    reward: np.ndarray  # expected r(s,a) [..., S, A]
    initial: np.ndarray  # start distribution [..., S]
    discount: float

    def __post_init__(self) -> None:
        for name in ("transition", "reward", "initial"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        *lead, states, actions, successors = self.transition.shape
        expected = ((*lead, states, actions), (*lead, states))
        if successors != states or (self.reward.shape, self.initial.shape) != expected:
            raise ValueError(
                f"transition {self.transition.shape}, reward {self.reward.shape} and initial {self.initial.shape} "
                f"are not [..., S, A, S], [..., S, A] and [..., S]"
            )
        for name, values in (("transition", self.transition), ("initial", self.initial)):
            if (values < 0).any() or not np.allclose(values.sum(-1), 1.0, rtol=0, atol=1e-12):
                raise ValueError(f"{name} must hold probabilities that sum to 1")
        if not 0 < self.discount <= 1:
            raise ValueError(f"discount must be in (0, 1], got {self.discount}")

    @classmethod
    def stack(cls, mdps: Sequence[TabularMDP]) -> TabularMDP:
        """Several MDPs of one size and discount as one, with a leading task dimension."""
        discounts = {mdp.discount for mdp in mdps}
        if len(discounts) != 1:
            raise ValueError(f"stacked MDPs must share one discount, got {sorted(discounts)}")
        return cls(
            np.stack([mdp.transition for mdp in mdps]),
            np.stack([mdp.reward for mdp in mdps]),
            np.stack([mdp.initial for mdp in mdps]),
            discounts.pop(),
        )

    @property
    def states(self) -> int:
        return self.reward.shape[-2]

    @property
    def actions(self) -> int:
        return self.reward.shape[-1]

    def policy_values(self, policy: np.ndarray) -> PolicyValues:
        """V, Q and advantages of a policy [..., S, A], from the linear Bellman equation."""
        chain, pay = self._chain(policy)
        state = np.linalg.solve(self._resolvent(chain), pay[..., None])[..., 0]
        return PolicyValues(state, self._backup(state))

    def visitation(self, policy: np.ndarray) -> np.ndarray:
        """Discounted state distribution (1 - discount) sum_t discount^t P(s_t = s), [..., S]; sums to one."""
        chain, _ = self._chain(policy)
        flow = np.swapaxes(self._resolvent(chain), -1, -2)
        start = np.broadcast_to(self.initial, flow.shape[:-1])
        return (1 - self.discount) * np.linalg.solve(flow, start[..., None])[..., 0]

    def expected_return(self, policy: np.ndarray) -> np.ndarray:
        """Infinite-horizon discounted return from the start distribution, [...]."""
        return (self.initial * self.policy_values(policy).state).sum(-1)

    def finite_return(self, policy: np.ndarray, horizon: int, discount: float | None = None) -> np.ndarray:
        """Exact expected sum of `horizon` rewards, [...]; discount: the MDP's own unless given (1 for a plain sum)."""
        factor = self.discount if discount is None else discount
        chain, pay = self._chain(policy)
        value = np.zeros_like(pay)
        for _ in range(horizon):
            value = pay + factor * np.einsum("...st,...t->...s", chain, value)
        return (self.initial * value).sum(-1)

    @cached_property
    def optimum(self) -> Optimum:
        """Optimal values and policy, by policy iteration (exact: it ends on a linear solve)."""
        # an action must beat the present one by more than rounding, or tied actions would alternate for ever
        tolerance = 1e-10 * max(1.0, float(np.abs(self.reward).max()) / (1 - self.discount or 1.0))
        choice = self.reward.argmax(-1)
        while True:
            state, action = self.policy_values(np.eye(self.actions)[choice])
            held = np.take_along_axis(action, choice[..., None], -1)[..., 0]
            better = action.max(-1) > held + tolerance
            if not better.any():
                break
            choice = np.where(better, action.argmax(-1), choice)
        best = action >= action.max(-1, keepdims=True) - tolerance
        return Optimum(state, action, best / best.sum(-1, keepdims=True))

    @property
    def optimal_return(self) -> np.ndarray:
        """Infinite-horizon discounted return of the optimal policy, [...]."""
        return (self.initial * self.optimum.state).sum(-1)

    def _chain(self, policy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """State-to-state transition [..., S, S] and reward [..., S] under the policy."""
        chain = np.einsum("...sa,...sat->...st", policy, self.transition)
        return chain, (policy * self.reward).sum(-1)

    def _resolvent(self, chain: np.ndarray) -> np.ndarray:
        """I - discount * P_pi.  Raises ValueError for discount 1, where infinite-horizon values do not exist."""
        if self.discount == 1:
            raise ValueError("discount 1 has no infinite-horizon values; use finite_return")
        return np.eye(self.states) - self.discount * chain

    def _backup(self, state: np.ndarray) -> np.ndarray:
        return self.reward + self.discount * np.einsum("...sat,...t->...sa", self.transition, state)


def differentiable_return(mdp: TabularMDP, policy: torch.Tensor, horizon: int | None = None) -> torch.Tensor:
    """Exact discounted return [...] as a torch function of action probabilities, differentiable to any order.

    policy: [..., S, A] probabilities (float64 for exact gradients).  horizon: None for the infinite sum.
    """
    import torch

    transition, reward, initial = (
        torch.from_numpy(array).to(policy.dtype) for array in (mdp.transition, mdp.reward, mdp.initial)
    )
    chain = torch.einsum("...sa,...sat->...st", policy, transition)
    pay = (policy * reward).sum(-1)
    if horizon is None:
        if mdp.discount == 1:
            raise ValueError("discount 1 has no infinite-horizon return; give a horizon")
        value = torch.linalg.solve(torch.eye(mdp.states, dtype=policy.dtype) - mdp.discount * chain, pay)
    else:
        value = torch.zeros_like(pay)
        for _ in range(horizon):
            value = pay + mdp.discount * torch.einsum("...st,...t->...s", chain, value)
    return (initial * value).sum(-1)
