"""Attestations: which of them prove a stored run current, where it is then found, and how stores share them."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.command_line import _parser, main
from benchmarks.commands.jobs import RunOptions, missing, planned
from benchmarks.planning.plan import make_plan
from benchmarks.planning.tuned_values import OWN, SHIPPED
from benchmarks.specs.machine import this_machine
from benchmarks.specs.provenance import ROOT, changed_paths, checkout
from benchmarks.specs.run_spec import RunSpec
from benchmarks.verification.proofs import stale_digests, with_proofs
from reports.scores.entries import collect_entries
from reports.scores.record import run_record
from reports.sections.provenance import section
from reports.sections.report import make_report
from results.attestations import Attestation, Proof, fingerprint, read_attestations, write_attestation
from results.decisions import HOME as DECISIONS
from results.run_folder import StudyFolder
from results.store import KINDS, Store, StoredRun
from tests.support.study_rows import PROVENANCE
from tests.support.synthetic_runs import store_score

OLD, OLDER = "a" * 64, "b" * 64
OTHER_BYTES = {"scores.parquet": "1" * 64, "learning.parquet": "2" * 64, "training.parquet": "3" * 64}
HERE, THERE = {"id": "here", "processor": "A"}, {"id": "there", "processor": "B"}


@pytest.fixture
def spec() -> RunSpec:
    (found,) = make_plan(suites=["frozen-lake-low[horizon=10]"], algorithms=["random-init"], seeds=1, profile="smoke")
    return found


@pytest.fixture
def run(spec: RunSpec, tmp_path: Path) -> StoredRun:
    """Stored by older code."""
    store_score(spec, tmp_path, 1.0, departing={"code": OLD})
    (found,) = Store(tmp_path).finished()
    return found


def attest(run: StoredRun, code: str | None, **changes: Any) -> Attestation:
    entry = Attestation(
        done=fingerprint(run),
        code=code or "",
        digests=run.done["digests"],
        versions=run.identity["versions"],
        machine=HERE,
        commit=None,
        date="2026-01-01T00:00:00+00:00",
    )
    entry = replace(entry, **changes)
    write_attestation(run.path, entry)
    return entry


def proof(run: StoredRun) -> Proof | None:
    (proven,) = with_proofs([replace(run, proof=None, shown_with=None)])
    return proven.proof


def test_a_run_of_older_code_is_found_again_once_todays_code_made_its_bytes(
    run: StoredRun, spec: RunSpec, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    assert missing([spec], store) == [spec] and not planned([spec], store)
    assert proof(run) == Proof("stale")
    before = {path: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    attest(run, spec.code)
    assert missing([spec], store) == []
    assert [found.path for found in planned([spec], store)] == [run.path]
    assert proof(run) == Proof("attested", made_again=1, machines=1)
    assert {path: path.read_bytes() for path in run.path.iterdir() if path.is_file()} == before
    changed = replace(spec, budget=spec.budget + 1)
    assert missing([changed], store) == [changed]


def test_on_another_processor_the_recorded_codes_bytes_link_todays(run: StoredRun, spec: RunSpec) -> None:
    attest(run, spec.code, digests=OTHER_BYTES, machine=THERE)
    assert proof(run) == Proof("stale")
    base = attest(run, OLD, digests=OTHER_BYTES, machine=THERE, difference="scores differ, on the record's processor")
    assert proof(run) == Proof("stale")
    write_attestation(run.path, replace(base, difference=None))
    assert proof(run) == Proof("attested")  # no one has made the record's own bytes
    attest(run, OLD, machine=HERE)
    assert proof(run) == Proof("attested", made_again=1, machines=1)


def test_links_go_from_code_to_code(run: StoredRun, spec: RunSpec) -> None:
    attest(run, spec.code, digests=OTHER_BYTES, machine=THERE, difference="differs, it was thought")
    attest(run, OLDER, digests=OTHER_BYTES, machine=THERE)
    assert proof(run) == Proof("differs")
    attest(run, OLDER, machine=HERE)
    assert proof(run) == Proof("attested", made_again=1, machines=1)


@pytest.mark.parametrize(
    "changes",
    [
        {"digests": OTHER_BYTES, "difference": "differs"},
        {"digests": OTHER_BYTES},
        {"done": "0" * 64},
        {"versions": {"torch": "1.0"}},
        {"code": OLDER},
    ],
)
def test_what_proves_nothing_counts_for_nothing(changes: dict[str, Any], run: StoredRun, spec: RunSpec) -> None:
    attest(run, **{"code": spec.code, **changes})
    found = proof(run)
    assert found is not None and found.state == ("differs" if "difference" in changes else "stale")


def test_a_record_that_was_changed_after_it_was_attested_is_not_attested(run: StoredRun, spec: RunSpec) -> None:
    attest(run, spec.code)
    done = run.path / "done.json"
    done.write_text(json.dumps({**json.loads(done.read_text()), "iterations": 7}))
    assert proof(run) == Proof("stale")


def test_a_damaged_attestation_is_named_once_and_hurts_no_other(
    run: StoredRun, spec: RunSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    attest(run, spec.code)
    contents = {
        "a.json": "{",
        "b.json": '{"schema": 2}',
        "c.json": '{"schema": 1}',
        "d.json": json.dumps({**json.loads(next(run.path.rglob("*-here.json")).read_text()), "code": "../x"}),
    }
    for name, content in contents.items():
        (run.path / "attestations" / name).write_text(content)
    assert proof(run) == proof(run) == Proof("attested", 1, 1)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("attestations/")[2].partition(" ")[0] for line in lines] == list(contents)
    assert all("counts for nothing" in line for line in lines)


def test_by_sample_is_said_and_a_making_of_its_own_goes_before(run: StoredRun, spec: RunSpec, tmp_path: Path) -> None:
    attest(run, spec.code, digests={}, sample="runs/suite/algorithm/0/seed-0")
    assert proof(run) == Proof("by sample")
    assert missing([spec], Store(tmp_path)) == []
    attest(run, spec.code, machine=THERE)
    assert proof(run) == Proof("attested", 1, 1)


def test_merged_attestations_are_hearsay_until_the_run_is_made_here(spec: RunSpec, tmp_path: Path) -> None:
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    for root in (here.root, there.root):
        store_score(spec, root, 1.0, departing={"code": OLD})
    store_score(replace(spec, seed=1), there.root, 2.0, departing={"code": OLD})
    for run in there.finished():
        attest(run, spec.code)
        attest(run, OLDER, done="0" * 64)
    assert [folder.path.name for folder in here.merge_from(there)] == ["seed-1"]
    merged = here.finished()
    assert [proof(run) for run in merged] == [Proof("unverified")] * 2
    assert stale_digests(with_proofs(merged)) == {merged[0].digest}
    assert missing([spec], here) == [spec]
    attest(merged[0], spec.code, machine=THERE)
    assert here.merge_from(there) == []
    assert [proof(run) for run in merged] == [Proof("attested", 1, 1), Proof("unverified")]
    assert [entry.merged for entry in read_attestations(merged[0].path)[0]] == [True, False]


def test_studies_merge_with_what_is_said_of_them(tmp_path: Path) -> None:
    identity = {"measurement": "walk", "configuration": {"suites": [], "algorithms": []}, "seed": 0, "suites": {}}
    identity |= {"parents": [], "versions": {"torch": "2"}, "code": OLD}
    there, here = Store(tmp_path / "there"), Store(tmp_path / "here")
    folder = there.folder(identity)
    assert isinstance(folder, StudyFolder)
    description = {"profile": "smoke", "benchmark": None, "seconds": 1.0}
    folder.begin_attempt({"identity": identity, "description": description, "provenance": PROVENANCE})
    folder.finish_record({"values.parquet": [], "timing.parquet": []}, {"parts": 0})
    (stored,) = there.studies()
    write_attestation(stored.path, Attestation(fingerprint(stored), OLD, stored.done["digests"], {}, HERE, None, ""))
    assert len(here.merge_from(there)) == 1 and here.merge_from(there) == []
    (copied,) = here.studies()
    assert (copied.path / "values.parquet").read_bytes() == (stored.path / "values.parquet").read_bytes()
    assert [entry.merged for entry in read_attestations(copied.path)[0]] == [True]


def test_runs_of_equal_codes_are_one_entry_and_a_configuration_is_stale_if_one_of_its_runs_is(
    spec: RunSpec, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    for seed in range(2):
        store_score(replace(spec, seed=seed), tmp_path, 1.0, departing={"code": OLD})
    attest(store.finished()[0], spec.code)
    for seed in (1, 2):
        store_score(replace(spec, seed=seed), tmp_path, 2.0)
    entries, _ = collect_entries(with_proofs(store.finished()))
    assert sorted(entry.seeds for entry in entries) == [(0, 1), (1, 2)]
    old = next(run for run in store.finished() if run.identity["code"] == OLD)
    assert stale_digests(with_proofs(store.finished())) == {old.digest}

    attest(next(run for run in store.finished() if run.identity["code"] == OLD and run.seed == 1), spec.code)
    ((entry,), _) = collect_entries(with_proofs(store.finished()))
    assert entry.seeds == (0, 1, 2) and entry.label == "random-init"
    assert [run.identity["code"] for run in entry.runs] == [OLD, spec.code, spec.code]
    records = [run_record(run, entry) for run in entry.runs]
    assert [(record["state"], record["made_again"], record["machines"]) for record in records] == [
        ("attested", 1, 1), ("own code", 0, 0), ("own code", 0, 0),
    ]  # fmt: skip


def test_a_machine_is_its_systems_id_and_its_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system, processor = tmp_path / "machine-id", tmp_path / "cpuinfo"
    monkeypatch.setattr("benchmarks.specs.machine.MACHINE_ID", system)
    monkeypatch.setattr("benchmarks.specs.machine.CPUINFO", processor)
    system.write_text("0123\n")
    first_core = "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\nbogomips : 1\n"
    processor.write_text(f"{first_core}\nmodel name\t: none\n")
    first = this_machine()
    assert first["processor"] == "AMD EPYC, cpu family 25, model 17, stepping 1" and len(first["id"]) == 12
    assert this_machine() == first
    processor.write_text(processor.read_text().replace("17", "18"))
    second = this_machine()
    system.write_text("4567\n")
    third = this_machine()
    system.unlink()
    assert len({first["id"], second["id"], third["id"], this_machine()["id"]}) == 4


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout with one commit, which holds this project's .gitignore and a module."""
    assert checkout(tmp_path) == (None, None)
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    put(tmp_path / "module.py", "")
    put(tmp_path / "benchmarks/tuned/quick/lake.toml", "")
    shutil.copy(ROOT / ".gitignore", tmp_path)
    subprocess.run(["git", "-C", tmp_path, "add", "."], check=True)
    subprocess.run(["git", "-C", tmp_path, *settings, "commit", "-q", "-m", "."], check=True)
    return tmp_path


def put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def default_folders(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Where commands write if they are not told, relative to the working directory."""
    (commands,) = (each for each in _parser()._actions if isinstance(each, argparse._SubParsersAction))
    actions = [action for command in commands.choices.values() for action in command._actions]
    given = {(action.dest, action.default) for action in actions if isinstance(action.default, Path)}
    assert {name for name, _ in given} == {"output", "results"}
    papers: list[Path] = []

    def keep_output(paper: object, choice: object, options: RunOptions, dry_run: bool) -> int:
        papers.append(options.output)
        return 0

    monkeypatch.setattr("benchmarks.commands.paper.run_paper", keep_output)
    assert main(["paper", "promp"]) == 0
    (results,) = (default for name, default in given if name == "results")
    outputs = {default for name, default in given if name == "output"}
    return {*outputs, *papers, OWN, *(results / kind.home for kind in KINDS), results / DECISIONS, results / "slurm"}


def test_what_commands_write_by_default_does_not_make_a_checkout_dirty(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git ignores it; shipped values and results, which are to be committed, count as no change of the code."""
    folders = default_folders(monkeypatch)
    assert {Path("comparison"), Path("paper-promp"), Path("tuned"), Path("results/measurements")} < folders
    for folder in folders:
        put(clone / folder / "index.html", "")
    listed = subprocess.run(["git", "-C", clone, "status", "--porcelain"], capture_output=True, text=True, check=True)
    assert listed.stdout == ""
    put(clone / "results/reference/runs/new.json", "{}")
    put(clone / "benchmarks/tuned/quick/lake.toml", "tuned = 1")
    put(clone / SHIPPED.relative_to(ROOT) / "smoke/lake.toml", "tuned = 1")
    commit, dirty = checkout(clone)
    assert len(commit or "") == 40 and dirty is False


def test_asking_for_changes_leaves_gits_index_alone(clone: Path) -> None:
    """Whoever refreshes it holds a lock, which a killed command leaves behind: no commit is possible then."""
    index, tracked = clone / ".git" / "index", clone / "module.py"
    before = index.read_bytes()
    os.utime(tracked, (1, 1))  # the same content with another time, which `git status` would note down
    assert checkout(clone)[1] is False
    assert index.read_bytes() == before


@pytest.mark.parametrize(
    "name",
    ["results/store.py", "torch.py", "benchmarks/tuned/quick/new.py", "module.py", "docs/paper-notes.md", "tést.py"],
)
def test_any_other_file_makes_a_checkout_dirty_and_is_named(name: str, clone: Path) -> None:
    put(clone / name, "changed")
    assert checkout(clone)[1] is True
    assert changed_paths(clone) == [name]


def test_the_page_says_how_often_and_what_stands_by_sample(run: StoredRun, spec: RunSpec) -> None:

    attest(run, OLD, machine=THERE)
    attest(run, OLD)
    attest(run, spec.code, digests={}, sample="runs/elsewhere")
    page = section(make_report(with_proofs([run]))).html
    assert "1 of 1 runs made again to the same bytes, 2 times, on 2 machines · 1 by sample" in page


def test_a_difference_weighs_more_than_a_mark_or_an_equal_making(run: StoredRun, spec: RunSpec) -> None:
    attest(run, spec.code, digests={}, sample="runs/elsewhere", machine=HERE)
    assert proof(run) == Proof("by sample")
    attest(run, spec.code, digests=OTHER_BYTES, difference="differs", machine=THERE)
    assert proof(run) == Proof("differs")
    attest(run, spec.code, machine=HERE)
    assert proof(run) == Proof("differs", made_again=1, machines=1)


@pytest.mark.parametrize("part", ["digests", "machine"])
def test_an_attestation_that_holds_no_text_where_it_must_is_named_and_left_out(part: str, run: StoredRun) -> None:
    attest(run, OLDER, machine=HERE)
    (file,) = (run.path / "attestations").glob("*.json")
    content = json.loads(file.read_text())
    content[part] = {key: ["x"] for key in content[part]}
    file.write_text(json.dumps(content))
    found, problems = read_attestations(run.path)
    assert found == [] and f"{part} is missing or of another type" in problems[0]
