"""Seeded, vectorised bootstrap: interquartile means of resamples, which take whole seeds within each suite.

All tasks of a seed share one meta-policy, so a resample draws seeds and takes each with all its tasks:
drawing tasks independently (stratified by task) would make intervals too narrow.  The strata are the suites.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from math import lcm

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

    That of rliable (Agarwal et al. 2021).  scores: any shape, flattened.
    """
    from rliable.metrics import aggregate_iqm  # not before it is needed: scipy.stats takes 0.8 s to import

    # sorted, since rliable adds up in the order given and equal sets of scores must have equal means
    return float(aggregate_iqm(np.sort(np.asarray(scores, dtype=np.float64), axis=None)))


def draw_counts(seeds: int, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """How often each seed is taken in each resample of as many seeds, int32 [seed, resample]."""
    drawn = generator.integers(0, seeds, size=(seeds, resamples), dtype=np.uint16)
    return np.stack([(drawn == seed).sum(axis=0, dtype=np.int32) for seed in range(seeds)])


def draw_strata(strata: Mapping[str, np.ndarray], resamples: int, *key: str) -> list[np.ndarray]:
    """`draw_counts` of every suite, in order; a suite's draws depend on the key and its name alone.

    strata: scores [seed, ...] by suite; suites may differ in seeds.
    """
    return [draw_counts(len(scores), resamples, keyed_generator(*key, suite)) for suite, scores in strata.items()]


def percentile_interval(resampled: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """Low and high [..., 2] of the resamples on the last axis."""
    return np.moveaxis(np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=-1), 0, -1)


def resampled_iqms(strata: Sequence[np.ndarray], counts: Sequence[np.ndarray]) -> np.ndarray:
    """Interquartile mean over all scores of all suites when seed s of a suite is taken counts[suite][s] times.

    strata: scores [seed, task] of each suite.  counts: whole numbers [seed, resample] of each suite, whose sum over
    seeds is the number of seeds.  Returns [resample].

    Suites weigh alike: where they differ in numbers of scores, each score stands as often as makes the suites equally
    large, and the mean is that of the repeated scores (so with equally large suites it is the ordinary one).

    The scores are sorted once.  In a resample each fills as many places of the sorted list as its seed was drawn, and
    counts by how many of those lie in the middle half; summed by parts from the lowest score in it, which is exact
    where all scores in it are equal: an interval that should be [0, 0] is, and lies above no other.  A test holds it
    against SciPy's trimmed mean of the repeated scores (`test_a_resample_draws_whole_seeds_within_each_suite`).
    """
    common = lcm(*(scores.size for scores in strata))
    size = common * len(strata)
    cut = int(_TRIMMED * size)
    kept = size - 2 * cut
    whole = np.dtype(np.int64 if size > np.iinfo(np.int32).max else np.int32)
    values = np.concatenate([scores.ravel() for scores in strata])
    copies = np.concatenate([np.full(scores.size, common // scores.size, dtype=whole) for scores in strata])
    seeds = [np.repeat(np.arange(len(scores)), scores.shape[1]) for scores in strata]
    earlier = np.cumsum([0, *(len(scores) for scores in strata)])[:-1]
    row = np.concatenate([first + seed for first, seed in zip(earlier, seeds, strict=True)])
    taken = np.concatenate(counts)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    places: np.ndarray = np.zeros(taken.shape[1], dtype=whole)
    means = np.full(taken.shape[1], ordered[0])
    for score, step, following in zip(order[:-1], np.diff(ordered), ordered[1:], strict=True):
        places += copies[score] * taken[row[score]]
        inside = np.clip(places - cut, 0, kept)  # places of the middle half filled by this score and all lower ones
        means = np.where(inside == 0, following, means + (kept - inside) * (step / kept))
    return means
