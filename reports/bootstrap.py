"""Seeded percentile bootstrap of the interquartile mean, resampling whole seeds.

All tasks of a seed share one meta-policy, so a resample draws seeds and takes each with all its tasks:
drawing tasks independently (stratified by task) would make intervals too narrow.
"""

from __future__ import annotations

import zlib

import numpy as np

RESAMPLES = 10_000
LEVEL = 0.95
_ROOT_SEED = 271828
_TRIMMED = 0.25  # share of the scores left out at either end


def keyed_generator(*key: str) -> np.random.Generator:
    """A generator that depends on the key alone, so that one entry's draws never move another's."""
    words = [zlib.crc32(part.encode()) for part in key]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(_ROOT_SEED, spawn_key=words)))


def interquartile_mean(scores: np.ndarray) -> float:
    """Mean of the scores without the lowest and the highest quarter, each quarter rounded down to whole scores.

    As `aggregate_iqm` of rliable (Agarwal et al. 2021), that is `scipy.stats.trim_mean(scores, 0.25)`.
    scores: any shape, flattened.
    """
    ordered = np.sort(np.asarray(scores, dtype=np.float64), axis=None)
    cut = int(_TRIMMED * ordered.size)
    return float(ordered[cut : ordered.size - cut].mean())


def bootstrap_iqms(scores: np.ndarray, generator: np.random.Generator, resamples: int = RESAMPLES) -> np.ndarray:
    """The interquartile mean of each resample.

    scores: [point, seed, task]; every point (an adaptation step, a place on a curve) gets the same draws.
    Returns [point, resamples].
    """
    seeds = scores.shape[1]
    drawn = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples).astype(np.int32)
    # With few seeds there are few distinct draws (10 for 3 seeds, 126 for 5): each is worked out once.
    counts, which = np.unique(drawn, axis=0, return_inverse=True)
    return np.stack([_resampled_iqms(point, counts) for point in scores])[:, which.reshape(-1)]


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
    iqms = bootstrap_iqms(scores, keyed_generator(*key), resamples)
    return np.quantile(iqms, [(1 - level) / 2, (1 + level) / 2], axis=1).T


def _resampled_iqms(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Interquartile means when seed s is taken counts[:, s] times.  scores: [seed, task], counts: [resample, seed].

    The scores are sorted once.  In a resample each fills as many places of the sorted list as its seed was drawn, and
    counts by how many of those lie in the middle half; summed by parts, which is exact for equal scores.
    """
    order = np.argsort(scores, axis=None, kind="stable")
    ordered = scores.reshape(-1)[order]
    cut = int(_TRIMMED * ordered.size)
    kept = ordered.size - 2 * cut
    places = np.cumsum(counts[:, order // scores.shape[1]], axis=1, dtype=np.int32)
    inside = np.clip(places - cut, 0, kept)  # places of the middle half filled by this score and all lower ones
    # einsum rather than a matrix product: its sums do not depend on the number of threads
    return ordered[-1] - np.einsum("rs,s->r", inside[:, :-1], np.diff(ordered)) / kept
