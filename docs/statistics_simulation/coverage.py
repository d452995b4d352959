"""How often intervals cover what infinitely many seeds would give, for the same tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy import stats

from docs.statistics_simulation.nulls import LUCKS, Luck
from docs.statistics_simulation.percentile_bootstrap import iqm_intervals
from docs.statistics_simulation.share import Share
from reports.statistics.aggregate import aggregate
from reports.statistics.bootstrap import interquartile_mean, keyed_generator
from reports.statistics.improvement import probability_of_improvement
from reports.statistics.mean_difference import compare_means
from reports.statistics.seed_interval import mean_interval, seed_interval

TASKS = 12
NOISE = 0.5  # of a task, where a seed's luck has a standard deviation of 1
#: standard deviation of the tasks' fixed differences: that of the shipped runs is 3 to 3.7 times the seeds'
TASK_SPREAD = 3.0
SEEDS = (2, 3, 4, 5, 7, 10, 15, 20)
RESAMPLES = 1_000
#: probabilities of improvement that are simulated, by the distance of the two algorithms
DISTANCES = (0.0, 1.0, 2.2)

Interval = Callable[[np.ndarray], tuple[float, float] | None]


def entries(luck: Luck, boards: int, seeds: int, generator: np.random.Generator, tasks: int = TASKS) -> np.ndarray:
    """Scores [board, seed, task]; tasks differ by the same amounts on every board."""
    fixed = TASK_SPREAD * stats.norm.ppf((np.arange(tasks) + 0.5) / tasks)
    noise = NOISE * generator.standard_normal((boards, seeds, tasks), dtype=np.float32)
    return np.asarray(luck(generator, (boards, seeds, 1)) + noise + fixed)


def percentiles(scores: np.ndarray) -> tuple[float, float]:
    """The percentile bootstrap of the interquartile mean."""
    low, high = iqm_intervals(scores[None], "study", resamples=RESAMPLES)[0]
    return float(low), float(high)


#: by name: the interval, and what it is of
INTERVALS: dict[str, tuple[Interval, Callable[[np.ndarray], float]]] = {
    "seed interval": (seed_interval, interquartile_mean),
    "mean interval": (mean_interval, lambda scores: float(scores.mean())),
    "percentile bootstrap": (percentiles, interquartile_mean),
}


def coverage(interval: str, luck: str, seeds: int, boards: int) -> Share:
    """How often the nominal 95 % interval holds the statistic of infinitely many seeds on these tasks."""
    measure = INTERVALS[interval][0]
    generator = keyed_generator("study", "coverage", luck, str(seeds))
    found = [measure(scores) for scores in entries(LUCKS[luck], boards, seeds, generator)]
    return _covered(found, _truth(interval, luck))


def difference_coverage(luck: str, spread: float, seeds: int, boards: int) -> Share:
    """That of a comparison's interval, the second side having `spread` times the first's luck."""
    generator = keyed_generator("study", "difference", luck, str(spread), str(seeds))
    pairs = LUCKS[luck](generator, (boards, 2, seeds)) * np.array([[1.0], [spread]])
    return _covered([compare_means(*pair).interval for pair in pairs], 0.0)


def across_coverage(suites: int, luck: str, seeds: int, boards: int) -> Share:
    """That of the interquartile mean across suites, whose levels differ by as much as their tasks."""
    levels = np.linspace(-2.0, 2.0, suites)[:, None, None]
    many = entries(LUCKS[luck], suites, 20_000, keyed_generator("study", "across", "truth", luck)) + levels
    truth, found = interquartile_mean(many), []
    for board in range(boards):
        generator = keyed_generator("study", "across", luck, str(suites), str(seeds), str(board))
        scores = entries(LUCKS[luck], suites, seeds, generator) + levels
        strata = {f"suite-{place}": own for place, own in enumerate(scores)}
        found.append(aggregate(strata, "study", str(board), resamples=RESAMPLES).iqm.interval)
    return _covered(found, truth)


def improvement_coverage(luck: str, distance: float, seeds: int, boards: int) -> tuple[float, Share]:
    """The true probability of improvement at this distance, and how often its interval holds it."""
    generator = keyed_generator("study", "improvement", luck, str(distance))
    first, second = (entries(LUCKS[luck], 1, 400_000, generator, tasks=1) for _ in range(2))
    truth = float((first + distance > second).mean())
    found = []
    for board in range(boards):
        generator = keyed_generator("study", "improvement", luck, str(distance), str(seeds), str(board))
        first, second = (entries(LUCKS[luck], 1, seeds, generator, tasks=1)[0] for _ in range(2))
        found.append(probability_of_improvement({"a": first + distance}, {"a": second}, "study").interval)
    return truth, _covered(found, truth)


@cache
def _truth(interval: str, luck: str) -> float:
    return INTERVALS[interval][1](entries(LUCKS[luck], 1, 200_000, keyed_generator("study", "truth", luck))[0])


def _covered(intervals: list[tuple[float, float] | None], truth: float) -> Share:
    found = [interval for interval in intervals if interval is not None]
    return Share(sum(low <= truth <= high for low, high in found), len(found))
