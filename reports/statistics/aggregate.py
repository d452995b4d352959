"""Sums up scores over seeds and tasks, on one suite and across suites."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from reports.statistics.bootstrap import LEVEL, RESAMPLES, draw_strata, interquartile_mean, resampled_iqms
from reports.statistics.finite import finite_scores
from reports.statistics.seed_interval import mean_interval, middle_means, seed_interval
from results.files import StoreError

Interval = tuple[float, float]
#: the normalised score of the ceiling, up to which the optimality gap counts
OPTIMUM = 1.0


@dataclass(frozen=True)
class Summary:
    """The scores of one entry at one adaptation step, or at one place of its learning curve."""

    mean: float  # over seeds and tasks
    std_seeds: float | None  # sample standard deviation of the seeds' means over tasks; None for one seed
    std_tasks: float | None  # sample standard deviation of the tasks' means over seeds; None for one task
    iqm: float  # over all (seed, task) pairs
    interval: Interval | None  # 95 % t interval of the iqm over seeds, for these tasks; None for one seed
    mean_interval: Interval | None  # of the mean, which is what comparisons are about; None for one seed
    seeds: int
    tasks: int


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval over seeds; None where a suite has one seed, which holds none."""

    value: float
    interval: Interval | None


@dataclass(frozen=True)
class Aggregate:
    """One algorithm's normalised scores across suites, which weigh alike."""

    iqm: Estimate  # interquartile mean of all (seed, task) scores
    median: Estimate  # over suites, of the suite's mean over seeds and tasks
    mean: Estimate
    optimality_gap: Estimate  # mean shortfall from 1; what lies above 1 makes up for nothing
    seeds: dict[str, int]  # by suite


def summarise(scores: np.ndarray, *key: str, share: bool = False) -> tuple[Summary, ...]:
    """One summary a point.

    scores: [point, seed, task], each the mean over a task's episodes.  key: names whose scores these are.
    share: whether the scores are shares, such as of successful episodes; their intervals then end at 0 and 1.
    Raises ValueError for an empty array and for scores that are not finite.
    """
    if scores.ndim != 3 or scores.size == 0:
        raise ValueError(f"{'/'.join(key)}: scores must be [point, seed, task] and not empty, got {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError(f"{'/'.join(key)}: scores must be finite")
    points, seeds, tasks = scores.shape
    limits = (0.0, 1.0) if share else (-math.inf, math.inf)
    iqms = middle_means(scores.reshape(points, -1))
    return tuple(
        Summary(
            mean=float(point.mean()),
            std_seeds=_spread(point.mean(axis=1)),
            std_tasks=_spread(point.mean(axis=0)),
            iqm=float(iqm),
            interval=_within(seed_interval(point), limits),
            mean_interval=_within(mean_interval(point), limits),
            seeds=seeds,
            tasks=tasks,
        )
        for point, iqm in zip(scores, iqms, strict=True)
    )


def _within(interval: Interval | None, limits: Interval) -> Interval | None:
    return None if interval is None else (max(interval[0], limits[0]), min(interval[1], limits[1]))


def aggregate(strata: Mapping[str, np.ndarray], *key: str, resamples: int = RESAMPLES) -> Aggregate:
    """Sums up one algorithm across suites: rliable's estimates, each suite one column of scores, and our intervals.

    An interval is the estimate -+ t times its standard error, that of resamples of whole seeds within each suite:
    percentiles of so few seeds lie too close.  Its degrees of freedom are those of the mean over suites.

    strata: normalised scores [seed, task] by suite; suites may differ in both.  key: names whose scores these are; the
    draws depend on it and the suites' names alone.
    Raises StoreError, naming algorithm, suite and seed, for scores that are not finite, and if there is no suite.
    """
    from rliable import metrics

    if not strata:
        raise StoreError(f"{'/'.join(key)}: there is no suite with normalised scores to aggregate over")
    scores = {suite: finite_scores(strata[suite], 2, *key, suite) for suite in sorted(strata)}
    arrays = list(scores.values())
    seeds = {suite: len(values) for suite, values in scores.items()}
    columns = suite_columns(arrays)
    values = (
        interquartile_mean(columns),
        metrics.aggregate_median(columns),
        metrics.aggregate_mean(columns),
        metrics.aggregate_optimality_gap(columns, OPTIMUM),
    )
    intervals: list[Interval | None] = [None] * len(values)
    if min(seeds.values()) > 1:
        counts = draw_strata(scores, resamples, *key)
        means = _suite_means(arrays, counts)
        gaps = _suite_means([OPTIMUM - np.minimum(values, OPTIMUM) for values in arrays], counts)
        resampled = (resampled_iqms(arrays, counts), np.median(means, axis=0), means.mean(axis=0), gaps.mean(axis=0))
        reach = [_reach(arrays) * float(draws.std()) for draws in resampled]
        intervals = [(float(value) - half, float(value) + half) for value, half in zip(values, reach, strict=True)]
    iqm, median, mean, gap = (Estimate(float(value), ends) for value, ends in zip(values, intervals, strict=True))
    return Aggregate(iqm, median, mean, gap, seeds)


def _reach(scores: list[np.ndarray]) -> float:
    """How many standard deviations of its resamples an estimate's interval reaches to either side.

    Student's quantile at Satterthwaite's degrees of freedom for the mean over suites of means over seeds, widened by
    what resamples of n seeds understate their variance, (n - 1) / n.
    """
    seeds = np.array([len(values) for values in scores])
    variances = np.array([values.mean(axis=1).var(ddof=1) for values in scores]) / seeds
    if not variances.any():
        return 0.0
    freedom = variances.sum() ** 2 / (variances**2 / (seeds - 1)).sum()
    understated = (variances * (seeds - 1) / seeds).sum() / variances.sum()
    return float(stats.t.ppf((1 + LEVEL) / 2, freedom) / understated**0.5)


def suite_columns(strata: Sequence[np.ndarray]) -> np.ndarray:
    """Scores as rliable takes them, [score, suite].

    strata: scores [seed, task] of each suite.  Where suites differ in numbers of scores, each score stands as often as
    makes the columns equally long, so that suites weigh alike.
    """
    common = math.lcm(*(scores.size for scores in strata))
    return np.stack([np.repeat(scores.ravel(), common // scores.size) for scores in strata], axis=1)


def _suite_means(scores: list[np.ndarray], counts: list[np.ndarray]) -> np.ndarray:
    """Mean over seeds and tasks of every suite in every resample, [suite, resample]."""
    # einsum rather than a matrix product: its sums do not depend on the number of threads
    pairs = zip(scores, counts, strict=True)
    return np.stack([np.einsum("s,sr->r", values.mean(axis=1), taken) / len(values) for values, taken in pairs])


def _spread(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1)) if values.size > 1 else None
