"""The percentile bootstrap of the interquartile mean on one suite, which pages do not use: it covers too seldom."""

from __future__ import annotations

import numpy as np

from reports.statistics.bootstrap import (
    LEVEL,
    RESAMPLES,
    draw_counts,
    keyed_generator,
    percentile_interval,
    resampled_iqms,
)


def bootstrap_iqms(scores: np.ndarray, generator: np.random.Generator, resamples: int = RESAMPLES) -> np.ndarray:
    """The interquartile mean of each resample.

    scores: [point, seed, task]; every point (an adaptation step, a place on a curve) gets the same draws.
    Returns [point, resamples].
    """
    counts = draw_counts(scores.shape[1], resamples, generator)
    return np.stack([resampled_iqms([point], [counts]) for point in scores])


def iqm_intervals(scores: np.ndarray, *key: str, resamples: int = RESAMPLES, level: float = LEVEL) -> np.ndarray:
    """Percentile bootstrap interval of the interquartile mean at every point.

    scores: [point, seed, task].  key: names whose scores these are; the draws depend on it alone.
    Returns [point, 2]: low and high.  Raises ValueError for fewer than two seeds, which hold no interval,
    and for scores that are not finite.
    """
    if scores.ndim != 3:
        raise ValueError(f"scores must be [point, seed, task], got an array of {scores.ndim} dimensions")
    if scores.shape[1] < 2:
        raise ValueError(f"{'/'.join(key)}: an interval needs at least 2 seeds, got {scores.shape[1]}")
    if not np.isfinite(scores).all():
        raise ValueError(f"{'/'.join(key)}: scores must be finite")
    return percentile_interval(bootstrap_iqms(scores, keyed_generator(*key), resamples), level)
