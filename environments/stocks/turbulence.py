"""The market's turbulence index: how unusual a day's returns are, given a year's means and covariances.

Kritzman and Li 2010, as FinRL's `FeatureEngineer.calculate_turbulence` computes it.
"""

from __future__ import annotations

import numpy as np

#: trading days of returns that a day is compared with
WINDOW = 252
#: the first day that FinRL gives a value: 252 returns lie before it, and the first two values are set to 0
FIRST = WINDOW + 2


def turbulence(close: np.ndarray) -> np.ndarray:
    """[day] from closes [day, ticker]: (r - m)' pinv(S) (r - m), with r the day's returns, m and S those of 252 before.

    0 during the first 252 days, and for the first two positive values after them.
    """
    index = np.zeros(len(close))
    if len(close) <= WINDOW:
        return index
    returns = close[1:] / close[:-1] - 1  # row d - 1 is the return of day d
    for day in range(WINDOW, len(close)):
        before = returns[max(day - 1 - WINDOW, 0) : day - 1]
        unusual = returns[day - 1] - before.mean(0)
        precision = np.linalg.pinv(np.cov(before, rowvar=False), hermitian=True)
        index[day] = max(unusual @ precision @ unusual, 0.0)
    index[np.flatnonzero(index)[:2]] = 0.0
    return index
