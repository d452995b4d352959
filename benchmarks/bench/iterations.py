"""Whole meta-iterations against the physics that they contain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

from algorithms.algorithm import Algorithm
from algorithms.catalogue import algorithms
from benchmarks.bench.measure import Measure, Size, processor_seconds
from benchmarks.bench.physics import BarePhysics, NotingCollector
from benchmarks.conformance.small_parents import small_parents
from benchmarks.execution.session import Session
from environments.catalogue import make_suite
from environments.locomotion.locomotion import LocomotionSuite
from environments.problem import EvaluationProtocol
from environments.streams import Streams


class Training(Session):
    """Meta-training on half-cheetah, with one batch before and one after adaptation in each iteration."""

    suite: LocomotionSuite
    collector: NotingCollector

    def __init__(self, algorithm: type[Algorithm], settings: Mapping[str, Any], size: Size) -> None:
        """settings: of the algorithm's configuration, beside its tasks and trajectories."""
        suite = make_suite(f"half-cheetah-velocity[horizon={size.horizon}]")
        config = algorithm.Config(tasks=size.tasks, trajectories=size.trajectories, **settings)
        parents = small_parents(algorithms()[algorithm.name], suite) if algorithm.parents else {}
        protocol = EvaluationProtocol(1, size.trajectories)
        super().__init__(suite, algorithm, config, Streams(0), protocol, budget=None, parents=parents)

    def make_collector(self, spent: int) -> NotingCollector:
        return NotingCollector(self.suite, self.streams.child("training"))


def meta_iteration(algorithm: type[Algorithm], settings: Mapping[str, Any], at_most: float, size: Size) -> Measure:
    """Processor time of a meta-iteration, as a multiple of that of replaying its controls; median of pairs."""
    training = Training(algorithm, settings, size)
    physics = BarePhysics(training.suite, size.tasks * size.trajectories)
    multiples = []
    for _ in range(math.ceil(size.repetitions / 2)):
        whole = processor_seconds(training.iterate)
        multiples.append(whole / sum(physics.seconds(collection) for collection in training.collector.collections))
        training.collector.collections.clear()
    return Measure(f"iteration-{algorithm.name}", median(multiples), "times its physics", at_most=at_most)
