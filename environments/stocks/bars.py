"""Daily bars of the Dow 30 from a CSV file: read, checked, adjusted for splits and dividends."""

from __future__ import annotations

import csv
import datetime
import gzip
import hashlib
import io
import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TextIO

import numpy as np

from environments.typed_options import UsageError, nearest

#: the index's members in 2021, as in the paper and in finrl 0.3.7's `DOW_30_TICKER`; alphabetical, the state's order
_MEMBERS = (
    "AAPL AMGN AXP BA CAT CRM CSCO CVX DIS DOW GS HD HON IBM INTC JNJ JPM KO MCD MMM MRK MSFT NKE PG TRV UNH V VZ WBA "
    "WMT"
)
TICKERS = tuple(_MEMBERS.split())
PRICES = ("open", "high", "low", "close", "adj_close")
VALUES = (*PRICES, "volume")
COLUMNS = ("date", "tic", *VALUES)


@dataclass(frozen=True, eq=False)
class Bars:
    """Adjusted daily bars; arrays are float64 [day, ticker], tickers in `TICKERS`' order.

    `close` is the adjusted close; open, high and low are scaled by the same factor, adj_close / close.
    """

    dates: np.ndarray  # datetime64[D], ascending
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    digest: str  # "sha256:<hex>" of the file's bytes, or "synthetic:<hex>" of the values
    source: str  # one line for people


def adjusted_bars(dates: np.ndarray, values: np.ndarray, digest: str, source: str) -> Bars:
    """Bars of raw values [day, ticker, value] in `VALUES`' order."""
    raw = {name: values[:, :, index] for index, name in enumerate(VALUES)}
    factor = raw["adj_close"] / raw["close"]
    scaled = {name: raw[name] * factor for name in ("open", "high", "low")}
    return Bars(dates, **scaled, close=raw["adj_close"].copy(), volume=raw["volume"], digest=digest, source=source)


def read_bars(path: Path) -> Bars:
    """The bars of a CSV file (plain or .gz) with at least the columns `COLUMNS`, one row per day and ticker.

    Tickers outside the Dow 30 are left out.  Raises UsageError naming the file, and the row and the ticker of what is
    wrong: an unreadable file, a wrong column, a value that is no number, a price at or below 0, a repeated row, a
    ticker or a day of one that is missing.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as CSV of daily bars: {error}") from None
    known = _checked_rows(rows, str(path))
    days = sorted({date for date, _ in known})
    _check_complete(known, days, str(path))
    values = np.array([[known[date, ticker][0] for ticker in TICKERS] for date in days])
    digest = hashlib.sha256(content).hexdigest()
    dates = np.array(days, dtype="datetime64[D]")
    return adjusted_bars(dates, values, f"sha256:{digest}", f"{path.name} (sha256 {digest[:12]})")


def write_rows(file: TextIO, rows: Iterable[tuple[str, str, Sequence[float]]]) -> None:
    """Write dates (ISO), tickers and their values in `VALUES`' order as `read_bars` reads them."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([date, ticker, *values] for date, ticker, values in rows)


#: values and row number by day and ticker
_Known = dict[tuple[str, str], tuple[list[float], int]]


def _checked_rows(rows: list[list[str]], name: str) -> _Known:
    if not rows:
        raise UsageError(f"{name} is empty; its columns must be {','.join(COLUMNS)}")
    places, members = _places(rows[0], name), frozenset(TICKERS)
    known: _Known = {}
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(rows[0]):
            raise UsageError(f"{name} row {number}: {len(row)} values, must be {len(rows[0])}")
        date, ticker, *values = (row[place] for place in places)
        if ticker not in members:
            continue
        if (date, ticker) in known:
            before = known[date, ticker][1]
            raise UsageError(f"{name} row {number} ({ticker}): {date} is in row {before} already; a day has one row")
        if not _is_date(date):
            raise UsageError(f"{name} row {number} ({ticker}): date is {date!r}, must be of the form 2021-12-31")
        try:
            known[date, ticker] = _numbers(values), number
        except ValueError as error:
            raise UsageError(f"{name} row {number} ({ticker}): {error}") from None
    present = {row[places[1]] for row in rows[1:]}
    for ticker in TICKERS:
        if ticker not in present:
            raise UsageError(f"{name} has no row of ticker {ticker}; {nearest(ticker, present - set(TICKERS))}")
    return known


def _places(header: list[str], name: str) -> list[int]:
    """Where each of `COLUMNS` is in a row."""
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        unknown = [column for column in header if column not in COLUMNS]
        if unknown:
            raise UsageError(f"{name} row 1: unknown column {unknown[0]!r}; {nearest(unknown[0], missing)}")
        raise UsageError(f"{name} row 1: no column {missing[0]!r}; the columns must be {','.join(COLUMNS)}")
    return [header.index(column) for column in COLUMNS]


@cache
def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _numbers(texts: list[str]) -> list[float]:
    """The values as numbers.  Raises ValueError for the first that is none, or is out of range."""
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = []
    if numbers and min(numbers[:-1]) > 0 and numbers[-1] >= 0 and math.isfinite(sum(numbers)):
        return numbers
    for column, text in zip(VALUES, texts, strict=True):
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if column == "volume" and not 0 <= number < math.inf:
            raise ValueError(f"volume is {text!r}, must be a number of at least 0")
        if column != "volume" and not 0 < number < math.inf:
            raise ValueError(f"{column} is {text!r}, must be a number above 0")
    return numbers


def _check_complete(known: _Known, days: list[str], name: str) -> None:
    if len(known) == len(days) * len(TICKERS):
        return
    for day in days:
        absent = [ticker for ticker in TICKERS if (day, ticker) not in known]
        if absent:
            number = next(known[day, ticker][1] for ticker in TICKERS if (day, ticker) in known)
            raise UsageError(f"{name} has no row of {absent[0]} on {day}, a day that others have (row {number})")
