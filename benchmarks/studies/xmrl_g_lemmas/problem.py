"""A small problem that is known exactly: softmax policies on a line, mixed data, one inner step, all sums finite."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.policies.parameters import Parameters
from environments.streams import Streams

#: of a state: 1, s, s^2
FEATURES = 3


@dataclass(frozen=True)
class MixedBandits:
    """Contextual bandits with the same states on a line and advantages of their own.

    Each state and action has the same weight, so that the data of a task are its table, and those of a mixed task all
    pairs of entries.  The policy is a softmax of theta^T f(s, a) with f(s, a) the powers of s at the action's place.
    states: [state].  advantages: [task, state, action], of mean 0 in every task, but not in every state,
    where the normaliser of the softmax would cancel and the objective be linear.  critical: as many of the first
    tasks.  step_size: of the inner step.
    """

    states: torch.Tensor
    advantages: torch.Tensor
    critical: int
    step_size: float

    @classmethod
    def drawn(
        cls,
        streams: Streams,
        tasks: int = 4,
        critical: int = 3,
        states: int = 4,
        actions: int = 3,
        step_size: float = 0.5,
    ) -> MixedBandits:
        raw = torch.from_numpy(streams.numpy("advantages").normal(0.0, 3.0, size=(tasks, states, actions)))
        line = torch.linspace(-1.0, 1.0, states, dtype=torch.float64)
        return cls(line, raw - raw.mean((1, 2), keepdim=True), critical, step_size)

    @property
    def actions(self) -> int:
        return self.advantages.shape[-1]

    def parameters(self, streams: Streams) -> Parameters:
        draw = streams.numpy("parameters").normal(0.0, 0.3, size=(FEATURES, self.actions))
        return {"weight": torch.from_numpy(draw)}

    def log_policy(self, weight: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """[..., action] at states [...]."""
        powers = torch.stack([states**power for power in range(FEATURES)], -1)
        return torch.log_softmax(powers @ weight, -1)

    def surrogate(self, weights: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
        """J of every task's pairs of entries, mixed with its coefficient (XMRL-G, Section 5.1), [task].

        With a coefficient of 1 it is that of the entries.  weights: [task, feature, action].
        """
        states = self.states.repeat_interleave(self.actions)
        actions = torch.arange(self.actions).repeat(len(self.states))
        advantages = self.advantages.flatten(1)
        share = coefficients.view(-1, 1, 1)
        mixed = share * states.unsqueeze(1) + (1 - share) * states
        credit = share * advantages.unsqueeze(2) + (1 - share) * advantages.unsqueeze(1)
        chosen = torch.where(share.detach() >= 0.5, actions.unsqueeze(1), actions)
        logs = self.log_policy(weights.unsqueeze(1), mixed).gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
        return (logs * credit).mean((1, 2))

    def adapted(self, weight: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
        """After one inner step on every task's J, [task, feature, action], differentiable to any order."""
        start = weight.expand(len(self.advantages), *weight.shape)
        if not start.requires_grad:
            start = start.clone().requires_grad_()
        with torch.enable_grad():
            total = self.surrogate(start, coefficients).sum()
            (slope,) = torch.autograd.grad(total, start, create_graph=True)
            return start + self.step_size * slope

    def objective(self, parameters: Parameters, coefficients: torch.Tensor) -> torch.Tensor:
        """XMRL-G's (3): the mean over tasks, the critical ones mixed in the inner and in the outer objective."""
        plain = torch.ones(len(self.advantages) - self.critical, dtype=torch.float64)
        every = torch.cat([coefficients, plain])
        return self.surrogate(self.adapted(parameters["weight"], every), every).mean()
