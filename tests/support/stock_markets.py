"""Bars for the tests of the stock suites: which data there is, and files of bars to spoil."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from environments.stocks.bars import TICKERS, write_rows
from environments.stocks.stock_trading import DATA_VARIABLE, StockSuite
from environments.stocks.synthetic_market import synthetic_values, trading_days

#: values of the option `data`: the synthetic market always, and real bars where the variable names them
MARKETS = ["synthetic", *filter(None, [os.environ.get(DATA_VARIABLE)])]


def market_id(data: str) -> str:
    return "synthetic" if data == "synthetic" else "real"


def make(cls: type[StockSuite], data: str = "synthetic", **options: Any) -> StockSuite:
    """The suite on this market, whatever the environment variable says."""
    return cls(cls.Options(data=data, **options))


def write_bars(path: Path, first: int = 0, last: int | None = None) -> list[str]:
    """Write days first to last of the synthetic market as a file of bars; its lines."""
    days = trading_days()[first:last]
    values = synthetic_values()[first:last]
    rows = [
        (str(day), ticker, values[index, place].tolist())
        for index, day in enumerate(days)
        for place, ticker in enumerate(TICKERS)
    ]
    with path.open("w") as file:
        write_rows(file, rows)
    return path.read_text().splitlines()
