"""Results that were damaged, or are none: every one is named, and nothing else is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from benchmarks.command_line import main
from results.files import sha256_of
from results.record_schema import sealed
from results.store import Store
from results.tables import SCORES, as_table, read_columns, write_table
from tests.support.command import said_by, smoke

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def metarl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in an empty working directory; returns its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    # whatever is being edited here
    monkeypatch.setattr("benchmarks.verification.attesting.checkout", lambda: ("c" * 40, False))
    return partial(said_by, capsys)


@pytest.fixture(scope="module")
def leaderboard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory in which a leaderboard was run."""
    folder = tmp_path_factory.mktemp("leaderboard")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(smoke(algorithms="promp,random-init")) == 0
    return folder


@pytest.fixture
def stored(metarl: Command, tmp_path: Path, leaderboard: Path) -> Path:
    """The folder of a finished run."""
    shutil.copytree(leaderboard, tmp_path, dirs_exist_ok=True)
    return next(run.path for run in Store(tmp_path / "results").finished() if run.algorithm == "promp")


def test_every_damaged_run_of_a_plan_is_named(stored: Path, metarl: Command, tmp_path: Path) -> None:
    (stored / "done.json").write_bytes(b"")
    (other,) = {run.path for run in Store(tmp_path / "results").finished(skip_corrupt=True) if run.seed == 0}
    (other / "scores.parquet").unlink()
    code, _, errors = metarl(*smoke(algorithms="promp,random-init"))
    assert code == 2 and errors.count("\n") == 1
    assert "done.json is damaged: it is empty; restore it" in errors
    assert [str(path.relative_to(tmp_path)) in errors for path in (stored, other)] == [True, True], errors


def test_a_damaged_table_is_named_and_nothing_else_is_lost(stored: Path, metarl: Command, tmp_path: Path) -> None:
    table = stored / "scores.parquet"
    table.write_bytes(table.read_bytes()[:-50])
    code, _, errors = metarl(*smoke())
    assert code == 2
    assert errors.startswith(f"metarl: {table.relative_to(tmp_path)} is damaged") and errors.count("\n") == 1
    code, output, errors = metarl("report")
    assert (code, errors.count("\n")) == (2, 1)
    assert output == "report: report/index.html\n"
    assert len(json.loads((tmp_path / "report" / "summary.json").read_text())["runs"]) == 3
    assert metarl(*smoke("--force"))[0] == 0
    assert metarl("report")[0] == 0


def test_verify_names_the_first_record_that_differs(
    stored: Path, metarl: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = as_table(read_columns(stored / "scores.parquet", SCORES))
    scores.loc[3, "length"] += 1
    write_table(stored / "scores.parquet", scores, SCORES)
    done = json.loads((stored / "done.json").read_text())
    done["digests"]["scores.parquet"] = sha256_of(stored / "scores.parquet")
    (stored / "done.json").write_text(json.dumps(sealed(done)))
    code, output, _ = metarl("verify", str(stored))
    row = scores.iloc[3]
    place = f"split {row['split']}, task {row['task']}, step {row['step']}, episode {row['episode']}"
    assert code == 1
    assert output.splitlines() == [
        f"differs first in scores.parquet, row 3 ({place}): length was 11, now 10",
        f"verified: {stored}",
    ]
    (stored.parent / "cpuinfo").write_text("model name\t: another processor\n")
    monkeypatch.setattr("benchmarks.specs.machine.CPUINFO", stored.parent / "cpuinfo")
    code, output, _ = metarl("verify", str(stored / "run.json"))
    assert code == 1
    assert output.startswith("not comparable bit for bit: processor ")
    assert "another processor here" in output


def test_verify_refuses_what_is_no_finished_run(metarl: Command, stored: Path, tmp_path: Path) -> None:
    code, _, errors = metarl("verify", str(tmp_path))
    assert (code, errors.count("\n")) == (2, 1)
    assert "is no run" in errors
    (stored / "done.json").unlink()
    code, _, errors = metarl("verify", str(stored))
    assert code == 2
    assert "has not finished" in errors


def test_a_loop_of_links_is_no_run(metarl: Command, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for command in ("verify", "explain"):
        code, _, errors = metarl(command, "loop/seed-0")
        assert (code, errors.count("\n")) == (2, 1)
        assert "Too many levels of symbolic links" in errors
