"""Probability of improvement: how often a seed of one algorithm scores higher than a seed of another on a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import stats

from reports.statistics.aggregate import Estimate
from reports.statistics.bootstrap import LEVEL
from reports.statistics.finite import finite_scores
from results.files import StoreError


def probability_of_improvement(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray], *key: str, level: float = LEVEL
) -> Estimate:
    """P(first > second) + P(equal) / 2 for a suite, a task of it and a seed of each algorithm, all drawn at random.

    rliable's on each suite (the Mann-Whitney statistic of each task), suites weighing alike.  Scores are compared
    within a task, so they need not be normalised.  The interval is `_score_interval`'s; one seed on a suite has none.

    first, second: scores [seed, task] by suite, on the same suites and tasks; seeds may differ in number.
    key: names of what is compared, for messages.
    Raises StoreError for scores that are not finite, and where suites or tasks are not the same.
    """
    name = "/".join(key)
    if not first or set(first) != set(second):
        only = ", ".join(sorted(set(first) ^ set(second))) or "none given"
        raise StoreError(f"{name}: both algorithms need scores on the same suites, these are on one side alone: {only}")
    suites = sorted(first)
    left = {suite: finite_scores(first[suite], 2, *key, "first", suite) for suite in suites}
    right = {suite: finite_scores(second[suite], 2, *key, "second", suite) for suite in suites}
    higher = [_higher(left[suite], right[suite], f"{name}/{suite}") for suite in suites]
    value = float(np.mean([shares.mean() for shares in higher]))  # rliable's, which takes a second for fifty pairs
    if min(min(shares.shape) for shares in higher) < 2:
        return Estimate(value, None)
    return Estimate(value, _score_interval(value, [shares.shape for shares in higher], level))


def _score_interval(value: float, seeds: Sequence[tuple[int, ...]], level: float) -> tuple[float, float]:
    """All probabilities from which the estimate is not too far, by the variance that it would have there.

    Method 5 of Newcombe (2006): Hanley and McNeil's variance, that of exponential scores, with the mean of both sides'
    numbers of seeds.  So it does not shrink to nothing where all seeds of one side are above all of the other, as
    resampling does.  All tasks of a seed count as one; the mean over suites has the mean of their variances over
    their number, which is largest where they are equal.  The quantile is Student's: by the normal
    one, three seeds all above three would leave out 1/2, which happens by chance in one of ten cases.

    seeds: of the first and the second algorithm on each suite.
    """
    quantile = float(stats.t.ppf((1 + level) / 2, sum(first + second - 2 for first, second in seeds)))

    def too_far(probability: float) -> bool:
        lower, upper = (1 - probability) / (2 - probability), probability / (1 + probability)
        spread = [(1 + ((first + second) / 2 - 1) * (lower + upper)) / (first * second) for first, second in seeds]
        variance = probability * (1 - probability) * sum(spread) / len(seeds) ** 2
        return abs(value - probability) > quantile * variance**0.5

    return _edge(value, 0.0, too_far), _edge(value, 1.0, too_far)


def _edge(inside: float, outside: float, too_far: Callable[[float], bool]) -> float:
    """Where `too_far` begins between an estimate and the end of the scale, or that end, by bisection."""
    if not too_far(outside):
        return outside
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if too_far(middle) else (middle, outside)
    return inside


def _higher(first: np.ndarray, second: np.ndarray, name: str) -> np.ndarray:
    """Share of tasks on which seed i of the first scores higher than seed j of the second, ties half: [i, j]."""
    if first.shape[1] != second.shape[1]:
        raise StoreError(
            f"{name}: the scores are on {first.shape[1]} and {second.shape[1]} tasks; they must be the same"
        )
    return ((np.sign(first[:, None, :] - second[None, :, :]) + 1) / 2).mean(axis=2)
