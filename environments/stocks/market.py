"""A market as the environment reads it: prices, indicators and turbulence of an episode's days."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from environments.stocks.bars import Bars, read_bars
from environments.stocks.indicators import indicators
from environments.stocks.synthetic_market import synthetic_bars, trading_days
from environments.stocks.turbulence import FIRST, WINDOW, turbulence
from environments.typed_options import UsageError


@dataclass(frozen=True, eq=False)
class Episode:
    """The days of an episode, shared by all environments; float64, tickers in alphabetical order."""

    dates: np.ndarray  # [day] datetime64[D]
    close: np.ndarray  # [day, ticker], dollars, adjusted
    indicators: np.ndarray  # [indicator, day, ticker]
    turbulence: np.ndarray  # [day]


def load_episode(path: str | None, source: str, start: str, end: str) -> Episode:
    """The trading days from start to end, both included (ISO dates); `path` as in `load_bars`.

    source: of the features, as in `features`.
    Raises UsageError if there are fewer than two such days, or no year of bars before them.
    """
    bars = load_bars(path)
    first, last = np.searchsorted(bars.dates, [np.datetime64(start), np.datetime64(end) + 1])
    if last - first < 2:
        have = f"{bars.dates[0]} to {bars.dates[-1]}"
        raise UsageError(f"{bars.source}: fewer than two trading days in {start} to {end}; its bars are of {have}")
    if first < FIRST:
        raise UsageError(
            f"{bars.source}: row 2 ({bars.dates[0]}) is only {first} trading days before {bars.dates[first]}; "
            f"turbulence compares with {WINDOW} returns, so bars must begin at least {FIRST} days before"
        )
    days = slice(first, last)
    values, index = features(bars, source)
    return Episode(bars.dates[days], bars.close[days], values[:, days], index[days])


def load_bars(path: str | None) -> Bars:
    """The bars of a file, read once per process while it does not change; None is the synthetic market."""
    if path is None:
        return synthetic_bars()
    try:
        status = os.stat(path)
    except OSError as error:
        raise UsageError(f"no bars at {path!r}: {error.strerror}; give a CSV file of daily bars") from None
    return _bars_of_file(path, status.st_mtime_ns, status.st_size)


@cache
def _bars_of_file(path: str, modified: int, size: int) -> Bars:
    return read_bars(Path(path))


@cache
def features(bars: Bars, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Indicators [indicator, day, ticker] and turbulence [day]; source: "own", or "finrl" for its preprocessing."""
    if source == "finrl":
        from environments.stocks.finrl_bridge import finrl_features

        return finrl_features(bars)
    return indicators(bars), turbulence(bars.close)


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
