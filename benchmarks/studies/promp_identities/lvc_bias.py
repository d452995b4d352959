"""The bias of LVC's Hessian on the way to a local optimum: H_12 + H_12^T, beside the exact Hessian.

Appendix B.2 names conditions under which it vanishes there, from Furmston et al. 2016: an infinite horizon and a
sufficiently rich parameterisation.  A problem can be had with both, with a finite horizon, or with logits that all
states share.  Rich logits have their optimum at infinity, where the Hessian vanishes as well, and the bias would with
any factor; only the bias over the Hessian's norm can then fail to.  Shared logits can have it at finite parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from environments.tabular import TabularMDP, differentiable_return

#: of the ascent
LARGEST_ITERATIONS = 100_000
#: by which the step grows after each that has raised the return, and shrinks where one has not
GROWTH, SHRINKING = 1.02, 0.5


@dataclass(frozen=True)
class BiasProblem:
    """A stationary softmax policy on an MDP.

    horizon: None for the infinite discounted return, else that of the sum of rewards with the MDP's discount.
    shared: whether all states share their logits, P = actions; else P = states * actions.
    """

    mdp: TabularMDP
    horizon: int | None = None
    shared: bool = False

    def policy(self, parameters: torch.Tensor) -> torch.Tensor:
        """Of [P], probabilities [state, action], differentiable."""
        rows = 1 if self.shared else self.mdp.states
        return torch.softmax(parameters.view(rows, -1), -1).expand(self.mdp.states, -1)

    def value(self, parameters: torch.Tensor) -> torch.Tensor:
        return differentiable_return(self.mdp, self.policy(parameters), self.horizon)

    def occupied(self, policy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Visits [state], and visits times the action values that follow [state, action], summed over discounted time.

        policy: probabilities [state, action].
        """
        mdp = self.mdp
        if self.horizon is None:
            visits = mdp.visitation(policy) / (1 - mdp.discount)
            return visits, visits[:, None] * mdp.policy_values(policy).action
        values = [mdp.reward]
        for _ in range(self.horizon - 1):
            values.append(mdp.reward + mdp.discount * mdp.transition @ (policy * values[-1]).sum(-1))
        chain = np.einsum("sa,sat->st", policy, mdp.transition)
        visits, total, credit = mdp.initial, np.zeros(mdp.states), np.zeros_like(mdp.reward)
        for value in reversed(values):
            total, credit = total + visits, credit + visits[:, None] * value
            visits = mdp.discount * visits @ chain
        return total, credit

    def expected_lvc_hessian(self, parameters: torch.Tensor) -> torch.Tensor:
        """E of the Hessian of (5), rewards discounted from the start: visits and values are constants in it, [P, P]."""
        _, credit = self.occupied(self.policy(parameters).numpy())
        weights = torch.from_numpy(credit)
        return torch.func.hessian(lambda at: (self.policy(at) * weights).sum())(parameters)

    def exact_hessian(self, parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.hessian(self.value)(parameters)

    def natural_gradient(self, parameters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The gradient and the natural gradient of the value, [P]."""
        policy = self.policy(parameters)
        visits, credit = self.occupied(policy.numpy())
        values = torch.from_numpy(credit / visits[:, None])
        advantage = values - (policy * values).sum(-1, keepdim=True)
        weight = torch.from_numpy(visits).unsqueeze(-1)
        if self.shared:
            total = (weight * advantage).sum(0)
            return policy[0] * total, total / weight.sum()
        return (weight * policy * advantage).flatten(), advantage.flatten()


class Bias(NamedTuple):
    """At one point of the ascent."""

    place: int  # of the least share that has been reached
    share: float  # of the first gradient's norm that is left
    absolute: float  # norm of the expected LVC Hessian less the exact one
    relative: float  # over the exact one's norm
    value: float  # the expected return
    least_probability: float  # of an action


def biases(problem: BiasProblem, start: torch.Tensor, shares: tuple[float, ...]) -> Iterator[Bias]:
    """Where the gradient's norm has first fallen to a share of the first one, along natural gradient ascent.

    A step may fall through several shares at once, which then have one point.

    start: [P].  shares: falling.  Raises FloatingPointError if the last one is not reached.
    """
    parameters, step = start, 1.0
    gradient, natural = problem.natural_gradient(parameters)
    first, value, seen = float(gradient.norm()), float(problem.value(parameters)), 0
    for _ in range(LARGEST_ITERATIONS):
        share = float(gradient.norm()) / first
        reached = sum(share <= each for each in shares)
        if reached > seen:
            yield _bias(problem, parameters, reached - 1, share, value)
            seen = reached
        if seen == len(shares):
            return
        while True:
            moved = parameters + step * natural
            after = float(problem.value(moved))
            # near an optimum the return is flat to rounding
            if after >= value - 1e-14 * abs(value):
                break
            step *= SHRINKING
        parameters, value, step = moved, after, step * GROWTH
        gradient, natural = problem.natural_gradient(parameters)
    raise FloatingPointError(f"the gradient's norm fell only to {share:.2g} of its first value, not {shares[-1]}")


def _bias(problem: BiasProblem, parameters: torch.Tensor, place: int, share: float, value: float) -> Bias:
    exact = problem.exact_hessian(parameters)
    bias = float((problem.expected_lvc_hessian(parameters) - exact).norm())
    least = float(problem.policy(parameters).min())
    return Bias(place, share, bias, bias / float(exact.norm()), value, least)
