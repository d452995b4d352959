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
        """The return after one step, with its gradient in the logits before."""


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
    rule: AdaptationRule, tasks: TabularTasks, start: torch.Tensor, iterations: int = ITERATIONS
) -> tuple[torch.Tensor, float]:
    """Logits [S, A] of the best iterate on the training tasks themselves, and its mean return after one step.

    The best rather than the last: Alg(3) is not concave at small lambda, so that the objective has jumps.
    """
    parameters = {"logits": start}
    optimiser = Adam(parameters, RATE)
    best, reached = start, -float("inf")
    for _ in range(iterations + 1):
        logits = parameters["logits"]
        step = rule.differentiate(tasks, logits)
        mean = float(step.expected_return.mean())
        if mean > reached:
            best, reached = logits, mean
        parameters = optimiser.ascend(parameters, {"logits": step.gradient.mean(0)})
    return best, reached


def returns_after_steps(rule: AdaptationRule, tasks: TabularTasks, logits: torch.Tensor, steps: int) -> torch.Tensor:
    """Exact returns [steps + 1, task] before and after each of several adaptation steps, values renewed each time."""
    returns = []
    for _ in range(steps + 1):
        evaluation = tasks.evaluate(logits)
        returns.append(evaluation.expected_return)
        logits = rule.adapt(evaluation)
    return torch.stack(returns)
