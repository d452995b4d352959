"""Meta-training on known MDPs: exact gradient ascent on the mean return after one adaptation step.

Algorithm 1 of Xu & Zhu 2024 with exact values, every task in each iteration, and Adam in place of its fixed step size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch

from algorithms.one_time_adaptation.distances import Distance
from algorithms.optimisation.adam import Adam
from benchmarks.studies.optimality_gap.evaluation import Evaluation, TabularTasks
from benchmarks.studies.optimality_gap.hypergradient import (
    Hypergradient,
    Penalty,
    adapt_exactly,
    hypergradient,
    maml_gradient,
    policy_gradient_step,
)

#: Adam's step size and number of iterations
RATE, ITERATIONS = 0.05, 600


class AdaptationRule(ABC):
    """How a policy becomes a task's own in one step, exactly."""

    @abstractmethod
    def adapt(self, evaluation: Evaluation) -> torch.Tensor:
        """Adapted logits [..., S, A]."""

    @abstractmethod
    def differentiate(self, tasks: TabularTasks, logits: torch.Tensor) -> Hypergradient:
        """The return after one step, with its gradient in the logits before, which broadcast against the tasks."""


@dataclass(frozen=True)
class ExactAdaptation(AdaptationRule):
    """Alg(i) with weight lambda."""

    distance: Distance
    weight: float
    penalty: Penalty = "table"

    def adapt(self, evaluation: Evaluation) -> torch.Tensor:
        return adapt_exactly(self.distance, evaluation, self.weight, self.penalty)

    def differentiate(self, tasks: TabularTasks, logits: torch.Tensor) -> Hypergradient:
        return hypergradient(self.distance, tasks, logits, self.weight, self.penalty)


@dataclass(frozen=True)
class PolicyGradientStep(AdaptationRule):
    """One exact policy-gradient step, as in MAML."""

    step_size: float

    def adapt(self, evaluation: Evaluation) -> torch.Tensor:
        return policy_gradient_step(evaluation, self.step_size)

    def differentiate(self, tasks: TabularTasks, logits: torch.Tensor) -> Hypergradient:
        return maml_gradient(tasks, logits, self.step_size)


def meta_train(
    rule: AdaptationRule, tasks: TabularTasks, starts: torch.Tensor, iterations: int = ITERATIONS
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each start's best iterate on the training tasks themselves [start, S, A], and its mean return after one step.

    starts: logits [start, S, A], trained apart from each other, but in one batch.  The best iterate rather than the
    last: Alg(3) is not concave at small lambda, so that the objective has jumps.
    """
    parameters = {"logits": starts}
    optimiser = Adam(parameters, RATE)
    best, reached = starts, torch.full(starts.shape[:1], -torch.inf, dtype=starts.dtype)
    for _ in range(iterations + 1):
        logits = parameters["logits"]
        step = rule.differentiate(tasks, logits[:, None])
        mean = step.expected_return.mean(-1)
        better = mean > reached
        best = torch.where(better[:, None, None], logits, best)
        reached = torch.where(better, mean, reached)
        parameters = optimiser.ascend(parameters, {"logits": step.gradient.mean(1)})
    return best, reached


def returns_after_steps(rule: AdaptationRule, tasks: TabularTasks, logits: torch.Tensor, steps: int) -> torch.Tensor:
    """Exact returns [steps + 1, ..., task] before and after each of several adaptation steps, values renewed each time.

    logits: [S, A], or [..., 1, S, A] for several policies.
    """
    returns = []
    for _ in range(steps + 1):
        evaluation = tasks.evaluate(logits)
        returns.append(evaluation.expected_return)
        logits = rule.adapt(evaluation)
    return torch.stack(returns)
