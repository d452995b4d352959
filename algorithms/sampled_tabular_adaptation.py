"""One-time adaptation of a tabular softmax policy to a batch: sampled action values, the exact solution."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.advantages import discounted_sums
from algorithms.certainty_equivalence import modelled_values
from algorithms.gradient_adaptation import StepData
from algorithms.networks import Parameters
from algorithms.policy_distances import Kind
from algorithms.tabular_adaptation import adapt_tabular, adaptation_vjp
from environments.trajectories import TrajectoryBatch


def sampled_values(
    batch: TrajectoryBatch, discount: float, states: int, actions: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Monte Carlo estimates of Q [task, S, A] and of the discounted visitation [task, S] of the policy that acted.

    The visitation is (1 - discount) sum_t discount^t P(s_t = s), normalised over the horizon.  Q is the mean
    rewards-to-go of the visits, each with the weight discount^t that it has in the visitation: visits near the horizon,
    whose rewards-to-go are cut short, hardly count.  In a visited state an action never taken has the state's mean
    (advantage 0); a state never visited has 0 throughout, and so keeps its policy.  float64.
    """
    mask = batch.mask.double()
    tasks, _, horizon = mask.shape
    weight = mask * discount ** torch.arange(horizon, dtype=torch.float64)
    earned = discounted_sums(batch.rewards.double() * mask, discount) * weight
    pairs = (batch.observations * actions + batch.actions).reshape(tasks, -1)
    empty = torch.zeros(tasks, states * actions, dtype=torch.float64)
    weights = empty.scatter_add(1, pairs, weight.reshape(tasks, -1)).reshape(tasks, states, actions)
    sums = empty.scatter_add(1, pairs, earned.reshape(tasks, -1)).reshape(tasks, states, actions)
    mean = sums.sum(-1, keepdim=True) / weights.sum(-1, keepdim=True).clamp_min(1e-300)
    values = torch.where(weights > 0, sums / weights.clamp_min(1e-300), mean)
    start = (discount ** torch.arange(horizon, dtype=torch.float64)).sum() * mask.shape[1]
    return values, weights.sum(-1) / start


@dataclass(frozen=True)
class SampledTabularAdaptation:
    """Equation (1), of Xu and Zhu 2024, for Alg(1) and Alg(2), Equation (2) for Alg(3), with Q and nu from a batch.

    Solved exactly per state, without h, which (7) has for the sake of few samples of many actions; differentiated by
    Propositions 1 and 2 with Q and nu held, as Equation (8) does.
    """

    kind: Kind
    regularisation: float  # lambda
    discount: float
    states: int
    actions: int
    modelled: bool = False  # Q from the batch's transitions by the Bellman equation, not by Monte Carlo

    def solve(self, start: Parameters, step: StepData) -> Parameters:
        """Logits [task, S, A] of the adapted policies, of the start's type."""
        logits = start["logits"].detach()
        values, visitation = self._values(step)
        adapted = adapt_tabular(self.kind, logits.double(), values, self.regularisation, visitation)
        return {"logits": adapted.to(logits.dtype)}

    def outer_objective(self, parameters: Parameters, step: StepData) -> torch.Tensor:
        """sum_s nu(s) sum_a pi(a|s) Q(s, a) with the sampled nu and Q of the policy that acted, [task]."""
        values, visitation = self._values(step)
        policy = parameters["logits"].double().softmax(-1)
        return (visitation * (policy * values).sum(-1)).sum(-1)

    def pull_back(
        self, gradient: Parameters, solution: Parameters, start: Parameters, step: StepData
    ) -> tuple[Parameters, torch.Tensor]:
        """Each task's gradient in the adapted logits as one in those of the start; no task fails."""
        logits = start["logits"].detach()
        values, visitation = self._values(step)
        image, _, _ = adaptation_vjp(
            self.kind,
            logits.double(),
            values,
            self.regularisation,
            visitation,
            solution["logits"].double(),
            gradient["logits"].double(),
        )
        return {"logits": image.to(logits.dtype)}, torch.zeros(len(logits), dtype=torch.bool)

    def _values(self, step: StepData) -> tuple[torch.Tensor, torch.Tensor]:
        values, visitation = sampled_values(step.batch, self.discount, self.states, self.actions)
        if self.modelled:
            values = modelled_values(step.batch, self.discount, self.states, self.actions)
        return values, visitation
