"""The floor: an untrained policy, adapted as the others are."""

from __future__ import annotations

from algorithms.algorithm import Metrics
from algorithms.meta_learning.gradient_adaptation import GradientAdaptation
from environments.collector import Collector


class RandomInit(GradientAdaptation):
    """Adapts a randomly initialised policy: the floor of every comparison."""

    name = "random-init"
    trains = False

    def meta_step(self, collector: Collector) -> Metrics:
        return {}
