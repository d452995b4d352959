"""Suites without MuJoCo: environment steps a second, for recorded actions."""

from __future__ import annotations

from statistics import median

import numpy as np

from benchmarks.bench.measurement import Measure, Size, processor_seconds
from environments.catalogue import make_suite

SUITES = ("corners", "corners-momentum", "frozen-lake-high", "frozen-lake-low")
#: episodes of the whole batch in one repetition
EPISODES = 5


def steps_per_second(name: str, size: Size) -> Measure:
    """Resets, rewards and ends included; median of the repetitions."""
    suite = make_suite(name)
    env = suite.make_batch(size.tasks, size.trajectories)
    train = suite.split.train
    env.set_tasks([train[index % len(train)] for index in range(size.tasks)])
    env.action_space.seed(0)
    actions = np.stack([env.action_space.sample() for _ in range(suite.horizon)])

    def play() -> None:
        for episode in range(EPISODES):
            env.reset(seed=episode)
            for action in actions:
                env.step(action)

    steps = EPISODES * suite.horizon * env.num_envs
    rates = [steps / processor_seconds(play) for _ in range(size.repetitions)]
    return Measure(f"stepping-{name}", median(rates), "steps/s", at_least=300_000)
