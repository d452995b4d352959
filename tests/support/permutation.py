"""The permutation test of two samples' means, by scipy: what tests of ours are held against."""

from __future__ import annotations

import numpy as np
from scipy import stats


def permutation_p(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p-value over every division of the seeds; first, second: [seed], as many in each."""
    test = stats.permutation_test((first, second), _difference, n_resamples=np.inf, vectorized=True)
    return float(test.pvalue)


def _difference(first: np.ndarray, second: np.ndarray, axis: int) -> np.ndarray:
    return first.mean(axis=axis) - second.mean(axis=axis)
