"""Files of daily bars: read and adjusted as they say, and every fault named by file, row and ticker."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from environments.stocks.bars import TICKERS, read_bars
from environments.stocks.market import load_bars
from environments.stocks.stock_trading import Dow30Risk
from environments.stocks.synthetic_market import synthetic_bars, synthetic_values, trading_days
from environments.typed_options import UsageError
from tests.support.stock_markets import MARKETS, make, market_id, write_bars


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bars.csv"


def spoil(file: Path, row: int, column: int, text: str | None) -> None:
    """Replace one value of a file of three days by the text, or take the row out."""
    lines = write_bars(file, 0, 3)
    values = lines[row - 1].split(",")
    if text is not None:
        values[column] = text
    lines[row - 1 : row] = [",".join(values)] if text is not None else []
    file.write_text("\n".join(lines) + "\n")


def message(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_bars(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path} ")


def test_prices_are_scaled_by_what_splits_and_dividends_did_to_the_close(file: Path) -> None:
    write_bars(file)
    bars = read_bars(file)
    opening, high, low, close, adjusted, volume = np.moveaxis(synthetic_values(), 2, 0)
    assert (close > 1.01 * adjusted).any(), "the market pays dividends"
    np.testing.assert_array_equal(bars.close, adjusted)
    for mine, raw in ((bars.open, opening), (bars.high, high), (bars.low, low)):
        np.testing.assert_allclose(mine / bars.close, raw / close, rtol=1e-12)
    np.testing.assert_array_equal(bars.volume, volume)
    np.testing.assert_array_equal(bars.dates, trading_days())


def test_compressed_shuffled_and_wider_files_read_the_same(file: Path) -> None:
    lines = write_bars(file, 0, 20)
    bars = read_bars(file)
    assert bars.digest == "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()
    assert bars.source == f"bars.csv (sha256 {bars.digest[7:19]})"

    shuffled = [lines[0], *reversed(lines[1:])]
    others = [f"{line},extra" for line in [*shuffled, "2020-01-02,OTHER,0,0,nan,,0,-1"]]
    compressed = file.with_suffix(".csv.gz")
    compressed.write_bytes(gzip.compress("\n".join(others).encode()))
    again = read_bars(compressed)
    for name in ("dates", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(again, name), getattr(bars, name))
    assert again.digest != bars.digest


@pytest.mark.parametrize(
    ("column", "text", "wrong"),
    [
        (5, "0", "close is '0', must be a number above 0"),
        (2, "-3.5", "open is '-3.5', must be a number above 0"),
        (6, "nan", "adj_close is 'nan', must be a number above 0"),
        (3, "", "high is '', must be a number above 0"),
        (4, "inf", "low is 'inf', must be a number above 0"),
        (4, "12,5", "row 33: 9 values, must be 8"),
        (7, "-1", "volume is '-1', must be a number of at least 0"),
        (0, "2019/03/21", "date is '2019/03/21', must be of the form 2021-12-31"),
    ],
)
def test_a_wrong_value_is_named_by_row_and_ticker(file: Path, column: int, text: str, wrong: str) -> None:
    spoil(file, 33, column, text)
    assert message(file) == (wrong if wrong.startswith("row") else f"row 33 (AMGN): {wrong}")


def test_a_repeated_row_names_both(file: Path) -> None:
    spoil(file, 40, 1, "BA")
    assert message(file) == "row 40 (BA): 2019-03-21 is in row 35 already; a day has one row"


def test_a_missing_day_of_a_ticker_is_named(file: Path) -> None:
    spoil(file, 41, 0, None)
    assert message(file) == "has no row of DOW on 2019-03-21, a day that others have (row 32)"


def test_a_missing_ticker_is_named_with_the_nearest_there_is(file: Path) -> None:
    text = "\n".join(write_bars(file, 0, 2))
    file.write_text(text.replace(",DOW,", ",DOWW,"))
    assert message(file) == "has no row of ticker DOW; did you mean 'DOWW'?"
    file.write_text("\n".join(line for line in text.splitlines() if ",VZ," not in line))
    assert message(file) == "has no row of ticker VZ; known: none"


def test_a_wrong_column_is_named_with_the_nearest_valid_one(file: Path) -> None:
    lines = write_bars(file, 0, 2)
    file.write_text("\n".join([lines[0].replace("adj_close", "adjclose"), *lines[1:]]))
    assert message(file) == "row 1: unknown column 'adjclose'; did you mean 'adj_close'?"
    file.write_text("\n".join(line.rpartition(",")[0] for line in lines))
    expected = "row 1: no column 'volume'; the columns must be date,tic,open,high,low,close,adj_close,volume"
    assert message(file) == expected


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00bars", gzip.compress(b"date,tic", mtime=0)[:-4]])
def test_a_file_that_cannot_be_read_says_so(file: Path, content: bytes) -> None:
    path = file.with_suffix(".csv.gz") if content[:2] == b"\x1f\x8b" else file
    path.write_bytes(content)
    assert re.match(r"cannot be read as CSV of daily bars: .|is empty; its columns must be date,", message(path))


def test_a_file_that_is_not_there_or_is_no_gzip_says_so(file: Path) -> None:
    with pytest.raises(UsageError, match=r"^no bars at '.*bars.csv': No such file or directory; give a CSV file"):
        load_bars(str(file))
    wrong = file.with_suffix(".csv.gz")
    wrong.write_text("date,tic")
    assert message(wrong).startswith("cannot be read as CSV of daily bars: Not a gzipped file")


def test_a_file_is_read_again_once_it_has_changed(file: Path) -> None:
    write_bars(file, 0, 3)
    before = load_bars(str(file))
    assert load_bars(str(file)) is before
    write_bars(file, 0, 4)
    assert len(load_bars(str(file)).dates) == 4


def test_a_year_of_bars_before_the_episode_is_asked_for(file: Path) -> None:
    write_bars(file, 199)
    with pytest.raises(
        UsageError, match=r"row 2 \(2020-01-02\) is only 253 trading days before 2021-01-04; .* 254 days"
    ):
        make(Dow30Risk, str(file)).make_batch(1, 1)
    write_bars(file, 198)
    shorter = make(Dow30Risk, str(file)).episode
    whole = make(Dow30Risk).episode
    np.testing.assert_allclose(shorter.turbulence, whole.turbulence, rtol=1e-9)
    assert shorter.turbulence[0] > 0


def test_bars_that_do_not_cover_the_episode_are_refused(file: Path) -> None:
    write_bars(file, 0, 400)
    with pytest.raises(UsageError, match=r"fewer than two trading days in 2021-01-04 to 2021-12-31; .* 2019-03-20 to "):
        make(Dow30Risk, str(file)).make_batch(1, 1)


def test_the_synthetic_market_has_the_calendar_and_the_look_of_the_real_one() -> None:
    bars = synthetic_bars()
    assert bars.close.shape == (794, len(TICKERS)) and list(TICKERS) == sorted(set(TICKERS))
    in_2021 = (bars.dates >= np.datetime64("2021-01-01")) & (bars.dates < np.datetime64("2022-01-01"))
    assert in_2021.sum() == 252
    returns = np.diff(np.log(bars.close), axis=0)
    correlation = np.corrcoef(returns.T)[np.triu_indices(30, 1)]
    assert 0.15 < correlation.mean() < 0.4
    assert 0.15 < np.sqrt(252) * returns.std() < 0.4
    spread = returns.std(axis=1)
    assert np.corrcoef(spread[1:], spread[:-1])[0, 1] > 0.2, "calm and turbulent times last"
    assert (bars.high >= np.maximum(bars.open, bars.close) - 0.02).all()
    assert (bars.low <= np.minimum(bars.open, bars.close) + 0.02).all()


def test_the_synthetic_market_is_the_same_every_time() -> None:
    assert synthetic_bars(0).digest == "synthetic:dd75363275e24eee69b83dea8808f72c7d89a419fda713cd2cad2607320535fb"
    np.testing.assert_array_equal(synthetic_values(0), synthetic_values(0))
    assert (synthetic_values(0) != synthetic_values(1)).any()


@pytest.mark.parametrize("data", MARKETS, ids=market_id)
def test_the_year_has_calm_and_turbulent_days(data: str) -> None:
    turbulence = make(Dow30Risk, data).episode.turbulence
    assert turbulence.shape == (252,)
    low, middle, high = np.percentile(turbulence, [10, 50, 95])
    assert 8 < low < 20 < middle < 35 < 60 < high < 80
