"""The numbers behind Figures 1, 3 and 4 of Xu & Zhu 2024 (BO-MRL), exact: FrozenLake's tables are known.

Meta-policies are trained on the suite's 20 training tasks, and measured on these, as the paper does; nothing is sampled
but the random initialisations, which alone depend on the seed.

Start distribution.  Each suite is trained and measured under its own.  The theorems need one of full support
(Assumption 2): `[start=uniform]`, where every tile has initial probability 1/16 and a policy can keep away from each
that does not absorb, so that epsilon = (1 - gamma) / 16 = 0.0125.  The plain suites start on the S tile alone, where
the optimum is the 1.638 of the paper's figures; there epsilon is 0, no lambda is large enough, and the bounds are
observations at the paper's lambda only.

Alg(3).  `bo-mrl-3` penalises the distance of the whole table, Equation (2); `bo-mrl-3-by-state` that of the state's own
row, Equation (1), where nu(s) cancels.  At the paper's lambda and high variance the second reaches a return of 1.38
after one adaptation, near the 1.312 that the paper's authors plot, while the first does not leave the start (-0.001).

Policy gradient.  The step size is that of Alg(3) with its objective linearised (Appendix H): (1 - gamma) / (2 lambda)
at the paper's lambda of Alg(3), 2.5 and 5.  "return after k steps by step size" shows what other sizes give, from the
meta-policy and from random initialisations.  With large ones a step is nearly a greedy policy improvement: MAML passes
one-time Alg(1) between 10 and 20 at high variance and between 5 and 10 at low, and is above random initialisation at
every size tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import torch

from algorithms.one_time_adaptation.distances import Distance
from benchmarks.studies.optimality_gap.bounds import (
    Comparators,
    advantage_bound,
    best_single_policy,
    comparators,
    least_visitation,
    task_variance,
    theorem_weight,
    tightest_bound,
)
from benchmarks.studies.optimality_gap.evaluation import TabularTasks
from benchmarks.studies.optimality_gap.hypergradient import Penalty, policy_gradient_step
from benchmarks.studies.optimality_gap.meta_training import (
    AdaptationRule,
    ExactAdaptation,
    PolicyGradientStep,
    meta_train,
    returns_after_steps,
)
from benchmarks.studies.study import Rows, Study, StudyConfig, row
from environments.catalogue import make_suite
from environments.streams import Streams
from environments.tabular import TabularMDP

#: seconds of one core for each part
SECONDS = 8

SUITES = (
    "frozen-lake-high",
    "frozen-lake-low",
    "frozen-lake-high[start=uniform]",
    "frozen-lake-low[start=uniform]",
)
STEPS = 4
#: Appendix A: lambda of Alg(1), Alg(2), Alg(3)
WEIGHTS: dict[str, dict[Distance, float]] = {
    "frozen-lake-high": {"kl": 0.5, "reverse_kl": 0.5, "euclidean": 0.04},
    "frozen-lake-low": {"kl": 0.25, "reverse_kl": 0.25, "euclidean": 0.02},
}
#: distance and penalty of each reading of Alg(i)
ADAPTATIONS: dict[str, tuple[Distance, Penalty]] = {
    "bo-mrl-1": ("kl", "table"),
    "bo-mrl-2": ("reverse_kl", "table"),
    "bo-mrl-3": ("euclidean", "table"),
    "bo-mrl-3-by-state": ("euclidean", "state"),
}
#: policy-gradient steps tried beside the one of Appendix H
STEP_SIZES = (0.1, 1.0, 2.5, 5.0, 10.0, 20.0, 100.0)
#: random initialisations: logits from N(0, 1); their returns differ by about 0.4 a draw
DRAWS = 100


def all_parts() -> list[str]:
    """Units of work, `suite/what`, each under half a minute of one core."""
    return [f"{suite}/{what}" for suite in SUITES for what in ("constants", "maml", *ADAPTATIONS)]


def optimality_gap(part: str, seed: int = 0) -> Rows:
    """The rows of one part: quantity, suite, algorithm, task ("" for the mean over tasks), index, x and value.

    index: adaptation steps, or the tile.  x: lambda, or the policy gradient's step size.
    Raises ValueError for an unknown part.
    """
    if part not in all_parts():
        raise ValueError(f"part must be one of {all_parts()}, got {part!r}")
    suite, _, what = part.rpartition("/")
    lake = Lake.load(suite)
    if what == "constants":
        return _constants(lake)
    if what == "maml":
        return _policy_gradient(lake, seed)
    return _one_time(lake, what, seed)


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
        ids = tuple(task.id for task in chosen)
        return Lake(
            name,
            WEIGHTS[suite.name],
            ids,
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

    def weight(self, distance: Distance) -> float:
        return self.weights[distance]

    @property
    def policy_gradient(self) -> PolicyGradientStep:
        return PolicyGradientStep(round((1 - self.mdp.discount) / (2 * self.weight("euclidean")), 9))

    def gap(self, returns: torch.Tensor) -> float:
        """Mean over tasks of the optimum minus the given returns [task]."""
        return float((torch.from_numpy(self.mdp.optimal_return) - returns).mean())

    def row(self, quantity: str, value: float, algorithm: str = "", **place: Any) -> dict[str, Any]:
        return row(quantity, value, self.suite, algorithm, **place)

    def steps(self, quantity: str, algorithm: str, returns: torch.Tensor, x: float) -> Rows:
        """Rows of returns [steps + 1, task]."""
        return [
            self.row(quantity, value, algorithm, task=task, index=index, x=x)
            for index, values in enumerate(returns.tolist())
            for task, value in zip(self.task_ids, values, strict=True)
        ]

    def random_returns(self, rule: AdaptationRule, seed: int) -> torch.Tensor:
        """Returns [steps + 1, task] from random initialisations, the mean over draws."""
        draws = []
        for draw in range(DRAWS):
            noise = Streams(seed).numpy("random initialisation", draw).standard_normal(tuple(self.uniform.shape))
            draws.append(returns_after_steps(rule, self.tasks, torch.from_numpy(noise), STEPS))
        return torch.stack(draws).mean(0)


def _constants(lake: Lake) -> Rows:
    """The optimum, no adaptation's best, and which tiles carry initial probability and count for epsilon."""
    optimum = torch.from_numpy(lake.mdp.optimal_return)
    single = lake.tasks.evaluate(best_single_policy(lake.mdp)).expected_return
    rows = lake.steps("return after k steps", "oracle", optimum.expand(STEPS + 1, -1), 0.0)
    rows += [
        lake.row("optimality gap of the best single policy", lake.gap(single)),
        lake.row("A_max", lake.advantage),
        lake.row("epsilon", lake.epsilon),
    ]
    absorbing = np.ptp(lake.mdp.optimum.action, axis=-1) == 0  # every action stays
    for tile in range(lake.mdp.states):
        rows += [
            lake.row("initial probability of the tile", lake.mdp.initial[:, tile].mean(), index=tile),
            lake.row("least visitation of the tile", lake.least_visits[:, tile].min(), index=tile),
            lake.row("tasks where the tile absorbs", absorbing[:, tile].sum(), index=tile),
        ]
    rows += [
        lake.row("comparator's temperature", heat, task=task)
        for task, heat in zip(lake.task_ids, lake.references.temperature, strict=True)
    ]
    return rows


def _policy_gradient(lake: Lake, seed: int) -> Rows:
    """Exact MAML, and random initialisations adapted by the same steps."""
    chosen = lake.policy_gradient
    rows: Rows = []
    for size in sorted({*STEP_SIZES, chosen.step_size}):
        rule = PolicyGradientStep(size)
        logits, _ = meta_train(rule, lake.tasks, lake.uniform)
        returns = returns_after_steps(rule, lake.tasks, logits, STEPS)
        random = lake.random_returns(rule, seed)
        for name, reached in (("maml", returns), ("random-init", random)):
            means = reached.mean(-1).tolist()
            rows += [
                lake.row("return after k steps by step size", mean, name, index=index, x=size)
                for index, mean in enumerate(means)
            ]
        if size == chosen.step_size:
            rows += lake.steps("return after k steps", "maml", returns, size)
            rows += [lake.row("optimality gap", lake.gap(returns[step]), "maml", index=step, x=size) for step in (0, 1)]
            rows += lake.steps("return after k steps", "random-init", random, size)
    return rows


def _one_time(lake: Lake, algorithm: str, seed: int) -> Rows:
    """One reading of Alg(i): returns, gaps and bounds at the paper's lambda and, where there is one, the theorem's."""
    distance, penalty = ADAPTATIONS[algorithm]
    weight = lake.weight(distance)
    rule = ExactAdaptation(distance, weight, penalty)
    logits, _ = meta_train(rule, lake.tasks, lake.uniform)
    returns = returns_after_steps(rule, lake.tasks, logits, STEPS)
    before = lake.tasks.evaluate(logits)
    gradient_step = lake.tasks.evaluate(policy_gradient_step(before, lake.policy_gradient.step_size))
    rows = lake.steps("return after k steps", algorithm, returns, weight)
    rows += lake.steps("return after k steps", f"random-init+{algorithm}", lake.random_returns(rule, seed), weight)
    rows += [lake.row("optimality gap", lake.gap(returns[step]), algorithm, index=step, x=weight) for step in (0, 1)]
    rows.append(
        lake.row(
            "optimality gap of a policy-gradient step from its meta-policy",
            lake.gap(gradient_step.expected_return),
            algorithm,
            index=1,
            x=lake.policy_gradient.step_size,
        )
    )

    discount = lake.mdp.discount
    variance = task_variance(distance, lake.mdp, lake.references, penalty)
    for name, value in (
        ("variance", variance.value),
        ("comparators' loss", variance.comparator_loss),
        ("A'_max", variance.advantage),
        ("epsilon of the variance's centre", variance.least_visits),
    ):
        rows.append(lake.row(name, value, algorithm))
    best = tightest_bound(distance, lake.mdp, variance, lake.references, weight, penalty)
    rows.append(lake.row("bound", variance.bound(distance, weight, discount), algorithm, x=weight))
    rows.append(lake.row("bound with the best comparators", best, algorithm, x=weight))

    theorem = theorem_weight(distance, lake.advantage, discount, lake.epsilon)
    if not np.isfinite(theorem):
        return rows
    sharper = theorem_weight(distance, variance.advantage, discount, lake.epsilon)
    cautious = ExactAdaptation(distance, theorem, penalty)
    single = best_single_policy(lake.mdp)
    guarded, _ = meta_train(cautious, lake.tasks, single)
    gaps = {
        "optimality gap": returns_after_steps(cautious, lake.tasks, guarded, 1)[1],
        "optimality gap from the variance's centre": returns_after_steps(cautious, lake.tasks, variance.centre, 1)[1],
    }
    rows += [
        lake.row(f"{name} at the theorem's lambda", lake.gap(reached), algorithm, index=1, x=theorem)
        for name, reached in gaps.items()
    ]
    best = tightest_bound(distance, lake.mdp, variance, lake.references, theorem, penalty)
    rows += [
        lake.row("bound at the theorem's lambda", variance.bound(distance, theorem, discount), algorithm, x=theorem),
        lake.row(
            "bound at the theorem's lambda, A'_max", variance.bound(distance, sharper, discount), algorithm, x=sharper
        ),
        lake.row("bound with the best comparators at the theorem's lambda", best, algorithm, x=theorem),
    ]
    rows += lake.steps(
        "return after k steps at the theorem's lambda",
        algorithm,
        returns_after_steps(cautious, lake.tasks, logits, STEPS),
        theorem,
    )
    return rows


@dataclass(frozen=True)
class OptimalityGapConfig(StudyConfig):
    suites: tuple[str, ...] = SUITES

    def __post_init__(self) -> None:
        unknown = sorted(set(self.suites) - set(SUITES))
        if unknown:
            raise ValueError(f"suites must be among {', '.join(SUITES)}, got {unknown[0]!r}")


class OptimalityGap(Study):
    """Optimality gaps after one-time adaptation on FrozenLake, exact, and the bounds of Theorems 3 and 4."""

    name = "optimality-gap"
    Config = OptimalityGapConfig
    #: there is no smaller size of what is exact, but for a single suite
    profiles: ClassVar = {"smoke": {"suites": ("frozen-lake-low",)}}
    deterministic = True  # the seed draws the random initialisations alone, a hundred of them

    def parts(self) -> Sequence[str]:
        return [part for part in all_parts() if part.rpartition("/")[0] in self.config.suites]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        return optimality_gap(part, self.streams.seed)

    def seconds(self) -> float:
        return float(SECONDS * len(self.parts()))
