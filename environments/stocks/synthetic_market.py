"""A seeded market of thirty correlated stocks with calm and turbulent times, for where there are no real bars.

Returns have a market, a sector and a stock's own part.  A two-state Markov chain switches all volatilities between
calm and turbulent, and on a few days single stocks jump.  Tickers, trading days, columns and the levels of volatility,
correlation and turbulence are those of the Dow 30 from 2019 to 2022; the prices are not.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np

from environments.stocks.bars import TICKERS, Bars, adjusted_bars
from environments.streams import Streams

FIRST_DAY, LAST_DAY = "2019-03-20", "2022-05-11"
#: weekdays on which the New York Stock Exchange was closed
HOLIDAYS = (
    "2019-04-19 2019-05-27 2019-07-04 2019-09-02 2019-11-28 2019-12-25 2020-01-01 2020-01-20 2020-02-17 2020-04-10 "
    "2020-05-25 2020-07-03 2020-09-07 2020-11-26 2020-12-25 2021-01-01 2021-01-18 2021-02-15 2021-04-02 2021-05-31 "
    "2021-07-05 2021-09-06 2021-11-25 2021-12-24 2022-01-17 2022-02-21 2022-04-15"
)

SECTORS = 6
DRIFT = 0.0008  # a day
MARKET, SECTOR, OWN = 0.007, 0.005, 0.0105  # daily volatilities in calm times
TURBULENT = 1.4  # volatilities in turbulent times, as a multiple
ENTER, LEAVE = 0.03, 0.08  # chances a day of becoming turbulent and calm
JUMP_CHANCE, JUMP = 0.006, 3.0  # a stock's own part is so many times as large on so many of its days
DIVIDEND, QUARTER = 0.005, 63  # share of the price, trading days between two


@cache
def synthetic_bars(seed: int = 0) -> Bars:
    """The market of this seed; equal seeds give equal prices on every machine."""
    values = synthetic_values(seed)
    digest = hashlib.sha256(values.astype("<f8").tobytes()).hexdigest()
    return adjusted_bars(trading_days(), values, f"synthetic:{digest}", f"synthetic market, seed {seed}")


def synthetic_values(seed: int = 0) -> np.ndarray:
    """[day, ticker, value], the values a file of bars has, in `VALUES`' order, unadjusted.

    Prices are rounded, as quotes are, and made by additions and multiplications alone, so no two machines differ.
    """
    streams = Streams(seed).child("synthetic market")
    returns = _returns(streams, len(trading_days()), len(TICKERS))
    days, tickers = returns.shape
    draw = streams.numpy("bars")
    adj_close = draw.uniform(30, 300, tickers) * np.cumprod(1 + returns, axis=0)
    growth = np.cumprod(np.full(days // QUARTER + 1, 1 / (1 - DIVIDEND)))
    # dividends still to come, which the adjusted price leaves out
    close = adj_close * growth[(days - 1 - np.arange(days)) // QUARTER][:, None]
    before = np.concatenate([close[:1], close[:-1]])
    opening = before * (1 + 0.003 * draw.standard_normal((days, tickers)))
    high = np.maximum(opening, close) * (1 + 0.004 * np.abs(draw.standard_normal((days, tickers))))
    low = np.minimum(opening, close) * (1 - 0.004 * np.abs(draw.standard_normal((days, tickers))))
    volume = draw.integers(1_000_000, 100_000_000, (days, tickers))
    quotes = [values.round(2) for values in (opening, high, low, close)]
    return np.stack([*quotes, adj_close.round(4), volume], axis=2)


def trading_days() -> np.ndarray:
    """The 794 days of the exchange from 2019-03-20 to 2022-05-11, datetime64[D]."""
    every = np.arange(FIRST_DAY, np.datetime64(LAST_DAY) + 1, dtype="datetime64[D]")
    return every[np.is_busday(every, holidays=HOLIDAYS.split())]


def _returns(streams: Streams, days: int, tickers: int) -> np.ndarray:
    draw = streams.numpy("returns")
    beta = draw.uniform(0.6, 1.4, tickers)
    own = OWN * draw.uniform(0.7, 1.3, tickers)
    sector = draw.permutation(tickers) % SECTORS
    scale = np.where(_turbulent(streams, days), TURBULENT, 1.0)[:, None]
    market = MARKET * draw.standard_normal((days, 1))
    sectors = SECTOR * draw.standard_normal((days, SECTORS))
    alone = own * draw.standard_normal((days, tickers))
    alone *= np.where(draw.random((days, tickers)) < JUMP_CHANCE, JUMP, 1.0)
    returns = DRIFT + scale * (beta * market + sectors[:, sector] + alone)
    return np.maximum(returns, -0.5)


def _turbulent(streams: Streams, days: int) -> np.ndarray:
    chances = streams.numpy("regimes").random(days)
    state, states = False, []
    for chance in chances:
        state = chance >= LEAVE if state else chance < ENTER
        states.append(state)
    return np.array(states)
