"""Outside data are checked before anything runs, and a report says what its tasks come to on them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.command_line import main
from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import known_suite
from environments.stocks.bars import read_bars
from environments.stocks.market import check_calendar
from environments.stocks.stock_trading import DATA_VARIABLE
from environments.typed_options import UsageError
from reports.page import write_report
from results.record_schema import sealed
from results.store import Store
from tests.support.report_reading import text_of
from tests.support.scored_runs import store_run
from tests.support.stock_markets import write_bars

SMOKE = ("leaderboard", "--suites", "dow30-risk", "--algorithms", "random-init", "--profile", "smoke", "--dry-run")


@pytest.fixture
def bars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A good file of bars, which the stock suites take."""
    path = tmp_path / "bars.csv"
    write_bars(path)
    monkeypatch.setenv(DATA_VARIABLE, str(path))
    monkeypatch.chdir(tmp_path)
    known_suite.cache_clear()  # a suite keeps the file that it was made with
    yield path
    known_suite.cache_clear()


def without(path: Path, *days: str) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith(days)) + "\n")


def test_a_day_that_no_ticker_has_is_named_with_the_file_and_its_neighbours(
    bars: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without(bars, "2020-11-27", "2021-03-10")
    assert main(SMOKE) == 2
    error = capsys.readouterr().err
    assert error.startswith("metarl: bars.csv (sha256 ") and error.count("\n") == 1
    assert "no ticker has a row on 2020-11-27, a trading day; the bars go from 2020-11-25 to 2020-11-30" in error
    assert "(2 such days)" in error


def test_a_history_too_short_is_refused_before_anything_runs(bars: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bars(bars, 300)
    assert main([*SMOKE[:-1], "--workers", "1"]) == 2
    error = capsys.readouterr().err
    assert "bars must begin at least 254 days before" in error and error.count("\n") == 1
    assert not list(bars.parent.rglob("run.json"))


def test_a_day_on_which_the_exchange_was_closed_is_named(bars: Path) -> None:
    read = read_bars(bars)
    dates = read.dates.copy()
    dates[dates == np.datetime64("2021-03-12")] = np.datetime64("2021-03-13")
    with pytest.raises(UsageError, match="no ticker has a row on 2021-03-12"):
        check_calendar(dataclasses.replace(read, dates=dates))
    whole = np.sort(np.append(read.dates, np.datetime64("2021-03-13")))
    with pytest.raises(UsageError, match=r"has rows of 2021-03-13, when the exchange was closed$"):
        check_calendar(dataclasses.replace(read, dates=whole))
    check_calendar(read)


def test_days_outside_the_known_calendar_are_left_to_the_file(bars: Path) -> None:
    read = read_bars(bars)
    check_calendar(dataclasses.replace(read, dates=read.dates + np.timedelta64(3650, "D")))


def test_a_run_records_how_many_mdps_its_tasks_are_and_the_report_says_so(bars: Path, tmp_path: Path) -> None:
    (spec,) = make_plan(suites=["dow30-turbulence"], algorithms=["random-init"], seeds=1, profile="smoke")
    description = spec.record()["description"]
    assert (description["tasks"], description["distinct_mdps"]) == (80, 16)
    (robot,) = make_plan(suites=["corners"], algorithms=["random-init"], seeds=1, profile="smoke")
    assert "distinct_mdps" not in robot.record()["description"]

    store = Store(tmp_path / "results")
    store_run(store, "dow30-turbulence")
    store_run(store, "point")
    path = next(run.path for run in store.finished() if run.suite == "dow30-turbulence") / "run.json"
    record = json.loads(path.read_text())
    record["description"] |= {"tasks": 80, "distinct_mdps": 16}
    path.write_text(json.dumps(sealed(record)))
    text = text_of(write_report(store.finished(), tmp_path / "report"))
    assert text.count("80 tasks, 16 different MDPs") == 1
    assert "the 80 tasks of dow30-turbulence are 16 different MDPs" in text


def test_an_empty_results_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--results", str(tmp_path / "none"), "--output", str(tmp_path / "report")]) == 2
    assert f"no finished run is stored in {tmp_path / 'none'}" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()
