"""A small random MDP and a softmax policy on it, whose values are exact and differentiable to any order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.studies.optimality_gap.bounds import least_visitation
from environments.streams import Streams
from environments.tabular import TabularMDP

#: what f(s, a) of a policy with function approximation stays within
REACH = 3.0


class Values(NamedTuple):
    """Of a policy, float64 with any leading dimensions."""

    action: torch.Tensor  # Q [..., S, A]
    state: torch.Tensor  # V [..., S]
    visitation: torch.Tensor  # nu, sums to 1, [..., S]
    expected_return: torch.Tensor  # J [...]


@dataclass(frozen=True)
class SmallProblem:
    """An MDP and the class of policies pi(a|s) proportional to exp f(s, a).

    features: x(s, a), float64 [S, A, n], of norm at most 1, for f = REACH sin(theta^T x / REACH), which states share;
    None: a table, f = theta(s, a), n = S A.
    """

    mdp: TabularMDP
    features: torch.Tensor | None

    @classmethod
    def drawn(cls, streams: Streams, states: int, actions: int, parameters: int, discount: float) -> SmallProblem:
        """parameters: n; 0: a table.  The MDP is the same for every class of policies."""
        generator = streams.numpy("mdp")
        transition = generator.dirichlet(np.full(states, 0.6), size=(states, actions))
        reward = generator.normal(0.0, 1.0, size=(states, actions))
        mdp = TabularMDP(transition, reward, generator.dirichlet(np.ones(states)), discount)
        if not parameters:
            return cls(mdp, None)
        features = torch.from_numpy(streams.numpy("features").normal(size=(states, actions, parameters)))
        return cls(mdp, features / features.norm(dim=-1).max())

    @property
    def parameters(self) -> int:
        return self.mdp.states * self.mdp.actions if self.features is None else self.features.shape[-1]

    @property
    def lipschitz(self) -> float:
        """L1, of f in theta."""
        return 1.0

    @property
    def smoothness(self) -> float:
        """L2, of its gradient."""
        return 0.0 if self.features is None else 1 / REACH

    def start(self, streams: Streams, deviation: float, count: int = 1) -> torch.Tensor:
        """Random parameters, float64 [count, n]."""
        return torch.from_numpy(streams.numpy("parameters").normal(0.0, deviation, size=(count, self.parameters)))

    def log_policy(self, theta: torch.Tensor) -> torch.Tensor:
        """[..., S, A] at parameters [..., n]."""
        if self.features is None:
            return theta.unflatten(-1, (self.mdp.states, self.mdp.actions)).log_softmax(-1)
        return (REACH * torch.sin(torch.einsum("san,...n->...sa", self.features, theta) / REACH)).log_softmax(-1)

    def values(self, policy: torch.Tensor) -> Values:
        """policy: probabilities [..., S, A]."""
        transition, reward, initial = (
            torch.from_numpy(table) for table in (self.mdp.transition, self.mdp.reward, self.mdp.initial)
        )
        chain = torch.einsum("...sa,sat->...st", policy, transition)
        resolvent = torch.eye(self.mdp.states, dtype=policy.dtype) - self.mdp.discount * chain
        state = torch.linalg.solve(resolvent, (policy * reward).sum(-1)[..., None])[..., 0]
        flow = torch.linalg.solve(resolvent.transpose(-1, -2), initial[:, None].expand(*state.shape, 1))[..., 0]
        action = reward + self.mdp.discount * torch.einsum("sat,...t->...sa", transition, state)
        return Values(action, state, (1 - self.mdp.discount) * flow, (initial * state).sum(-1))

    def expected_return(self, theta: torch.Tensor) -> torch.Tensor:
        return self.values(self.log_policy(theta).exp()).expected_return

    def largest_advantage(self) -> float:
        """A_max: the largest |A| of any policy.

        Along a change of the policy in one state alone an advantage is a quotient of two linear functions, and so
        largest at an end: a deterministic policy has the largest of all.
        """
        states, actions = self.mdp.states, self.mdp.actions
        choices = np.array(list(product(range(actions), repeat=states)))
        return float(np.abs(self.mdp.policy_values(np.eye(actions)[choices]).advantage).max())

    def least_visitation(self) -> float:
        """Assumption 2's epsilon: no policy visits any state less."""
        return float(least_visitation(self.mdp).min())
