"""Suites without MuJoCo, and the quadrotor: environment steps a second, for recorded actions."""

from __future__ import annotations

from statistics import median

import numpy as np

from benchmarks.bench.measure import Measure, Size, processor_seconds
from environments.catalogue import make_suite

SUITES = (
    "corners",
    "corners-momentum",
    "dow30-risk[data=synthetic]",
    "drone-obstacles",
    "frozen-lake-high",
    "frozen-lake-low",
)
PHYSICS = "drone-obstacles-physics"
#: episodes of the whole batch in one repetition
EPISODES = 5


def steps_per_second(name: str, size: Size, at_least: float = 300_000, episodes: int = EPISODES) -> Measure:
    """Resets, rewards and ends included; median of the repetitions.  An episode that has ended steps no more."""
    suite = make_suite(name)
    env = suite.make_batch(size.tasks, size.trajectories)
    train = suite.split.train
    env.set_tasks([train[index % len(train)] for index in range(size.tasks)])
    env.action_space.seed(0)
    actions = np.stack([env.action_space.sample() for _ in range(suite.horizon)])

    taken = 0

    def play() -> None:
        nonlocal taken
        for episode in range(episodes):
            env.reset(seed=episode)
            for action in actions:
                taken += int(env.alive.sum())
                env.step(action)

    rates = []
    for _ in range(size.repetitions):
        taken = 0
        seconds = processor_seconds(play)
        rates.append(taken / seconds)
    return Measure(f"stepping-{suite.name}", median(rates), "steps/s", at_least=at_least)
