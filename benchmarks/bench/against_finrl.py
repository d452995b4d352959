"""The stock suite against FinRL's own environment: environment steps a second, as a ratio."""

from __future__ import annotations

from statistics import median

import numpy as np

from benchmarks.bench.measure import Measure, Size, processor_seconds
from environments.stocks.finrl_bridge import finrl_days, finrl_environment
from environments.stocks.market import features, load_bars
from environments.stocks.stock_trading import Dow30Risk


def against_finrl(size: Size) -> Measure:
    """Random actions on the synthetic market, one episode of FinRL's to one of each of ours; needs the extra `finrl`.

    FinRL's reset is left out of its time.
    """
    suite = Dow30Risk(Dow30Risk.Options(data="synthetic"))
    env = suite.make_batch(size.tasks, size.trajectories)
    env.set_tasks([suite.split.train[index % len(suite.split.train)] for index in range(size.tasks)])
    env.action_space.seed(0)
    actions = np.stack([env.action_space.sample() for _ in range(suite.horizon)])
    bars = load_bars(None)
    theirs = finrl_environment(finrl_days(bars, *features(bars, "own"), "2021-01-04", "2022-01-01"))

    def ours() -> None:
        env.reset(seed=0)
        for action in actions:
            env.step(action)

    def finrls() -> None:
        for action in actions:
            theirs.step(action[0])

    ratios = []
    for _ in range(size.repetitions):
        theirs.reset()
        ratios.append(processor_seconds(finrls) / (processor_seconds(ours) / env.num_envs))
    return Measure("stepping-dow30-risk-against-finrl", median(ratios), "times FinRL's steps/s", at_least=200)
