"""One reading of Alg(i): returns, gaps and bounds at the paper's lambda and, where there is one, the theorem's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from algorithms.one_time_adaptation.distances import Distance
from benchmarks.specs.study import Rows
from benchmarks.studies.optimality_gap.bounds import (
    best_single_policy,
    task_variance,
    theorem_weight,
    tightest_bound,
)
from benchmarks.studies.optimality_gap.hypergradient import Penalty
from benchmarks.studies.optimality_gap.lake import STEPS, Lake
from benchmarks.studies.optimality_gap.meta_training import ExactAdaptation, returns_after_steps
from benchmarks.studies.optimality_gap.random_initialisation import Draws, difference_rows, error_rows
from benchmarks.studies.optimality_gap.several_starts import UNIFORM, start_rows, train_from

#: distance and penalty of each reading of Alg(i)
ADAPTATIONS: dict[str, tuple[Distance, Penalty]] = {
    "bo-mrl-1": ("kl", "table"),
    "bo-mrl-2": ("reverse_kl", "table"),
    "bo-mrl-3": ("euclidean", "table"),
    "bo-mrl-3-by-state": ("euclidean", "state"),
}


@dataclass(frozen=True)
class OneTime:
    """A reading of Alg(i) with its meta-policy."""

    lake: Lake
    algorithm: str
    logits: torch.Tensor  # the meta-policy [S, A]

    @property
    def rule(self) -> ExactAdaptation:
        return rule_of(self.lake, self.algorithm)

    def return_rows(self, random: Draws) -> Rows:
        """Returns after each adaptation, and those of random initialisations that are adapted as it is."""
        lake, weight, name = self.lake, self.rule.weight, f"random-init+{self.algorithm}"
        returns = returns_after_steps(self.rule, lake.tasks, self.logits, STEPS)
        rows = lake.steps("return after k steps", self.algorithm, returns, weight)
        rows += lake.steps("return after k steps", name, random.mean, weight) + error_rows(lake, name, random, weight)
        for step in range(1, STEPS + 1):
            rows += difference_rows(lake, self.algorithm, float(returns[step].mean()), random, step, weight)
        return rows + [
            lake.row("optimality gap", lake.gap(returns[step]), self.algorithm, index=step, x=weight) for step in (0, 1)
        ]

    def bound_rows(self, iterations: int) -> Rows:
        """The variance and the bounds that it gives.  iterations: of meta-training at the theorem's lambda."""
        lake, discount = self.lake, self.lake.mdp.discount
        distance, weight, penalty = self.rule.distance, self.rule.weight, self.rule.penalty
        variance = task_variance(distance, lake.mdp, lake.references, penalty)
        rows = [
            lake.row(name, value, self.algorithm)
            for name, value in (
                ("variance", variance.value),
                ("comparators' loss", variance.comparator_loss),
                ("A'_max", variance.advantage),
                ("epsilon of the variance's centre", variance.least_visits),
            )
        ]
        best = tightest_bound(distance, lake.mdp, variance, lake.references, weight, penalty)
        rows.append(lake.row("bound", variance.bound(distance, weight, discount), self.algorithm, x=weight))
        rows.append(lake.row("bound with the best comparators", best, self.algorithm, x=weight))

        theorem = theorem_weight(distance, lake.advantage, discount, lake.epsilon)
        if not np.isfinite(theorem):
            return rows
        sharper = theorem_weight(distance, variance.advantage, discount, lake.epsilon)
        cautious = ExactAdaptation(distance, theorem, penalty)
        # also from the policy that needs no adaptation, since little is adapted at this lambda
        starts = {
            UNIFORM: lake.uniform,
            "best single policy": best_single_policy(lake.mdp),
            "centre of the variance": variance.centre,
        }
        guarded = train_from(cautious, lake.tasks, starts, iterations)
        rows += start_rows(lake, self.algorithm, theorem, guarded, " at the theorem's lambda")
        best = tightest_bound(distance, lake.mdp, variance, lake.references, theorem, penalty)
        numbers = {
            "optimality gap at the theorem's lambda": lake.gap(self._once(cautious, guarded.best)),
            "optimality gap from the variance's centre at the theorem's lambda": lake.gap(
                self._once(cautious, variance.centre)
            ),
            "bound at the theorem's lambda": variance.bound(distance, theorem, discount),
            "bound with the best comparators at the theorem's lambda": best,
        }
        rows += [
            lake.row(name, value, self.algorithm, index=name.startswith("optimality gap"), x=theorem)
            for name, value in numbers.items()
        ]
        rows.append(
            lake.row(
                "bound at the theorem's lambda, A'_max",
                variance.bound(distance, sharper, discount),
                self.algorithm,
                x=sharper,
            )
        )
        returns = returns_after_steps(cautious, lake.tasks, self.logits, STEPS)
        return rows + lake.steps("return after k steps at the theorem's lambda", self.algorithm, returns, theorem)

    def _once(self, rule: ExactAdaptation, logits: torch.Tensor) -> torch.Tensor:
        """Returns after one adaptation, [task]."""
        return returns_after_steps(rule, self.lake.tasks, logits, 1)[1]


def rule_of(lake: Lake, algorithm: str) -> ExactAdaptation:
    """At the paper's lambda."""
    distance, penalty = ADAPTATIONS[algorithm]
    return ExactAdaptation(distance, lake.weights[distance], penalty)
