"""The percentile bootstrap interval of the difference of two algorithms' interquartile means."""

from __future__ import annotations

import numpy as np

from reports.statistics.bootstrap import LEVEL, RESAMPLES, bootstrap_iqms, keyed_generator
from reports.statistics.finite import finite_scores
from results.files import StoreError


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
