"""Holm's correction of a family of tests, in Tarone's form: tests that no scores could have decided do not count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_ROUNDING = 1e-12  # a p-value that equals its threshold but for rounding reaches it


def holm(p_values: Sequence[float], smallest: Sequence[float], level: float = 0.05) -> list[float]:
    """Adjusted p-values: deciding those at most `level` decides any true hypothesis falsely with a chance of `level`.

    Holm (1979) divides the level by the number of tests that are left.  A test whose smallest attainable p-value lies
    above the threshold cannot be decided there, and so cannot err: with K the fewest such that at most K tests could
    reach level / K, that is the threshold (Tarone 1990), and K shrinks as tests are decided (Goeman and Solari 2010).

    p_values, smallest: one for each test; a test that says nothing (a side has one seed) has 1 and 1, and weakens no
    other.  The values hold for `level` alone.  Raises ValueError for what is no probability and unequal lengths.
    """
    values, least = np.asarray(p_values, dtype=np.float64), np.asarray(smallest, dtype=np.float64)
    if values.shape != least.shape or values.ndim != 1:
        raise ValueError(f"there must be one smallest p-value for each, got {values.size} and {least.size}")
    for each in (values, least):
        if not ((each >= 0) & (each <= 1)).all():
            raise ValueError(f"p-values must lie in [0, 1], got {[float(value) for value in each]}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    adjusted, before = np.ones(values.size), 0.0
    order = np.argsort(values, kind="stable")
    for place, test in enumerate(order):
        before = max(before, min(1.0, float(values[test]) * counted(least[order[place:]], level)))
        adjusted[test] = before
    return [float(value) for value in adjusted]


def counted(smallest: np.ndarray, level: float = 0.05) -> int:
    """By how many tests the level is divided: the fewest K such that at most K of them could reach level / K.

    smallest: attainable p-values of the tests, [test].
    """
    divisors = np.arange(1, smallest.size + 2)
    reachable = np.searchsorted(np.sort(smallest), level / divisors * (1 + _ROUNDING), side="right")
    return int(divisors[np.argmax(reachable <= divisors)])
