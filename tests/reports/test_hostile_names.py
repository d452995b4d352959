"""Names of a stranger's records: no formula, no command, no HTML, no file of the reader's own gets into a report."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from benchmarks.commands.report import render
from reports.comparison_markdown import comparison_markdown
from reports.page import write_report
from reports.scores.boards import make_boards
from reports.scores.entries import collect_entries
from reports.text.table import Table, csv_lines
from results.files import sha256_of
from results.record_schema import sealed
from results.store import Store
from tests.support.scored_runs import store_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.mark.parametrize("text", ["=1+cmd|' /C calc'!A0", "+cmd|'x'!A0", "-cmd|'x'!A0", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_a_csv_is_computed(text: str) -> None:
    ((cell,),) = csv.reader([csv_lines(("name",), [(text,)]).split("\n", 1)[1]]) if "\r" not in text else [("'",)]
    assert cell.startswith("'")


@pytest.mark.parametrize("value", ["-3.4", "+1.5", "-3.4 [-4.0, -1.2]", "-1e-05", -3.4, "promp", "-"])
def test_numbers_stay_as_they_are(value: object) -> None:
    ((cell,),) = csv.reader(csv_lines(("name",), [(value,)]).splitlines()[1:])
    assert cell == str(value)


def test_a_title_stays_within_its_latex_comment() -> None:
    lines = Table("a\n\\input{/etc/passwd}\r\\x", ("name",), (("b",),)).latex().splitlines()
    assert lines[0].startswith("% a\\n") and lines[1].startswith("%")


def test_a_summary_holds_no_html_and_no_link(store: Store) -> None:
    for seed in range(2):
        store_run(store, algorithm="promp", seed=seed)
        store_run(store, algorithm="<img src=x onerror=alert(1)>[a](javascript:b)`", seed=seed, suite="point")
    name = "<img src=x onerror=alert(1)>[a](javascript:b)`"
    boards = make_boards(collect_entries(store.finished())[0])
    text = comparison_markdown(name, boards, "keeps", {}, ["refused <script>x</script>"])
    for line in text.splitlines():
        assert "<img" not in line.replace("\\<img", "") and "<script" not in line.replace("\\<script", "")
        assert not re.search(r"(?<!\\)\]\(", line)


def test_a_picture_that_leads_elsewhere_is_not_shown(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"private")
    store_run(store)
    (run,) = store.finished()
    (run.path / "artefacts").mkdir()
    (run.path / "artefacts" / "a.png").symlink_to(secret)
    (run.path / "artefacts" / "b.png").mkdir()
    (run.path / "artefacts" / "c.png").symlink_to("/dev/zero")
    (run.path / "artefacts" / "d.png").write_bytes(b"")
    page = write_report(store.finished(), tmp_path / "report").read_text()
    assert "data:image/png" not in page and "cHJpdmF0ZQ" not in page
    (tmp_path / "pictures").mkdir()
    secret.rename(tmp_path / "pictures" / "e.png")
    (run.path / "artefacts").rename(tmp_path / "aside")
    (run.path / "artefacts").symlink_to(tmp_path / "pictures")
    page = write_report(store.finished(), tmp_path / "report").read_text()
    assert "data:image/png" not in page and "cHJpdmF0ZQ" not in page


def test_an_endless_error_does_not_make_an_endless_page(store: Store, tmp_path: Path) -> None:
    from reports.scores.cautions import FailedRun

    store_run(store)
    failed = [FailedRun("point", "maml", 0, "ValueError: " + "x" * 5_000_000)]
    page = write_report(store.finished(), tmp_path / "report", failed=failed)
    assert page.stat().st_size < 2_000_000


def test_times_without_end_are_no_times(store: Store, tmp_path: Path) -> None:
    store_run(store, seconds=1e308)
    (run,) = store.finished()
    assert "timing.parquet is damaged" in run.times_problem
    write_report(store.finished(), tmp_path / "report")


def test_a_configuration_without_a_score_is_named_on_the_terminal(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store_run(store)
    store_run(store, algorithm="maml", broken=float("inf"))
    render(store.finished(), tmp_path / "report", "Leaderboard")
    errors = capsys.readouterr().err
    assert "metarl: no score: maml on point" in errors and errors.count("\n") == 1


def test_counts_that_no_digest_holds_are_held_by_the_curve(store: Store) -> None:
    store_run(store)
    (run,) = store.finished()
    done = {**run.done, "environment_steps": 99_999}
    del done["seal"]
    (run.path / "done.json").write_text(json.dumps(done))
    entries, refused = collect_entries(store.finished())
    assert not entries and "ended after 99,999 environment steps by its done.json" in refused[0].reason


def test_a_damaged_decision_is_left_out_by_name(store: Store, tmp_path: Path) -> None:
    from results.decisions import HOME, read_decisions

    (store.root / HOME).mkdir()
    (store.root / HOME / "a.json").write_text("{}")
    (store.root / HOME / "b.json").mkdir()
    found, problems = read_decisions(store.root)
    assert found == [] and len(problems) == 2 and "a.json" in problems[0] and "b.json" in problems[1]


def test_the_page_names_an_algorithms_own_file_by_its_digest(store: Store, tmp_path: Path) -> None:
    from benchmarks.specs.provenance import own_file

    (tmp_path / "mine.py").write_text("x = 1\n")
    told = own_file(f"{tmp_path / 'mine.py'}:Mine")
    assert told == {"source_file": "mine.py", "source_sha256": sha256_of(tmp_path / "mine.py")}
    assert own_file("my_package.mine:Mine") == {}
    store_run(store)
    (run,) = store.finished()
    record = {**run.run, "provenance": {**run.run["provenance"], **told}}
    (run.path / "run.json").write_text(json.dumps(sealed(record)))
    page = write_report(store.finished(), tmp_path / "report").read_text()
    assert f"of a file of its own, mine.py (SHA-256 {told['source_sha256']})" in page


def test_a_report_of_what_has_not_trained_is_drawn(store: Store, tmp_path: Path) -> None:
    store_run(store, algorithm="random-init", trains=False)
    assert write_report(store.finished(), tmp_path / "report").is_file()


@pytest.mark.parametrize("score", [1e308, -1e308, 1e61])
def test_a_score_beyond_all_sums_is_no_score(store: Store, tmp_path: Path, score: float) -> None:
    store_run(store)
    store_run(store, algorithm="maml", broken=score)
    entries, refused = collect_entries(store.finished())
    assert [entry.algorithm for entry in entries] == ["promp"] and "has a return of" in refused[0].reason
    write_report(store.finished(), tmp_path / "report")


def test_numbers_too_near_to_be_told_apart_have_ticks() -> None:
    from reports.figures.chart import decimals_of, padded, round_numbers

    for values in ((1.0, 1.0 + 2e-16), (0.0, 5e-324), (1e60, 1e60), (-3.0, -3.0), (0.0, 0.0), (1e-300, 2e-300)):
        marks = round_numbers(*padded(values))
        assert len(marks) > 1 and decimals_of(marks) >= 0


def test_a_suite_of_many_options_is_reported_though_no_file_may_have_its_name(store: Store, tmp_path: Path) -> None:
    """A folder of runs may have 255 bytes; a figure's file adds to the name what it shows."""
    names = [
        f"walk[{','.join(f'option_number_{number}=0.{number}' for number in range(10))},last={last}]" for last in "ab"
    ]
    assert 200 < len(names[0]) < 255
    for name in names:
        for seed in range(2):
            store_run(store, algorithm="promp", seed=seed, suite=name)
    page = write_report(store.finished(), tmp_path / "report")
    files = [path.name for path in page.parent.rglob("*.svg")]
    assert files and len(set(files)) == len(files) and max(map(len, files)) < 200
