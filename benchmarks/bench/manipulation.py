"""Closed-loop collection on the Sawyer suites against bare physics, and pictures a second of the one with a camera."""

from __future__ import annotations

from statistics import median

import mujoco
import numpy as np

from algorithms.policies.networks import NetworkPolicy, make_network
from algorithms.policies.parameters import stacked
from benchmarks.bench.measure import Measure, Size, processor_seconds
from environments.access import Guard
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.ledger import Ledger
from environments.sawyer.arm import HIGH, LOW, SUBSTEPS
from environments.sawyer.sawyer import SawyerBatch, SawyerSuite
from environments.streams import Streams
from environments.trajectories import TrajectoryBatch

SUITES = ("sawyer-push", "sawyer-door")
CAMERA = "sawyer-push-vision"


def arm_collection(name: str, size: Size) -> Measure:
    """Throughput of `Collector.collect` as a share of bare physics' on the same targets; median of pairs."""
    suite = make_suite(f"{name}[horizon={max(2, size.horizon // 4)}]")
    assert isinstance(suite, SawyerSuite)
    streams = Streams(0)
    network = make_network(suite.observation_space, suite.action_space, (64, 64))
    policy = NetworkPolicy(network, stacked(network.initial(streams.torch("parameters")), size.tasks))
    collector = Collector(suite, streams, Ledger(None), Guard("measuring", {"train"}))
    tasks = collector.sample_tasks(size.tasks)
    replay = suite.make_batch(size.tasks, size.trajectories)
    replay.set_tasks(suite.split.train[: size.tasks])
    collected: list[TrajectoryBatch] = []
    shares = []
    for _ in range(size.repetitions):
        whole = processor_seconds(lambda: collected.append(collector.collect(policy, tasks, size.trajectories)))
        ended = collector._prepared(tasks, size.trajectories)  # the environment that was used: it is kept
        assert isinstance(ended, SawyerBatch)
        shares.append(physics_seconds(replay, collected.pop().actions.flatten(0, 1).numpy(), ended.state[0]) / whole)
    return Measure(f"collection-{name}", median(shares), "of bare physics' throughput", at_least=0.9)


def physics_seconds(env: SawyerBatch, actions: np.ndarray, end: np.ndarray) -> float:
    """Processor time of `mj_step` alone, in C++ over one arm after the other, for the actions [row, time, 3].

    Nothing is observed, rewarded or recorded.  Raises RuntimeError if it does not lead to the joint positions `end`, to
    the bit: what was measured would not compare.
    """
    env.reset(seed=0)
    target, path = np.tile(env.suite.start().target, (env.num_envs, 1)), np.empty(actions.shape)
    for step in range(actions.shape[1]):
        target = path[:, step] = np.clip(target + env.shifts(actions[:, step]), LOW, HIGH)
    controls = np.repeat(path, SUBSTEPS, axis=1)
    seconds = processor_seconds(
        lambda: env._batch.rollout(
            controls.shape[1], controls, control_spec=mujoco.mjtState.mjSTATE_MOCAP_POS.value, record=()
        )
    )
    if not np.array_equal(env.state[0], end):
        raise RuntimeError(f"{env.suite.full_name}: the replayed targets led to another state")
    return seconds


def pictures_taken(size: Size) -> Measure:
    """Environment steps a second with a picture for each, random actions; median of the repetitions."""
    suite = make_suite(CAMERA)
    env = suite.make_batch(size.tasks, 1)
    env.set_tasks(suite.split.train[: size.tasks])
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(max(2, size.horizon // 10))]

    def play() -> None:
        env.reset(seed=0)
        for action in actions:
            env.step(action)

    rates = [env.num_envs * (len(actions) + 1) / processor_seconds(play) for _ in range(size.repetitions)]
    return Measure(f"pictures-{CAMERA}", median(rates), "pictures/s")
