"""Probability of improvement: how often a seed of one algorithm scores higher than a seed of another on a task."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reports.statistics.aggregate import Estimate
from reports.statistics.bootstrap import RESAMPLES, draw_strata, percentile_interval
from reports.statistics.finite import finite_scores
from results.files import StoreError


def probability_of_improvement(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray], *key: str, resamples: int = RESAMPLES
) -> Estimate:
    """P(first > second) + P(equal) / 2 for a suite, a task of it and a seed of each algorithm, all drawn at random.

    rliable's on each suite (the Mann-Whitney statistic of each task), suites weighing alike.  Scores are compared
    within a task, so they need not be normalised.  Both algorithms' seeds are resampled whole, within each suite.

    first, second: scores [seed, task] by suite, on the same suites and tasks; seeds may differ in number.
    key: names of what is compared; the draws depend on it and the suites' names alone.
    Raises StoreError for scores that are not finite, and where suites or tasks are not the same.
    """
    from rliable import metrics

    name = "/".join(key)
    if not first or set(first) != set(second):
        only = ", ".join(sorted(set(first) ^ set(second))) or "none given"
        raise StoreError(f"{name}: both algorithms need scores on the same suites, these are on one side alone: {only}")
    suites = sorted(first)
    left = {suite: finite_scores(first[suite], 2, *key, "first", suite) for suite in suites}
    right = {suite: finite_scores(second[suite], 2, *key, "second", suite) for suite in suites}
    higher = [_higher(left[suite], right[suite], f"{name}/{suite}") for suite in suites]
    value = float(np.mean([metrics.probability_of_improvement(left[suite], right[suite]) for suite in suites]))
    if min(min(shares.shape) for shares in higher) < 2:
        return Estimate(value, None)
    resampled = np.zeros(resamples)
    drawn = zip(draw_strata(left, resamples, *key, "first"), draw_strata(right, resamples, *key, "second"), strict=True)
    for shares, (taken_left, taken_right) in zip(higher, drawn, strict=True):
        against = np.einsum("ij,jr->ir", shares, taken_right)
        resampled += (taken_left * against).sum(axis=0) / (shares.size * len(suites))
    low, high = percentile_interval(resampled).tolist()
    return Estimate(value, (low, high))


def _higher(first: np.ndarray, second: np.ndarray, name: str) -> np.ndarray:
    """Share of tasks on which seed i of the first scores higher than seed j of the second, ties half: [i, j]."""
    if first.shape[1] != second.shape[1]:
        raise StoreError(
            f"{name}: the scores are on {first.shape[1]} and {second.shape[1]} tasks; they must be the same"
        )
    return ((np.sign(first[:, None, :] - second[None, :, :]) + 1) / 2).mean(axis=2)
