"""A results folder may be a stranger's: nothing that its records name runs unless the command says so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.command_line import main
from benchmarks.execution.worker import run_job
from benchmarks.planning.paper_studies import plan_studies
from benchmarks.specs import recorded_code
from benchmarks.specs.job import read_job
from benchmarks.verification.proofs import with_proofs
from environments.typed_options import UsageError
from results.identity import run_digest
from results.published import find_paper
from results.record_schema import sealed
from results.store import Store
from tests.support.adapters import small_plan, write_good

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def metarl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Path]:
    """A finished run whose algorithm's file lies in the results folder, and leaves a mark wherever it is imported."""
    folder = tmp_path / "results"
    folder.mkdir()
    source = Path(write_good(folder))
    (spec,) = small_plan(str(source))
    assert run_job(spec, folder).status == "finished"
    source.write_text(f"open({str(tmp_path / 'mark')!r}, 'a').write('x')\n" + source.read_text())
    recorded_code._named.clear()  # the plan above named it
    yield folder
    recorded_code._named.clear()


def test_no_command_runs_what_a_record_names(stranger: Path, tmp_path: Path, metarl: Command) -> None:
    (run,) = Store(stranger, read_only=True).finished()
    for command in (
        ("verify", str(run.path), "--no-attest"),
        ("verify", "--all", "results", "--dry-run"),
        ("verify", "--all", "results", "--no-attest"),
        ("report", "--results", "results"),
        ("explain", str(run.path)),
        ("compare", "random-init", "--suites", run.suite, "--profile", "smoke", "--seeds", "1", "--workers", "1"),
    ):
        code, said = metarl(*command)
        assert not (tmp_path / "mark").exists(), command
        assert code in (0, 2) and "Traceback" not in said
        if command[0] in ("verify", "explain"):
            assert "--run-recorded-code" in said, (command, said)
        if command[0] == "compare":
            assert "drift.py" not in "".join(line for line in said.splitlines() if "metarl leaderboard" in line)


def test_the_flag_runs_it(stranger: Path, tmp_path: Path, metarl: Command) -> None:
    (run,) = Store(stranger, read_only=True).finished()
    source = Path(str(run.run["provenance"]["source"]).partition(":")[0])
    source.write_text(source.read_text().split("\n", 1)[1])  # the same code as was recorded
    assert metarl("verify", str(run.path), "--no-attest", "--run-recorded-code")[0] == 0
    assert metarl("verify", str(run.path), "--no-attest")[1].count("--run-recorded-code") == 1


def test_what_a_report_says_of_own_code_needs_no_import(stranger: Path, tmp_path: Path) -> None:
    store = Store(stranger, read_only=True)
    (before,) = with_proofs(store.finished())
    assert before.proof is not None and before.proof.state == "stale"  # the mark is a change of its code
    source = Path(str(before.run["provenance"]["source"]).partition(":")[0])
    source.write_text(source.read_text().split("\n", 1)[1])
    (now,) = with_proofs(store.finished())
    assert now.proof is not None and now.proof.state == "own code"
    assert not (tmp_path / "mark").exists()


def test_no_package_is_imported_to_look_for_what_a_record_names(
    stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')")
    (tmp_path / "pack" / "mine.py").write_text("class Mine:\n    name = 'mine'\n")
    monkeypatch.syspath_prepend(tmp_path)
    (run,) = Store(stranger, read_only=True).finished()
    content = json.loads((run.path / "run.json").read_text())
    content["provenance"]["source"] = "pack.mine:Mine"
    (run.path / "run.json").write_text(json.dumps(sealed(content)))
    (now,) = with_proofs(Store(stranger, read_only=True).finished())
    assert now.proof is not None and now.proof.state == "stale"
    assert not (tmp_path / "mark").exists()


def test_a_record_cannot_name_a_module_or_a_file_elsewhere(stranger: Path, tmp_path: Path, metarl: Command) -> None:
    (run,) = Store(stranger, read_only=True).finished()
    for source in ("antigravity:Algorithm", str(shutil.copy(stranger / "drift.py", tmp_path / "mine.py"))):
        content = json.loads((run.path / "run.json").read_text())
        content["provenance"]["source"] = source
        (run.path / "run.json").write_text(json.dumps(sealed(content)))
        code, said = metarl("verify", str(run.path), "--no-attest")
        assert code == 2 and f"its record names code of its own, {source!r}" in said
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["drift.py", "drift.py:Drift", "drift:Drift"])
def test_a_record_that_names_a_file_as_its_algorithm_runs_nothing(
    name: str, stranger: Path, tmp_path: Path, metarl: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(stranger / "drift.py", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (run,) = Store(stranger, read_only=True).finished()
    content = json.loads((run.path / "run.json").read_text())
    content["provenance"]["source"], content["identity"]["algorithm"] = None, name
    content["digest"] = run_digest(content["identity"])
    (run.path / "run.json").write_text(json.dumps(sealed(content)))
    home = Store(stranger).folder(content["identity"]).path
    home.parent.mkdir(parents=True)
    run.path.rename(home)
    (stored,) = with_proofs(Store(stranger, read_only=True).finished())
    assert stored.proof is not None and stored.proof.state == "stale"
    for command in ("verify", "explain"):
        code, said = metarl(command, str(home))
        assert code == 2 and f"unknown algorithm {name!r}" in said
    if name == "drift.py":
        code, said = metarl("compare", "random-init", "--suites", run.suite, "--profile", "smoke", "--seeds", "1")
        assert code == 0 and "which its record alone names" in said and "metarl leaderboard" not in said
    assert not (tmp_path / "mark").exists()


def test_a_study_that_names_a_file_as_an_algorithm_runs_nothing(stranger: Path) -> None:
    spec = plan_studies(find_paper("promp"), "smoke", 1, None)[0]
    record = spec.record()
    record["identity"]["configuration"]["algorithms"] = [str(stranger / "drift.py")]
    with pytest.raises(UsageError, match=r"unknown algorithm '.*drift\.py'"):
        read_job(record)
