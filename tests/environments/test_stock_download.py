"""Downloading bars, with a table such as yfinance's in place of the internet; and a missing extra."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from environments.stocks import download as module
from environments.stocks.bars import TICKERS, read_bars
from environments.stocks.download import FIELDS, download, main
from environments.stocks.finrl_bridge import finrl_module
from environments.stocks.synthetic_market import synthetic_values, trading_days
from environments.typed_options import UsageError

SPAN = ["--start", "2019-03-20", "--end", "2019-04-03"]


class Yahoo:
    """Serves the synthetic market in yfinance's shape, and remembers what it was asked for."""

    def __init__(self, missing: tuple[int, int] | None = None) -> None:
        self.missing = missing
        self.asked: dict[str, Any] = {}

    def __call__(self, tickers: list[str], **asked: Any) -> pd.DataFrame:
        self.asked = {"tickers": tickers, **asked}
        days = trading_days()
        days = days[(days >= np.datetime64(asked["start"])) & (days < np.datetime64(asked["end"]))]
        values = synthetic_values()[: len(days)].copy()
        if self.missing is not None:
            values[self.missing] = np.nan
        columns = pd.MultiIndex.from_product([TICKERS, FIELDS], names=["Ticker", "Price"])
        index = pd.DatetimeIndex(days.astype("datetime64[ns]"), name="Date")
        return pd.DataFrame(values.reshape(len(days), len(columns)), index=index, columns=columns)


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz"])
def test_what_is_downloaded_reads_as_bars(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    output, yahoo = tmp_path / name, Yahoo()
    assert main([*SPAN, str(output)], yahoo) == 0
    bars = read_bars(output)
    assert (str(bars.dates[0]), str(bars.dates[-1])) == ("2019-03-20", "2019-04-03")
    np.testing.assert_array_equal(bars.close, synthetic_values()[: len(bars.dates), :, 4])
    np.testing.assert_array_equal(bars.volume, synthetic_values()[: len(bars.dates), :, 5])
    assert capsys.readouterr().out == f"{output}: 11 days from 2019-03-20 to 2019-04-03, {bars.digest}\n"
    assert (output.read_bytes()[:2] == gzip.compress(b"")[:2]) == name.endswith(".gz")
    assert yahoo.asked["tickers"] == list(TICKERS)
    assert yahoo.asked["auto_adjust"] is False and yahoo.asked["end"] == "2019-04-04"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_gap_of_yahoos_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SPAN, str(tmp_path / "bars.csv")], Yahoo(missing=(4, TICKERS.index("WBA")))) == 2
    assert "has no row of WBA on 2019-03-26" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_wrong_dates_folders_and_empty_answers_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^start must be a date such as 2021-01-04, got 'yesterday'$"):
        download("yesterday", "2021-01-04", tmp_path / "bars.csv", Yahoo())
    with pytest.raises(UsageError, match=r"^no folder '.*/none' for bars.csv$"):
        download("2019-03-20", "2019-04-03", tmp_path / "none" / "bars.csv", Yahoo())
    with pytest.raises(UsageError, match=r"^Yahoo gave no bars from 2035-01-01 to 2035-01-03$"):
        download("2035-01-01", "2035-01-03", tmp_path / "bars.csv", Yahoo())


def test_without_the_extra_a_line_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hint = r"is not installed.*; install the extra, in the checkout: pip install -e '\.\[finrl\]'$"
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(UsageError, match=f"^yfinance {hint}"):
        module.download("2019-03-20", "2019-04-03", tmp_path / "bars.csv")
    for loaded in [name for name in sys.modules if name.partition(".")[0] == "finrl"]:
        monkeypatch.delitem(sys.modules, loaded)
    with pytest.raises(UsageError, match=f"^yfinance {hint}"):
        finrl_module("meta.preprocessor.preprocessors")
    monkeypatch.delitem(sys.modules, "finrl")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=f"^finrl {hint}"):
        finrl_module("config")
