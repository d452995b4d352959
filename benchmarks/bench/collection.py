"""Closed-loop collection, policy and rewards included, against bare physics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from algorithms.policies.networks import NetworkPolicy, make_network
from algorithms.policies.parameters import stacked
from benchmarks.bench.measure import Measure, Size, processor_seconds
from benchmarks.bench.physics import BarePhysics, NotingCollector
from environments.catalogue import make_suite
from environments.locomotion.locomotion import LocomotionSuite
from environments.streams import Streams


@dataclass(frozen=True)
class Robot:
    """On which suite a robot is measured, and over what share of the whole horizon."""

    suite: str
    options: str = ""
    share: float = 0.25
    at_least: float | None = None


#: no episode may end early: the replay would have more to do
ROBOTS = {
    "half-cheetah": Robot("half-cheetah-velocity", share=1.0, at_least=0.92),
    "ant": Robot("ant-velocity", ",terminate=false"),
    "hopper": Robot("hopper-velocity"),
    "walker2d": Robot("walker2d-velocity"),
    "swimmer": Robot("swimmer-velocity"),
    "humanoid": Robot("humanoid-direction", ",terminate=false", share=0.1),
}


def closed_loop(name: str, size: Size) -> Measure:
    """Throughput of `Collector.collect` as a share of bare physics' on the same controls; median of pairs."""
    robot = ROBOTS[name]
    suite = make_suite(f"{robot.suite}[horizon={max(2, round(size.horizon * robot.share))}{robot.options}]")
    assert isinstance(suite, LocomotionSuite)
    streams = Streams(0)
    network = make_network(suite.observation_space, suite.action_space, (64, 64))
    policy = NetworkPolicy(network, stacked(network.initial(streams.torch("parameters")), size.tasks))
    collector = NotingCollector(suite, streams)
    tasks = collector.sample_tasks(size.tasks)
    physics = BarePhysics(suite, size.tasks * size.trajectories)
    shares = []
    for _ in range(size.repetitions if robot.at_least is not None else math.ceil(size.repetitions / 2)):
        whole = processor_seconds(lambda: collector.collect(policy, tasks, size.trajectories))
        shares.append(physics.seconds(collector.collections.pop()) / whole)
    return Measure(f"collection-{name}", median(shares), "of bare physics' throughput", at_least=robot.at_least)
