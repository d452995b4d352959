"""Performance profiles: the share of an algorithm's normalised scores that lies above each threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reports.statistics.aggregate import suite_columns
from reports.statistics.bootstrap import RESAMPLES, draw_strata, percentile_interval
from reports.statistics.finite import finite_scores
from results.files import StoreError


@dataclass(frozen=True)
class PerformanceProfile:
    """Score distribution of rliable (Agarwal et al. 2021): P(score > threshold), suites weighing alike."""

    thresholds: np.ndarray  # [threshold]
    share: np.ndarray  # [threshold]
    interval: np.ndarray | None  # [threshold, 2], 95 % at each threshold by itself; None where a suite has one seed


def performance_profile(
    strata: Mapping[str, np.ndarray], thresholds: np.ndarray, *key: str, resamples: int = RESAMPLES
) -> PerformanceProfile:
    """The profile over all (seed, task) scores; seeds are resampled whole, within each suite by itself.

    strata: normalised scores [seed, task] by suite.  key: names whose scores these are; the draws depend on it and
    the suites' names alone.  Raises StoreError for scores that are not finite, and if there is no suite.
    """
    from rliable.library import score_distributions  # imports arch, which takes a second

    if not strata:
        raise StoreError(f"{'/'.join(key)}: there is no suite with normalised scores to draw a profile of")
    scores = {suite: finite_scores(strata[suite], 2, *key, suite) for suite in sorted(strata)}
    thresholds = np.asarray(thresholds, dtype=np.float64)
    above = [(values[:, :, None] > thresholds).mean(axis=1) for values in scores.values()]  # each [seed, threshold]
    share = score_distributions(suite_columns(list(scores.values())), thresholds)
    if min(map(len, above)) < 2:
        return PerformanceProfile(thresholds, share, None)
    resampled = np.zeros((thresholds.size, resamples))
    for shares, counts in zip(above, draw_strata(scores, resamples, *key), strict=True):
        resampled += np.einsum("st,sr->tr", shares, counts) / (len(shares) * len(above))
    return PerformanceProfile(thresholds, share, percentile_interval(resampled))
