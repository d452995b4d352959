"""The table behind `reports.statistics.worst_case`: how large its two statistics get where there is no effect."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from docs.statistics_simulation.nulls import LUCKS, Luck
from reports.statistics.bootstrap import keyed_generator

SEEDS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50)
LEVELS = (
    0.9,
    0.7,
    0.5,
    0.3,
    0.2,
    0.1,
    0.07,
    0.05,
    0.03,
    0.02,
    0.01,
    5e-3,
    2e-3,
    1e-3,
    5e-4,
    2e-4,
    1e-4,
    5e-5,
    2e-5,
    1e-5,
)
#: the heavy-tailed one is left out of the table: its statistics are smaller than the normal one's throughout
NULLS = ("normal", "skewed", "one seed in five fails")
#: the second algorithm's standard deviation over the first's
RATIOS = (1.0, 0.5, 0.3, 0.1, 0.0)
_CHUNK = 100_000
#: logarithms of the statistic are counted in bins of this width, from 10^-3 to 10^7
_LOWEST, _BINS, _WIDTH = -3.0, 5000, 0.002


def critical_values(seeds: int, draws: int) -> dict[str, list[float]]:
    """The value that each statistic reaches with the chance of each level, under the null where it is largest.

    Returns, for "one" and "two" samples of so many seeds, one value for each of `LEVELS`.
    """
    worst = {samples: np.zeros(len(LEVELS)) for samples in ("one", "two")}
    for name in NULLS:
        generator = keyed_generator("study", "critical values", name, str(seeds))
        counts: dict[tuple[str, float, int], np.ndarray] = {}
        for _ in range(-(-draws // _CHUNK)):
            for setting, statistic in statistics(LUCKS[name], seeds, generator):
                bins = ((np.log10(np.maximum(statistic, 1e-9)) - _LOWEST) / _WIDTH).astype(np.int64)
                found = np.bincount(np.clip(bins, 0, _BINS - 1), minlength=_BINS)
                counts[setting] = counts.get(setting, 0) + found
        for setting, found in counts.items():
            worst[setting[0]] = np.maximum(worst[setting[0]], _quantiles(found))
    return {samples: [float(f"{value:.4g}") for value in values] for samples, values in worst.items()}


def statistics(
    luck: Luck, seeds: int, generator: np.random.Generator
) -> Iterator[tuple[tuple[str, float, int], np.ndarray]]:
    """A chunk of each statistic, under each ratio of spreads, the second luck as drawn and mirrored."""
    (mean, variance), (other, spread) = (_moments(luck(generator, (seeds, _CHUNK))) for _ in range(2))
    root = np.sqrt(np.float32(seeds))
    yield ("one", 0.0, 1), root * np.abs(mean) / np.sqrt(variance)
    for ratio in map(np.float32, RATIOS):
        error = np.sqrt(2 * np.maximum(variance, ratio**2 * spread))
        for mirror in (1, -1) if ratio else (1,):
            yield ("two", float(ratio), mirror), root * np.abs(mean - mirror * ratio * other) / error


def _moments(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = scores.mean(axis=0)
    return mean, np.maximum(np.square(scores - mean).sum(axis=0) / (len(scores) - 1), np.float32(1e-20))


def _quantiles(counts: np.ndarray) -> np.ndarray:
    """The upper edge of the bin in which the share of larger statistics falls to each level, [level]."""
    larger = 1 - np.cumsum(counts) / counts.sum()
    bins = np.array([int(np.argmax(larger <= level)) for level in LEVELS])
    return np.asarray(10 ** (_LOWEST + _WIDTH * (bins + 1)))
