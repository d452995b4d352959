"""FinRL's eight technical indicators of every stock at once, equal to those of stockstats, which FinRL calls.

Windows at the beginning are as long as the history.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from environments.stocks.bars import Bars

#: in the order of FinRL's state
INDICATORS = ("macd", "boll_ub", "boll_lb", "rsi_30", "cci_30", "dx_30", "close_30_sma", "close_60_sma")
#: those whose values are percentages or the like; the others are in dollars
BOUNDED = frozenset({"rsi_30", "cci_30", "dx_30"})


def indicators(bars: Bars) -> np.ndarray:
    """[indicator, day, ticker] in `INDICATORS`' order, float64.

    On the first day, whose Bollinger bands have no deviation yet, they are the close; FinRL fills in AAPL's next there.
    """
    close = bars.close
    middle, width = _rolling(close, 20, _mean), 2 * _rolling(close, 20, _deviation)
    return np.stack(
        [
            _exponential(close, 2 / 13) - _exponential(close, 2 / 27),
            middle + width,
            middle - width,
            _relative_strength(close, 30),
            _commodity_channel(bars, 30),
            _directional_movement(bars, 30),
            _rolling(close, 30, _mean),
            _rolling(close, 60, _mean),
        ]
    )


def _exponential(values: np.ndarray, weight: float) -> np.ndarray:
    """Moving average in which each day counts 1 - weight times the next; the weights of the days so far sum to 1."""
    averages = np.empty_like(values)
    total, weights = np.zeros(values.shape[1]), 0.0
    for day, value in enumerate(values):
        total, weights = (1 - weight) * total + value, (1 - weight) * weights + 1
        averages[day] = total / weights
    return averages


def _rolling(values: np.ndarray, window: int, statistic: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The statistic of the last `window` days, of all days so far at the beginning."""
    return np.stack([statistic(values[max(day + 1 - window, 0) : day + 1]) for day in range(len(values))])


def _mean(window: np.ndarray) -> np.ndarray:
    return window.mean(0)


def _deviation(window: np.ndarray) -> np.ndarray:
    return window.std(0, ddof=1) if len(window) > 1 else np.zeros(window.shape[1])


def _mean_absolute_deviation(window: np.ndarray) -> np.ndarray:
    return np.abs(window - window.mean(0)).mean(0)


def _relative_strength(close: np.ndarray, window: int) -> np.ndarray:
    """Share of rises in all changes, 0 to 100; 50 while nothing has changed."""
    change = _changes(close)
    up = _exponential(np.maximum(change, 0.0), 1 / window)
    total = up + _exponential(np.maximum(-change, 0.0), 1 / window)
    return 100 * _ratio(up, total, otherwise=0.5)


def _commodity_channel(bars: Bars, window: int) -> np.ndarray:
    """Distance of the typical price from its mean in units of its mean absolute deviation; 0 before a full window."""
    typical = (bars.close + bars.high + bars.low) / 3
    deviation = _rolling(typical, window, _mean_absolute_deviation)
    deviation[: window - 1] = 0
    return _ratio(typical - _rolling(typical, window, _mean), 0.015 * deviation, otherwise=0.0)


def _directional_movement(bars: Bars, window: int) -> np.ndarray:
    """|upward - downward movement| over their sum, 0 to 100; each is over the true range, which is left out here."""
    up, down = _changes(bars.high), -_changes(bars.low)
    plus = _exponential(np.where((up > 0) & (up > down), up, 0.0), 1 / window)
    minus = _exponential(np.where((down > 0) & (down > up), down, 0.0), 1 / window)
    return 100 * _ratio(np.abs(plus - minus), plus + minus, otherwise=0.0)


def _changes(values: np.ndarray) -> np.ndarray:
    return np.diff(values, axis=0, prepend=values[:1])


def _ratio(above: np.ndarray, below: np.ndarray, otherwise: float) -> np.ndarray:
    return np.divide(above, below, out=np.full_like(above, otherwise), where=below != 0)
