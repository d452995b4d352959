"""Whether two means differ by less than a margin: two one-sided tests (Schuirmann 1987)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.mean_difference import LEVEL, Difference, difference_of_means, difference_to
from reports.statistics.worst_case import SMALLEST_P
from results.files import StoreError


@dataclass(frozen=True)
class Equivalence:
    """interval: of the effect, at `level`; it lies within the margin exactly where `holds`.

    holds: p_value <= 1 - level; otherwise the means were not shown to be close, which does not say that they differ.
    smallest_p: that any scores of so many seeds could give.
    """

    effect: float
    interval: tuple[float, float]
    p_value: float
    smallest_p: float
    holds: bool


def equivalence(first: ArrayLike, second: ArrayLike, margin: float, *key: str, level: float = LEVEL) -> Equivalence:
    """Tests that the two algorithms' means over seeds differ by less than `margin`, in the scores' unit.

    Each one-sided test takes the two-sided p-value of `mean_difference`, since the least favourable null lies to one
    side.  So the interval to look at is the one that stands beside a comparison too.

    first, second: [seed] or [seed, task].  key: names of what is compared, for messages.
    Raises ValueError for a margin that is not positive, and StoreError for scores that are not finite and for a side
    with fewer than two seeds, with which nothing is shown.
    """
    return _judged(difference_of_means(first, second, *key), margin, level, key)


def equivalence_to(samples: ArrayLike, value: float, margin: float, *key: str, level: float = LEVEL) -> Equivalence:
    """Tests that the mean of samples [unit] differs from `value` by less than `margin`; otherwise as `equivalence`."""
    return _judged(difference_to(samples, value, *key), margin, level, key)


def _judged(found: Difference | float, margin: float, level: float, key: tuple[str, ...]) -> Equivalence:
    if not 0 < margin < np.inf:
        raise ValueError(f"{'/'.join(key)}: margin must be positive, got {margin}")
    if isinstance(found, float):
        raise StoreError(f"{'/'.join(key)}: equivalence needs at least 2 seeds of each")
    p_value = found.p_value(max(margin - abs(found.effect), 0.0))
    return Equivalence(found.effect, found.interval(level, margin), p_value, SMALLEST_P, p_value <= 1 - level)
