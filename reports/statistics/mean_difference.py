"""The difference of two algorithms' means over seeds: effect, interval and p-value of one and the same test."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.finite import finite_scores
from reports.statistics.worst_case import SMALLEST_P, Samples, critical_value, p_value

LEVEL = 0.95
_ROUNDING = 1e-12  # a spread that is smaller, relative to the scores, is none


@dataclass(frozen=True)
class Comparison:
    """effect: difference of the means over seeds of each seed's mean over tasks.

    interval: of the effect, by inverting the very test: at 95 % it excludes 0 exactly where p_value <= 0.05.
    p_value: two-sided.  smallest_p: that any scores of so many seeds could give.  None where a side has one seed.
    """

    effect: float
    interval: tuple[float, float] | None
    p_value: float | None
    smallest_p: float | None


@dataclass(frozen=True)
class Difference:
    """An effect and its standard error, which takes the larger of two sides' spreads for both.

    Two sides of equal spread lose nothing by that, and where one is steady the error is not understated, however few
    seeds the other has.  unspread: the p-value of an effect where no side has any spread.
    """

    effect: float
    error: float
    seeds: int  # of the side that has fewer
    samples: Samples
    unspread: float

    def p_value(self, distance: float) -> float:
        """The chance at most that chance alone moves an effect so far, in either direction."""
        if self.error == 0:
            return self.unspread if distance > 0 else 1.0
        return p_value(distance / self.error, self.seeds, self.samples)

    def interval(self, level: float) -> tuple[float, float]:
        """All values that the test does not decide against at 1 - level.

        Where no spread was seen, and the seeds are too few to decide by that, it reaches to 0.
        """
        if self.error == 0:
            decided = self.unspread <= 1 - level
            return (self.effect, self.effect) if decided else (min(self.effect, 0.0), max(self.effect, 0.0))
        half = self.error * critical_value(1 - level, self.seeds, self.samples)
        return self.effect - half, self.effect + half


def compare_means(first: ArrayLike, second: ArrayLike, *key: str, level: float = LEVEL) -> Comparison:
    """Compares two algorithms by their seeds' means over tasks.

    The statistic is |effect| / (s * sqrt(2 / n)), s the larger of the two sides' standard deviations over seeds and n
    the fewer seeds; its p-value is the largest that the nulls of `worst_case` give.  Where no side has any spread the
    p-value is that of the permutation test: the chance that equal seeds fall apart so.

    first, second: [seed] or [seed, task]; they may differ in seeds.  key: names of what is compared, for messages.
    Raises StoreError, naming the seed, for scores that are not finite and for none at all.
    """
    return _compared(difference_of_means(first, second, *key), level)


def compare_to(samples: ArrayLike, value: float = 0.0, *key: str, level: float = LEVEL) -> Comparison:
    """Compares the mean of one sample with a value, by |mean - value| / (s / sqrt(n)); the effect is mean - value.

    samples: [unit], such as paired differences or logarithms of ratios.  Otherwise as `compare_means`; where no sample
    differs from another, the p-value is that of the sign test.
    """
    return _compared(difference_to(samples, value, *key), level)


def difference_of_means(first: ArrayLike, second: ArrayLike, *key: str) -> Difference | float:
    """The effect alone where a side has one seed."""
    left, right = seed_means(first, *key, "first"), seed_means(second, *key, "second")
    effect, fewest = float(left.mean() - right.mean()), min(left.size, right.size)
    if fewest < 2:
        return effect
    error = max(_spread(left), _spread(right)) * float(np.sqrt(2 / fewest))
    return Difference(effect, error, fewest, "two", max(SMALLEST_P, 2 / comb(2 * fewest, fewest)))


def difference_to(samples: ArrayLike, value: float, *key: str) -> Difference | float:
    """The effect alone where there is one sample."""
    values = finite_scores(samples, 1, *key)
    effect = float(values.mean() - value)
    if values.size < 2:
        return effect
    error = _spread(values) / float(np.sqrt(values.size))
    return Difference(effect, error, values.size, "one", max(SMALLEST_P, 2.0 ** (1 - values.size)))


def seed_means(scores: ArrayLike, *key: str) -> np.ndarray:
    """Each seed's mean over tasks, [seed], of scores [seed] or [seed, task]."""
    values = np.asarray(scores, dtype=np.float64)
    return finite_scores(values, 1, *key) if values.ndim == 1 else finite_scores(values, 2, *key).mean(axis=1)


def _compared(found: Difference | float, level: float) -> Comparison:
    if isinstance(found, float):
        return Comparison(found, None, None, None)
    return Comparison(found.effect, found.interval(level), found.p_value(abs(found.effect)), SMALLEST_P)


def _spread(values: np.ndarray) -> float:
    spread = float(values.std(ddof=1))
    return spread if spread > _ROUNDING * float(np.abs(values).max()) else 0.0
