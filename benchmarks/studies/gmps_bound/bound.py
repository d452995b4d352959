"""Both sides of Theorem A.1 of GMPS on an MDP that is known exactly, every step of its proof between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from environments.tabular import TabularMDP


@dataclass(frozen=True)
class Bound:
    """Of one task, in costs c = (largest reward - r) / (largest - smallest) in [0, 1], over H steps without discount.

    Q_t(s, a) is the cost of the action and then of the expert until the horizon.  All are means or maxima over what
    the learned policy visits, since the theorem asks no more.
    """

    expert: float  # J(pi*)
    learned: float  # J(pi')
    identity: float  # J(pi*) + sum_t E_d'[Q_t(s, pi') - Q_t(s, pi*)], which is J(pi')
    delta: float  # the largest Q_t(s, pi') - Q_t(s, pi*), as the theorem has it
    spread: float  # the largest Q_t(s, a) - Q_t(s, a'), what a different action can cost
    divergence: float  # epsilon: the largest KL(pi' || pi*)
    mean_divergence: float  # mean over steps and states, as training has it
    variation: float  # mean total variation
    disagreement: float  # mean P(a' != a*) of actions drawn by themselves, the proof's 0-1 loss
    horizon: int

    @property
    def printed(self) -> float:
        """J(pi*) + delta sqrt(epsilon) H."""
        return self.expert + self.delta * self.divergence**0.5 * self.horizon

    @property
    def corrected(self) -> float:
        """The same with what a different action can cost in delta's place: by Hoelder's inequality
        Q_t(s, pi') - Q_t(s, pi*) <= spread TV, and by Pinsker's TV <= sqrt(KL / 2)."""
        return self.expert + self.spread * (self.divergence / 2) ** 0.5 * self.horizon

    @property
    def by_variation(self) -> float:
        """Before Pinsker's inequality, with the mean variation."""
        return self.expert + self.spread * self.variation * self.horizon


def soft_optimal(mdp: TabularMDP, temperature: float, tolerance: float = 1e-12) -> np.ndarray:
    """The policy exp((Q - V) / temperature) [..., S, A] that is best with its entropy, discounted, for ever.

    V = temperature log sum_a exp(Q / temperature), by iteration to a fixed point, which discount < 1 has.
    """
    value = np.zeros(mdp.reward.shape[:-1])
    while True:
        action = mdp.reward + mdp.discount * np.einsum("...sat,...t->...sa", mdp.transition, value)
        top = action.max(-1, keepdims=True)
        weights = np.exp((action - top) / temperature)
        new = top[..., 0] + temperature * np.log(weights.sum(-1))
        if np.abs(new - value).max() <= tolerance:
            return weights / weights.sum(-1, keepdims=True)
        value = new


def bound(mdp: TabularMDP, learned: np.ndarray, expert: np.ndarray, horizon: int) -> Bound:
    """Of one MDP [S, A, S] and policies [S, A]; the expert's probabilities are above 0."""
    low, high = mdp.reward.min(), mdp.reward.max()
    cost = (high - mdp.reward) / (high - low)
    togo = _costs_to_go(mdp, cost, expert, horizon)
    visited = _visits(mdp, learned, horizon)
    seen = visited > 0
    chain = (togo * (learned - expert)).sum(-1)
    logs = np.log(np.where(learned > 0, learned, 1.0)) - np.log(expert)
    divergence = (learned * logs).sum(-1)
    variation = np.abs(learned - expert).sum(-1) / 2
    disagreement = 1 - (learned * expert).sum(-1)

    def total(policy: np.ndarray) -> float:
        return float((_visits(mdp, policy, horizon) * (policy * cost).sum(-1)).sum())

    def mean(values: np.ndarray) -> float:
        return float((visited * values).sum() / horizon)

    return Bound(
        expert=total(expert),
        learned=total(learned),
        identity=total(expert) + float((visited * chain).sum()),
        delta=float(chain[seen].max()),
        spread=float((togo.max(-1) - togo.min(-1))[seen].max()),
        divergence=float(np.broadcast_to(divergence, seen.shape)[seen].max()),
        mean_divergence=mean(divergence),
        variation=mean(variation),
        disagreement=mean(disagreement),
        horizon=horizon,
    )


def _costs_to_go(mdp: TabularMDP, cost: np.ndarray, policy: np.ndarray, horizon: int) -> np.ndarray:
    """Q_t(s, a) of the action at step t and the policy after it, [time, S, A]."""
    found = np.zeros((horizon, *cost.shape))
    value = np.zeros(len(cost))
    for time in reversed(range(horizon)):
        found[time] = cost + mdp.transition @ value
        value = (policy * found[time]).sum(-1)
    return found


def _visits(mdp: TabularMDP, policy: np.ndarray, horizon: int) -> np.ndarray:
    """P(s_t = s), [time, S]."""
    chain = np.einsum("sa,sat->st", policy, mdp.transition)
    found = [mdp.initial]
    for _ in range(horizon - 1):
        found.append(found[-1] @ chain)
    return np.stack(found)
