"""One-time adaptation of a tabular softmax policy to a batch: sampled action values, the exact solution."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.estimators.advantages import discounted_sums
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.one_time_adaptation.adaptation import OneTimeConfig
from algorithms.one_time_adaptation.distances import Distance
from algorithms.one_time_adaptation.tabular import adapt_tabular, adapt_tabular_vjp
from algorithms.one_time_adaptation.tabular_model_values import modelled_values
from algorithms.policies.parameters import Parameters
from environments.trajectories import TrajectoryBatch

#: a divisor of what is 0 where nothing was visited
TINY = 1e-300


def sampled_values(
    trajectories: TrajectoryBatch, discount: float, states: int, actions: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Monte Carlo estimates of Q [task, S, A] and of the discounted visitation [task, S] of the policy that acted.

    The visitation is (1 - discount) sum_t discount^t P(s_t = s), normalised over the horizon.  Q is the mean
    rewards-to-go of the visits, each with the weight discount^t that it has in the visitation: visits near the horizon,
    whose rewards-to-go are cut short, hardly count.  In a visited state an action never taken has the state's mean
    (advantage 0); a state never visited has 0 throughout, and so keeps its policy.  float64.
    """
    visits = Visits(trajectories, discount, states, actions)
    return visits.values(trajectories.rewards.double()), visits.of_states


class Visits:
    """A batch's visits of states and actions, each with its weight discount^t in the visitation."""

    def __init__(self, trajectories: TrajectoryBatch, discount: float, states: int, actions: int) -> None:
        self.discount = discount
        self.mask = trajectories.mask.double()
        self.steps = discount ** torch.arange(self.mask.shape[2], dtype=torch.float64)
        self.weight = self.mask * self.steps
        self.states = trajectories.observations.reshape(len(self.mask), -1)
        self.pairs = (trajectories.observations * actions + trajectories.actions).reshape(len(self.mask), -1)
        self.shape = (len(self.mask), states, actions)
        self.of_pairs = self.summed(self.weight)

    @property
    def of_states(self) -> torch.Tensor:
        """The visitation, [task, S]."""
        return self.of_pairs.sum(-1) / (self.steps.sum() * self.mask.shape[1])

    def summed(self, amounts: torch.Tensor) -> torch.Tensor:
        """Amounts [task, trajectory, step] added up by state and action, [task, S, A]."""
        tasks, states, actions = self.shape
        empty = torch.zeros(tasks, states * actions, dtype=torch.float64)
        return empty.scatter_add(1, self.pairs, amounts.reshape(tasks, -1)).reshape(self.shape)

    def values(self, rewards: torch.Tensor) -> torch.Tensor:
        """Mean discounted rewards-to-go of each pair's visits, [task, S, A]."""
        sums = self.summed(discounted_sums(rewards * self.mask, self.discount) * self.weight)
        mean = sums.sum(-1, keepdim=True) / self.of_pairs.sum(-1, keepdim=True).clamp_min(TINY)
        return torch.where(self.of_pairs > 0, sums / self.of_pairs.clamp_min(TINY), mean)

    def values_vjp(self, cotangent: torch.Tensor, policy: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """sum_(s,a) c(s, a) dQ(s, a) / d logits, for a cotangent c of `values`, estimated: [task, S, A].

        Equation (5) of Appendix C with the visitations that follow each pair as sampled.
        """
        taken = self.of_pairs > 0
        untaken = (cotangent * ~taken).sum(-1, keepdim=True) / self.of_pairs.sum(-1, keepdim=True).clamp_min(TINY)
        share = torch.where(taken, cotangent / self.of_pairs.clamp_min(TINY) + untaken, 0.0)
        sent = self.weight * share.flatten(1).gather(1, self.pairs).reshape(self.weight.shape)
        # what earlier visits send to a step, a discounted sum backwards in time, less the step's own
        arriving = (discounted_sums(sent.flip(-1), self.discount).flip(-1) - sent) * self.mask
        flow = self.summed(arriving).sum(-1, keepdim=True)
        return flow * policy * advantage(policy, values)

    def visitation_vjp(self, cotangent: torch.Tensor, policy: torch.Tensor) -> torch.Tensor:
        """sum_s c(s) d nu(s) / d logits, estimated: the policy gradient for c(s) as the reward of being in s."""
        pay = cotangent.gather(1, self.states).reshape(self.mask.shape)
        return self.of_states[..., None] * policy * advantage(policy, self.values(pay))


def advantage(policy: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return values - (policy * values).sum(-1, keepdim=True)


@dataclass(frozen=True)
class SampledTabularAdaptation:
    """Equation (1) of Xu and Zhu 2024 for the divergences, Equation (2) for "euclidean", with Q and nu from a batch.

    Solved exactly per state, without h, which (7) has for the sake of few samples of many actions; differentiated by
    Propositions 1 and 2.  modelled: Q from the batch's transitions by the Bellman equation, not by Monte Carlo.
    """

    distance: Distance
    config: OneTimeConfig
    discount: float
    states: int
    actions: int
    modelled: bool = False

    def solve(self, start: Parameters, batch: AdaptationBatch) -> Parameters:
        """Logits [task, S, A] of the adapted policies, of the start's type."""
        logits = start["logits"].detach()
        values, visitation = self._values(batch)
        adapted = adapt_tabular(self.distance, logits.double(), values, self.config.regularisation, visitation)
        return {"logits": adapted.to(logits.dtype)}

    def outer_objective(self, parameters: Parameters, batch: AdaptationBatch) -> torch.Tensor:
        """sum_s nu(s) sum_a pi(a|s) Q(s, a) with the sampled nu and Q of the policy that acted, [task]."""
        values, visitation = self._values(batch)
        policy = parameters["logits"].double().softmax(-1)
        return (visitation * (policy * values).sum(-1)).sum(-1)

    def vjp(
        self, cotangent: Parameters, solution: Parameters, start: Parameters, batch: AdaptationBatch
    ) -> tuple[Parameters, torch.Tensor]:
        """The product of a cotangent of the solution with its derivative by the start; no curvature is negative."""
        logits = start["logits"].detach()
        values, visitation = self._values(batch)
        image, by_values, by_visitation = adapt_tabular_vjp(
            self.distance,
            logits.double(),
            values,
            self.config.regularisation,
            visitation,
            solution["logits"].double(),
            cotangent["logits"].double(),
        )
        visits = Visits(batch.trajectories, self.discount, self.states, self.actions)
        policy = logits.double().softmax(-1)
        if self.config.value_derivative is not False:
            image = image + visits.values_vjp(by_values, policy, values)
        if self.config.visitation_derivative:
            image = image + visits.visitation_vjp(by_visitation, policy)
        return {"logits": image.to(logits.dtype)}, torch.zeros(len(logits), dtype=torch.bool)

    def _values(self, batch: AdaptationBatch) -> tuple[torch.Tensor, torch.Tensor]:
        values, visitation = sampled_values(batch.trajectories, self.discount, self.states, self.actions)
        if self.modelled:
            values = modelled_values(batch.trajectories, self.discount, self.states, self.actions)
        return values, visitation
