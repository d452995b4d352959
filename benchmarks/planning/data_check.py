"""Whether the outside data of the suites to run hold what these need, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from environments.stocks.bars import Bars
from environments.stocks.stock_trading import StockSuite
from environments.stocks.synthetic_market import trading_days
from environments.suite import Suite
from environments.typed_options import UsageError


def check_data(suites: Iterable[Suite]) -> None:
    """Raises UsageError, naming the file, where bars are too short or miss a day; reading them checks each value."""
    for suite in suites:
        if isinstance(suite, StockSuite):
            check_calendar(suite.bars)
            _ = suite.episode  # raises where a year before it, or a day of its own, is missing


def check_calendar(bars: Bars) -> None:
    """Raises UsageError if the bars leave out a day of the exchange, or have one on which it was closed.

    Between 2019-03-20 and 2022-05-11, whose days are known; a day that one ticker misses is found in reading.
    """
    known = trading_days()
    calendar = known[(known >= bars.dates[0]) & (known <= bars.dates[-1])]
    given = bars.dates[(bars.dates >= known[0]) & (bars.dates <= known[-1])]
    missing = np.setdiff1d(calendar, given)
    if len(missing):
        place = int(np.searchsorted(bars.dates, missing[0]))
        raise UsageError(
            f"{bars.source}: no ticker has a row on {missing[0]}, a trading day; "
            f"the bars go from {bars.dates[place - 1]} to {bars.dates[place]}{_more(missing)}"
        )
    closed = np.setdiff1d(given, calendar)
    if len(closed):
        raise UsageError(f"{bars.source}: has rows of {closed[0]}, when the exchange was closed{_more(closed)}")


def _more(days: np.ndarray) -> str:
    return f" ({len(days)} such days)" if len(days) > 1 else ""
