"""The difference of two algorithms' interquartile means: its interval, and whether it is small enough to be none."""

from __future__ import annotations

import numpy as np

from reports.statistics.bootstrap import LEVEL, RESAMPLES, bootstrap_iqms, keyed_generator
from reports.statistics.finite import finite_scores
from results.files import StoreError

#: both of the two one-sided tests of equivalence are at 5 %, which the 90 % interval decides
EQUIVALENCE_LEVEL = 0.90
LEAST_SEEDS = 3  # for a test of equivalence; two seeds have only three distinct resamples


def difference_interval(first: np.ndarray, second: np.ndarray, *key: str, level: float = LEVEL) -> tuple[float, float]:
    """Percentile bootstrap interval of IQM(first) - IQM(second); each algorithm's whole seeds are resampled.

    first, second: [seed, task]; they may differ in seeds.  key: names of what is compared; draws depend on it alone.
    Raises StoreError for fewer than two seeds, which hold no interval, and for scores that are not finite.
    """
    resampled = []
    for name, scores in (("first", first), ("second", second)):
        values = finite_scores(scores, 2, *key, name)
        if len(values) < 2:
            raise StoreError(f"{'/'.join((*key, name))}: an interval needs at least 2 seeds, got {len(values)}")
        resampled.append(bootstrap_iqms(values[None], keyed_generator(*key, name), RESAMPLES)[0])
    low, high = np.quantile(resampled[0] - resampled[1], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def equivalent(first: np.ndarray, second: np.ndarray, margin: float, *key: str) -> bool | None:
    """Whether the interquartile means differ by less than `margin`: two one-sided tests (Schuirmann 1987) at 5 %.

    True if the 90 % interval of their difference lies within (-margin, margin); False says that this was not shown,
    not that they differ; None if either has fewer than 3 seeds, with which nothing is shown.
    Raises ValueError for a margin that is not positive and StoreError as `difference_interval` does.
    """
    if not 0 < margin < np.inf:
        raise ValueError(f"margin must be positive, got {margin}")
    if min(len(first), len(second)) < LEAST_SEEDS:
        return None
    low, high = difference_interval(first, second, *key, level=EQUIVALENCE_LEVEL)
    return -margin < low and high < margin
