"""What meta-iterations of the gradient-based methods cost, against the plainest one, and what BO-MRL's consist of."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from algorithms.algorithm import Algorithm
from algorithms.bo_mrl import BoMrl1
from algorithms.catalogue import algorithms
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.gradient_adaptation import GradientAdaptation
from benchmarks.bench.iterations import Training
from benchmarks.bench.measure import Measure, Size, processor_seconds
from results.reference_scores import REFERENCE_ACCESS

#: what a method may cost at most, in units of MAML-VPG's: about a tenth above what was measured when it was written
COSTS = {
    **dict.fromkeys(("bo-mrl-1", "bo-mrl-2", "bo-mrl-3"), 2.5),
    **dict.fromkeys(("imaml", "tmaml"), 2.0),
    "cavia": 1.75,
    **dict.fromkeys(("e-maml-trpo", "lvc-trpo", "maml-trpo", "maml-trpo-bias"), 1.7),
    "gmps": 30.0,  # 200 outer steps on each sample, most of them of demonstrations
    "promp": 1.4,
    "multi-task": 1.25,
    "maesn": 1.4,
    "task-weighting": 1.4,
    "meta-augmentation": 1.2,
    **dict.fromkeys(("dice-vpg", "e-maml-vpg", "lvc-vpg"), 1.15),
    # MAML-VPG's own work; of XMRL-G its first part alone, since a measurement has no budget to share out
    **dict.fromkeys(("maml-vpg-validation", "meta-regularization", "xmrl-g", "xmrl-g-random"), 1.1),
}

#: the parts of BO-MRL's meta-iteration, and the share of it that each must keep to; on one of two cores, the other at
#: work: sampling 0.45, adaptation 0.31, hypergradient 0.15, outer step 0.08
PARTS: dict[str, dict[str, float]] = {
    "sampling": {"at_least": 0.45},
    "adaptation": {},
    "hypergradient": {"at_most": 0.2},
    "outer-step": {},
}


def cost_parts(size: Size) -> list[Callable[[], Measure]]:
    """A measure for each gradient-based method that trains, and one for each part of BO-MRL's meta-iteration."""
    shares: dict[str, float] = {}
    return [
        *(partial(relative_cost, algorithm, size) for algorithm in gradient_based()),
        *(partial(share_of_iteration, part, shares, size) for part in PARTS),
    ]


def gradient_based() -> list[type[Algorithm]]:
    """By name; not MAML-VPG itself, and no reference that knows the test tasks."""
    found = [entry.load() for _, entry in sorted(algorithms().items())]
    return [
        cls
        for cls in found
        if issubclass(cls, GradientAdaptation)
        and cls.trains
        and not REFERENCE_ACCESS & cls.access
        and cls is not MamlVpg
    ]


def relative_cost(algorithm: type[Algorithm], size: Size) -> Measure:
    """Processor time of a meta-iteration for each of its environment steps, over MAML-VPG's; median of pairs.

    A quarter of the other measures' samples, each method's own defaults otherwise.
    """
    small = {"tasks": math.ceil(size.tasks / 2), "trajectories": math.ceil(size.trajectories / 2)}
    own, plain = (Training(cls, {}, Size(**small, horizon=size.horizon)) for cls in (algorithm, MamlVpg))
    ratios = [_seconds_a_step(own) / _seconds_a_step(plain) for _ in range(1 + math.ceil(size.repetitions / 2))]
    # the first iterations set up what is kept
    return Measure(
        f"cost-{algorithm.name}",
        median(ratios[1:]),
        f"times {MamlVpg.name}'s per environment step",
        at_most=COSTS.get(algorithm.name),
    )


def share_of_iteration(part: str, shares: dict[str, float], size: Size) -> Measure:
    """Share of BO-MRL(1)'s meta-iteration; `shares` keeps all of them, which are measured together."""
    if not shares:
        shares.update(_shares(size))
    return Measure(f"share-{BoMrl1.name}-{part}", shares[part], "of a meta-iteration", **PARTS[part])


def _seconds_a_step(training: Training) -> float:
    before = training.collector.ledger.spent
    seconds = processor_seconds(training.iterate)
    training.collector.collections.clear()
    return seconds / (training.collector.ledger.spent - before)


def _shares(size: Size) -> dict[str, float]:
    """Medians over meta-iterations; what none of the parts names (estimating advantages) is the rest to 1."""
    training = Training(BoMrl1, {}, size)
    clock = _Clock(training)
    found: list[dict[str, float]] = []
    for _ in range(1 + math.ceil(size.repetitions / 2)):
        clock.seconds = dict.fromkeys(PARTS, 0.0)
        whole = processor_seconds(training.iterate)
        training.collector.collections.clear()
        found.append({part: seconds / whole for part, seconds in clock.seconds.items()})
    return {part: median(shares[part] for shares in found[1:]) for part in PARTS}


class _Clock:
    """Puts processor time down to the outermost part that is at work."""

    def __init__(self, training: Training) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._busy = False
        for owner, method, part in (
            (training.collector, "collect", "sampling"),
            (training.algorithm, "adapted", "adaptation"),
            (training.algorithm, "hypergradient", "hypergradient"),
            (training.algorithm, "outer_step", "outer-step"),
        ):
            setattr(owner, method, self._timed(getattr(owner, method), part))

    def _timed(self, method: Callable[..., Any], part: str) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            if self._busy:  # adapting within the outer step is the outer step's
                return method(*arguments, **named)
            self._busy, started = True, time.process_time()
            try:
                return method(*arguments, **named)
            finally:
                self.seconds[part] += time.process_time() - started
                self._busy = False

        return timed
