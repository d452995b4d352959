"""Whole meta-iterations against the physics that they contain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

from algorithms.algorithm import Algorithm
from benchmarks.bench.measure import Measure, Size, processor_seconds
from benchmarks.bench.physics import BarePhysics, NotingCollector
from environments.access import Guard
from environments.catalogue import make_suite
from environments.locomotion.locomotion import LocomotionSuite
from environments.problem import Problem, Protocol
from environments.streams import Streams


class Training:
    """Meta-training on half-cheetah, with one batch before and one after adaptation in each iteration."""

    def __init__(self, algorithm: type[Algorithm], settings: Mapping[str, Any], size: Size) -> None:
        """settings: of the algorithm's configuration, beside its tasks and trajectories."""
        suite = make_suite(f"half-cheetah-velocity[horizon={size.horizon}]")
        assert isinstance(suite, LocomotionSuite)
        streams = Streams(0)
        problem = Problem(suite, Protocol(1, size.trajectories), Guard("training", algorithm.access, algorithm.name))
        config = algorithm.Config(tasks=size.tasks, trajectories=size.trajectories, **settings)
        self.suite = suite
        self.algorithm = algorithm(problem, config, streams.child("algorithm"))
        self.collector = NotingCollector(suite, streams.child("training"))

    def iterate(self) -> None:
        self.algorithm.meta_step(self.collector)
        self.collector.begin_iteration(self.collector.iteration + 1)


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
