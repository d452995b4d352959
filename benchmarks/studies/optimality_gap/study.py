"""The numbers behind Figures 1, 3 and 4 of Xu & Zhu 2024 (BO-MRL), exact: FrozenLake's tables are known.

Meta-policies are trained on the suite's 20 training tasks, and measured on these, as the paper does; nothing is sampled
but the starts of training and the random initialisations, which alone depend on the seed.

Start distribution.  Each suite is trained and measured under its own.  The theorems need one of full support
(Assumption 2): `[start=uniform]`, where every tile has initial probability 1/16 and a policy can keep away from each
that does not absorb, so that epsilon = (1 - gamma) / 16 = 0.0125.  The plain suites start on the S tile alone, where
the optimum is the 1.638 of the paper's figures; there epsilon is 0, no lambda is large enough, and the bounds are
observations at the paper's lambda only.

Starts of training.  Every method has as many (`several_starts`): "training objective by start" has what each has
reached, "start that won" which was kept; there `task` is the start's name and `index` its place.  The uniform policy
alone leaves MAML at Appendix H's step size and Alg(3) of the whole table in a poor local optimum: at high variance
-0.03 and -0.001, where other starts reach 0.94 and 0.64.

Alg(3).  `bo-mrl-3` penalises the distance of the whole table, Equation (2); `bo-mrl-3-by-state` that of the state's own
row, Equation (1), where nu(s) cancels.

Policy gradient.  The paper prints no step size.  That of Alg(3) with its objective linearised (Appendix H) is
(1 - gamma) / (2 lambda) at the paper's lambda of Alg(3), 2.5 and 5.  MAML is trained, and random initialisations and
BO-MRL's own meta-policies are adapted, at each size of a grid, and an order is tested against the best of it
(`policy_gradient`).  With large sizes a step is nearly a greedy policy improvement, and MAML reaches the optimum; it
passes one-time Alg(1) between 2.5 and 5 at both variances.

Random initialisation is adapted as the method beside it is, `random-init+bo-mrl-1`, and by the policy gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from benchmarks.specs.study import Rows, Study, StudyConfig
from benchmarks.studies.optimality_gap.bounds import best_single_policy
from benchmarks.studies.optimality_gap.lake import STEPS, SUITES, Lake, appendix_h_step
from benchmarks.studies.optimality_gap.meta_training import AdaptationRule, PolicyGradientStep
from benchmarks.studies.optimality_gap.one_time import ADAPTATIONS, OneTime, rule_of
from benchmarks.studies.optimality_gap.policy_gradient import policy_gradient_rows, step_from
from benchmarks.studies.optimality_gap.random_initialisation import Draws
from benchmarks.studies.optimality_gap.several_starts import (
    Trained,
    first_starts,
    second_starts,
    start_rows,
    train_from,
)
from environments.typed_options import option

#: milliseconds of one core for an iteration from one start, and for adapting one draw four times, by method
TRAINING = {"maml": 0.36, "bo-mrl-1": 0.7, "bo-mrl-2": 0.4, "bo-mrl-3": 2.5, "bo-mrl-3-by-state": 6.0}
DRAWING = {"maml": 1.0, "bo-mrl-1": 1.5, "bo-mrl-2": 0.8, "bo-mrl-3": 5.0, "bo-mrl-3-by-state": 12.0}
#: seconds of a method's bounds
BOUNDS = 4.0
#: methods that are trained on each suite: the readings of Alg(i), and MAML at each step size
METHODS = (*ADAPTATIONS, "maml")
#: what a part trains, before what it measures
TRAINED_FIRST = "first starts of "


@dataclass(frozen=True)
class OptimalityGapConfig(StudyConfig):
    suites: tuple[str, ...] = SUITES
    #: of the policy gradient, beside Appendix H's
    step_sizes: tuple[float, ...] = option(
        (0.1, 1.0, 2.5, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0), earlier=(0.1, 1.0, 2.5, 5.0, 10.0, 20.0, 100.0)
    )
    random_starts: int = option(3, earlier=0)  # of each method's training, beside the uniform policy
    iterations: int = option(600, earlier=600)  # of training from each start
    draws: int = option(500, earlier=100)  # random initialisations

    def __post_init__(self) -> None:
        unknown = sorted(set(self.suites) - set(SUITES))
        if unknown:
            raise ValueError(f"suites must be among {', '.join(SUITES)}, got {unknown[0]!r}")
        if min(self.step_sizes, default=0) <= 0:
            raise ValueError(f"step_sizes must be positive and at least one, got {self.step_sizes}")
        if self.random_starts < 0 or self.iterations < 1 or self.draws < 2:
            raise ValueError(
                f"random_starts must be at least 0, iterations at least 1 and draws at least 2, got "
                f"{self.random_starts}, {self.iterations} and {self.draws}"
            )


class OptimalityGap(Study):
    """Optimality gaps after one-time adaptation on FrozenLake, exact, and the bounds of Theorems 3 and 4."""

    name = "optimality-gap"
    Config = OptimalityGapConfig
    profiles: ClassVar = {
        "smoke": {
            "suites": ("frozen-lake-low",),
            "step_sizes": (5.0, 100.0),
            "random_starts": 1,
            "iterations": 60,
            "draws": 20,
        }
    }
    deterministic = True  # the seed draws starts and initialisations alone, which the study itself repeats

    def parts(self) -> Sequence[str]:
        """`suite/what`."""
        what = ["constants", *(TRAINED_FIRST + name for name in METHODS), *METHODS]
        return [f"{suite}/{each}" for suite in self.config.suites for each in what]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        """index: adaptation steps, the tile, or the draw.  x: lambda, or the policy gradient's step size.

        kept: by suite and rule, what its first starts have reached.  Raises ValueError for an unknown part.
        """
        if part not in self.parts():
            raise ValueError(f"part must be one of {self.parts()}, got {part!r}")
        suite, _, what = part.rpartition("/")
        lake = Lake.load(suite)
        if what == "constants":
            return _constants(lake)
        first = kept.setdefault(suite, {})
        if what.startswith(TRAINED_FIRST):
            starts = first_starts(lake.tasks, self.streams, self.config.random_starts)
            for name, rule in self._rules(lake, what.removeprefix(TRAINED_FIRST)).items():
                reached = train_from(rule, lake.tasks, starts, self.config.iterations)
                first[name] = dict(vars(reached))  # plain, to be stored
            return []
        if what == "maml":
            return self._policy_gradient(lake, first)
        rule = rule_of(lake, what)
        trained = self._trained(lake, what, rule, first)
        own = OneTime(lake, what, trained.best)
        rows = start_rows(lake, what, rule.weight, trained)
        rows += own.return_rows(Draws.of(rule, lake, self.streams, self.config.draws))
        rows += step_from(lake, what, own.logits, self._sizes(lake.suite))
        return rows + own.bound_rows(self.config.iterations)

    def seconds(self) -> float:
        config, total = self.config, 0.0
        for suite in config.suites:
            sizes = len(self._sizes(suite))
            starts = 1 + config.random_starts + len(ADAPTATIONS) + 2
            for method in METHODS:
                rules = sizes if method == "maml" else 1
                work = starts * config.iterations * TRAINING[method] + config.draws * DRAWING[method]
                total += rules * work / 1000 + BOUNDS
        return total

    def _sizes(self, suite: str) -> tuple[float, ...]:
        return tuple(sorted({*self.config.step_sizes, appendix_h_step(suite)}))

    def _rules(self, lake: Lake, method: str) -> dict[str, AdaptationRule]:
        """One of a reading of Alg(i); of MAML one for each step size."""
        if method != "maml":
            return {method: rule_of(lake, method)}
        return {_maml(size): PolicyGradientStep(size) for size in self._sizes(lake.suite)}

    def _trained(self, lake: Lake, name: str, rule: AdaptationRule, first: dict[str, Any]) -> Trained:
        """From all its starts.  first: what all rules have reached in the first round, plain.

        The second round starts from what each reading of Alg(i) has found, and MAML at Appendix H's step size and at
        the one that was best then.
        """
        found = {other: Trained(**plain) for other, plain in first.items()}
        mamls = [_maml(size) for size in self._sizes(lake.suite)]
        best = max(mamls, key=lambda other: float(found[other].objectives.max()))
        chosen = dict.fromkeys([*ADAPTATIONS, _maml(appendix_h_step(lake.suite)), best])
        starts = second_starts({other: found[other] for other in chosen})
        return found[name] + train_from(rule, lake.tasks, starts, self.config.iterations)

    def _policy_gradient(self, lake: Lake, first: dict[str, Any]) -> Rows:
        rows: Rows = []
        trained: dict[float, torch.Tensor] = {}
        drawn: dict[float, Draws] = {}
        for size in self._sizes(lake.suite):
            rule = PolicyGradientStep(size)
            found = self._trained(lake, _maml(size), rule, first)
            rows += start_rows(lake, "maml", size, found)
            trained[size] = found.best
            drawn[size] = Draws.of(rule, lake, self.streams, self.config.draws)
        return rows + policy_gradient_rows(lake, trained, drawn)


def _maml(size: float) -> str:
    return f"maml at step size {size:g}"


def _constants(lake: Lake) -> Rows:
    """The optimum, no adaptation's best, and which tiles carry initial probability and count for epsilon."""
    optimum = torch.from_numpy(lake.mdp.optimal_return)
    single = lake.tasks.evaluate(best_single_policy(lake.mdp)).expected_return
    rows = lake.steps("return after k steps", "oracle", optimum.expand(STEPS + 1, -1), 0.0)
    rows += [
        lake.row("optimality gap of the best single policy", lake.gap(single)),
        lake.row("largest optimality gap of any policy", lake.largest_gap),
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
