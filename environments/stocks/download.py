"""Downloads daily bars from Yahoo: `python -m environments.stocks.download --start 2019-03-20 --end 2022-05-11 B.csv`.

Needs the internet and the extra `finrl` (yfinance).  yfinance is called directly: finrl 0.3.7's `YahooDownloader`
passes it an argument, and expects columns, that yfinance 1 no longer has.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import math
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from environments.stocks.bars import TICKERS, Bars, read_bars, write_rows
from environments.typed_options import UsageError

#: Yahoo's names of `VALUES`
FIELDS = ("Open", "High", "Low", "Close", "Adj Close", "Volume")


def download(start: str, end: str, output: Path, fetch: Callable[..., Any] | None = None) -> Bars:
    """Write the bars of the Dow 30 from start to end, both included (ISO dates), to a CSV file, .gz or not.

    fetch: called as `yfinance.download`, which it is by default.  The file appears only once it reads as whole bars;
    raises UsageError saying what Yahoo left out, or that the extra is missing.
    """
    first, last = _date("start", start), _date("end", end)
    if not output.parent.is_dir():
        raise UsageError(f"no folder {str(output.parent)!r} for {output.name}")
    table = (fetch or _yahoo())(
        list(TICKERS),
        start=first.isoformat(),
        end=(last + datetime.timedelta(days=1)).isoformat(),  # exclusive
        auto_adjust=False,
        group_by="ticker",
        progress=False,
    )
    if table is None or table.empty:
        raise UsageError(f"Yahoo gave no bars from {start} to {end}")
    partial = output.with_name(f"partial-{output.name}")
    try:
        with gzip.open(partial, "wt") if partial.suffix == ".gz" else partial.open("w") as file:
            write_rows(file, _rows(table))
        bars = read_bars(partial)
        os.replace(partial, output)
    finally:
        partial.unlink(missing_ok=True)
    return bars


def _yahoo() -> Callable[..., Any]:
    try:
        import yfinance
    except ModuleNotFoundError:
        raise UsageError(
            "yfinance is not installed; install the extra, in the checkout: pip install -e '.[finrl]'"
        ) from None
    return yfinance.download


def _rows(table: Any) -> Iterator[tuple[str, str, list[float]]]:
    """Rows in order of days and tickers, from yfinance's table with columns (ticker, field); gaps are left out."""
    for day, row in table.iterrows():
        for ticker in TICKERS:
            values = [float(row.get((ticker, field), math.nan)) for field in FIELDS]
            if not any(map(math.isnan, values)):
                yield day.date().isoformat(), ticker, values


def _date(name: str, text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name} must be a date such as 2021-01-04, got {text!r}") from None


def main(arguments: list[str], fetch: Callable[..., Any] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m environments.stocks.download", description=__doc__)
    parser.add_argument("--start", required=True, help="first day, such as 2019-03-20")
    parser.add_argument("--end", required=True, help="last day, such as 2022-05-11")
    parser.add_argument("output", type=Path, help="CSV file to write; compressed if it ends in .gz")
    given = parser.parse_args(arguments)
    try:
        bars = download(given.start, given.end, given.output, fetch)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{given.output}: {len(bars.dates)} days from {bars.dates[0]} to {bars.dates[-1]}, {bars.digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
