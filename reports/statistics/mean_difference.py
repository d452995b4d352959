"""The difference of two algorithms' means over seeds: effect, interval and p-value of one and the same test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from reports.statistics.finite import finite_scores

LEVEL = 0.95


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
    """An effect with its standard error, and Student's t with `freedom` degrees that their ratio is held against."""

    effect: float
    error: float
    freedom: int

    def p_value(self, value: float = 0.0) -> float:
        """Two-sided, of the hypothesis that the true effect is `value`."""
        return 2 * self.upper(abs(self.effect - value))

    def upper(self, distance: float) -> float:
        """One-sided: the chance that the effect lies so far above the truth."""
        if self.error == 0:
            return 0.5 if distance == 0 else float(distance < 0)
        return float(stats.t.sf(distance / self.error, self.freedom))

    def interval(self, level: float) -> tuple[float, float]:
        half = self.error * float(stats.t.isf((1 - level) / 2, self.freedom))
        return self.effect - half, self.effect + half


def compare_means(first: ArrayLike, second: ArrayLike, *key: str, level: float = LEVEL) -> Comparison:
    """Compares two algorithms by their seeds' means over tasks, with Welch's statistic.

    first, second: [seed] or [seed, task]; they may differ in seeds.  key: names of what is compared, for messages.
    Raises StoreError, naming the seed, for scores that are not finite and for none at all.
    """
    return _compared(difference_of_means(first, second, *key), level)


def compare_to(samples: ArrayLike, value: float = 0.0, *key: str, level: float = LEVEL) -> Comparison:
    """Compares the mean of one sample with a value; effect and interval are of mean - value.

    samples: [unit], such as paired differences or logarithms of ratios.  Otherwise as `compare_means`.
    """
    return _compared(difference_to(samples, value, *key), level)


def difference_of_means(first: ArrayLike, second: ArrayLike, *key: str) -> Difference | float:
    """The effect alone where a side has one seed."""
    left, right = seed_means(first, *key, "first"), seed_means(second, *key, "second")
    effect, fewest = float(left.mean() - right.mean()), min(left.size, right.size)
    if fewest < 2:
        return effect
    error = np.sqrt(left.var(ddof=1) / left.size + right.var(ddof=1) / right.size)
    return Difference(effect, float(error), fewest - 1)


def difference_to(samples: ArrayLike, value: float, *key: str) -> Difference | float:
    values = finite_scores(samples, 1, *key)
    effect = float(values.mean() - value)
    if values.size < 2:
        return effect
    return Difference(effect, float(values.std(ddof=1) / np.sqrt(values.size)), values.size - 1)


def seed_means(scores: ArrayLike, *key: str) -> np.ndarray:
    """Each seed's mean over tasks, [seed], of scores [seed] or [seed, task]."""
    values = np.asarray(scores, dtype=np.float64)
    return finite_scores(values, 1, *key) if values.ndim == 1 else finite_scores(values, 2, *key).mean(axis=1)


def _compared(found: Difference | float, level: float) -> Comparison:
    if isinstance(found, float):
        return Comparison(found, None, None, None)
    return Comparison(found.effect, found.interval(level), found.p_value(), 0.0)
