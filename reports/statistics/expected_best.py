"""The expected best score of n trials (Dodge, Gururangan, Card, Schwartz & Smith 2019, "Show Your Work")."""

from __future__ import annotations

import numpy as np


def expected_best(drawn: np.ndarray, known: float | None = None) -> np.ndarray:
    """The mean of the highest of n scores drawn with replacement from `drawn`, for n = 1 to their number, [n].

    Exact: with the scores in rising order, sum_i v_i ((i/B)^n - ((i-1)/B)^n), by which no draw is made here.
    drawn: [trial], finite.  known: a score that one has before the first draw, and below which the best cannot fall.
    Raises ValueError for no scores and for scores that are not finite.
    """
    values = np.sort(np.asarray(drawn, dtype=np.float64))
    if not values.size or not np.isfinite(values).all() or not np.isfinite(0.0 if known is None else known):
        raise ValueError(f"scores must be finite, and at least one, got {values.tolist()} and {known}")
    if known is not None:
        values = np.maximum(values, known)
    below = np.arange(values.size + 1) / values.size
    counts = np.arange(1, values.size + 1)[:, None]
    return (np.diff(below**counts, axis=1) * values).sum(axis=1)
