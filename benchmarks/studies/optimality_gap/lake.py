"""A FrozenLake suite's training tasks as tables: what is exact about them, and the paper's settings on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

from algorithms.one_time_adaptation.distances import Distance
from benchmarks.specs.study import Rows, row
from benchmarks.studies.optimality_gap.bounds import (
    Comparators,
    advantage_bound,
    comparators,
    least_visitation,
    worst_return,
)
from benchmarks.studies.optimality_gap.evaluation import TabularTasks
from environments.catalogue import make_suite
from environments.tabular import TabularMDP

SUITES = (
    "frozen-lake-high",
    "frozen-lake-low",
    "frozen-lake-high[start=uniform]",
    "frozen-lake-low[start=uniform]",
)
#: adaptation steps that are measured, as in the paper's figures
STEPS = 4
#: Appendix A: lambda of Alg(1), Alg(2), Alg(3)
WEIGHTS: dict[str, dict[Distance, float]] = {
    "frozen-lake-high": {"kl": 0.5, "reverse_kl": 0.5, "euclidean": 0.04},
    "frozen-lake-low": {"kl": 0.25, "reverse_kl": 0.25, "euclidean": 0.02},
}


def appendix_h_step(suite: str) -> float:
    """Step size of the policy gradient that Alg(3) is when its objective is linearised, at the paper's lambda of it."""
    made = make_suite(suite)
    return round((1 - made.discount) / (2 * WEIGHTS[made.name]["euclidean"]), 9)


@dataclass(frozen=True)
class Lake:
    """A suite's training tasks as tables, and what the theorems' constants are on them."""

    suite: str
    weights: dict[Distance, float]  # the paper's lambdas
    task_ids: tuple[str, ...]
    mdp: TabularMDP
    tasks: TabularTasks
    references: Comparators
    advantage: float  # A_max over tasks
    least_visits: np.ndarray  # [task, S], over policies

    @staticmethod
    @cache
    def load(name: str) -> Lake:
        suite = make_suite(name)
        chosen = suite.split.tasks("train")
        mdp = TabularMDP.stack([suite.model(task) for task in chosen])
        return Lake(
            name,
            WEIGHTS[suite.name],
            tuple(task.id for task in chosen),
            mdp,
            TabularTasks(mdp),
            comparators(mdp),
            advantage_bound(mdp).max().item(),
            least_visitation(mdp),
        )

    @property
    def epsilon(self) -> float:
        return float(self.least_visits.min())

    @property
    def uniform(self) -> torch.Tensor:
        return torch.zeros(self.mdp.states, self.mdp.actions, dtype=torch.float64)

    @property
    def largest_gap(self) -> float:
        """Mean over tasks of what the worst policy misses: a bound above it says nothing of any policy."""
        return float((self.mdp.optimal_return - worst_return(self.mdp)).mean())

    def gap(self, returns: torch.Tensor) -> float:
        """Mean over tasks of the optimum minus the given returns [task]."""
        return float((torch.from_numpy(self.mdp.optimal_return) - returns).mean())

    def row(self, quantity: str, value: float, algorithm: str = "", **place: Any) -> dict[str, Any]:
        return row(quantity, value, self.suite, algorithm, **place)

    def steps(self, quantity: str, algorithm: str, returns: torch.Tensor, x: float) -> Rows:
        """Rows of returns [steps + 1, task]."""
        return [entry for step in range(len(returns)) for entry in self.step(quantity, algorithm, returns, step, x)]

    def step(self, quantity: str, algorithm: str, returns: torch.Tensor, step: int, x: float) -> Rows:
        """Rows of one adaptation step of returns [steps + 1, task]."""
        return [
            self.row(quantity, value, algorithm, task=task, index=step, x=x)
            for task, value in zip(self.task_ids, returns[step].tolist(), strict=True)
        ]
