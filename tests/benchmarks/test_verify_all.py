"""`metarl verify --all`: stored runs made again, what that says written beside them, and going on after a stop."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.command_line import main
from benchmarks.commands import verify_all as verifying
from benchmarks.commands.jobs import missing
from benchmarks.commands.verify import verify
from benchmarks.commands.verify_all import scratch_of
from benchmarks.execution.worker import RunOutcome, run_job
from benchmarks.planning.plan import make_plan
from benchmarks.specs.machine import this_machine
from benchmarks.verification.proofs import with_proofs
from results.attestations import Attestation, Proof, fingerprint, read_attestations, write_attestation
from results.files import StoreError, sha256_of
from results.identity import run_digest
from results.record_schema import sealed
from results.run_folder import RunFolder
from results.store import Store, StoredRun
from results.tables import SCORES, as_table, read_columns, write_table

LAKES = ["frozen-lake-low[horizon=10]", "frozen-lake-high[horizon=10]"]
OLD = "a" * 64
COMMIT = "c" * 40


class InProcess:
    """Makes runs here, one after the other; `most` of them until it is interrupted."""

    def __init__(self, most: int = 100) -> None:
        self.most = most
        self.made: list[str] = []

    def run(self, specs: Sequence[Any], root: Path, watcher: Any, force: bool = False) -> list[tuple[Any, RunOutcome]]:
        outcomes = []
        for spec in specs[: self.most]:
            watcher.started(spec)
            ended = run_job(spec, root)
            self.made.append(spec.label)
            watcher.ended(spec, ended)
            outcomes.append((spec, ended))
        return outcomes


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four runs by older code that computed the same: two suites, two seeds."""
    root = tmp_path_factory.mktemp("made")
    for spec in make_plan(suites=LAKES, algorithms=["random-init"], seeds=2, profile="smoke"):
        assert run_job(spec, root / "today").status == "finished"
    for run in Store(root / "today").finished():
        aged(run, root / "old")
    return root


def aged(run: StoredRun, root: Path, **changes: Any) -> Path:
    """A copy of the run in another store, as if older code had made it."""
    identity = {**run.identity, "code": OLD, **changes}
    folder = Store(root).folder(identity)
    folder.copy_from(RunFolder(run.path))
    record = {**run.run, "identity": identity, "digest": run_digest(identity)}
    (folder.path / "run.json").write_text(json.dumps(sealed(record)))
    return folder.path


@pytest.fixture
def root(made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of its own, and a scratch place of its own."""
    monkeypatch.setattr("benchmarks.verification.attesting.checkout", lambda: (COMMIT, False))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    for run in Store(made_once / "old", read_only=True).finished():
        Store(tmp_path / "results").folder(run.identity).copy_from(RunFolder(run.path))
    return tmp_path / "results"


Verify = Callable[..., tuple[int, list[str], str, list[str]]]


@pytest.fixture
def verify_all(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verify:
    """The command on that store: exit code, lines of output, errors, and what was made again."""

    def command(*arguments: str, most: int = 100) -> tuple[int, list[str], str, list[str]]:
        executor = InProcess(most)
        monkeypatch.setattr(verifying, "LocalExecutor", lambda workers: executor)
        capsys.readouterr()
        code = main(["verify", "--all", str(root), *arguments])
        captured = capsys.readouterr()
        return code, captured.out.splitlines(), captured.err, executor.made

    return command


def runs_of(root: Path) -> list[StoredRun]:
    return with_proofs(Store(root, read_only=True).finished())


def proofs(root: Path) -> list[Proof | None]:
    return [run.proof for run in runs_of(root)]


def spoil(run: StoredRun) -> None:
    """Its scores become others, whole and digested."""
    scores = as_table(read_columns(run.path / "scores.parquet", SCORES))
    scores.loc[3, "length"] += 1
    write_table(run.path / "scores.parquet", scores, SCORES)
    done = json.loads((run.path / "done.json").read_text())
    done["digests"]["scores.parquet"] = sha256_of(run.path / "scores.parquet")
    (run.path / "done.json").write_text(json.dumps(sealed(done)))


def move_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To another processor."""
    (tmp_path / "cpuinfo").write_text("model name\t: a new processor\n")
    monkeypatch.setattr("benchmarks.specs.machine.CPUINFO", tmp_path / "cpuinfo")


def test_every_run_is_made_again_and_attested_and_then_none_is_missing(root: Path, verify_all: Verify) -> None:
    specs = make_plan(suites=LAKES, algorithms=["random-init"], seeds=2, profile="smoke")
    assert missing(specs, Store(root)) == specs
    code, output, errors, made = verify_all()
    assert (code, output) == (0, ["  4  every byte equal", f"verified: {root}"])
    assert len(made) == 4 and errors.count("finished: ") == 4
    assert proofs(root) == [Proof("attested", 1, 1)] * 4
    ((entry,), _) = read_attestations(runs_of(root)[0].path)
    assert (entry.commit, entry.machine, entry.merged, entry.sample) == (COMMIT, this_machine(), False, None)
    assert missing(specs, Store(root)) == []
    assert [entry.name for place in root.parent.glob("metarl-verify-*") for entry in place.iterdir()] == ["lock"]

    code, output, _, made = verify_all()
    assert (code, output[0], made) == (0, "  4  made again here before, by this code", [])


def test_a_stopped_command_goes_on_where_it_was(root: Path, verify_all: Verify) -> None:
    code, _, errors, made = verify_all(most=1)
    assert (code, len(made)) == (130, 1)
    assert "stopped after 1; the same command goes on" in errors
    assert sum(proof == Proof("attested", 1, 1) for proof in proofs(root)) == 1
    code, output, _, made = verify_all()
    assert (code, len(made)) == (0, 3)
    assert output[:2] == ["  3  every byte equal", "  1  made again here before, by this code"]


def test_a_run_that_differs_is_named_and_recorded_and_stays_stale(root: Path, verify_all: Verify) -> None:
    spoilt = runs_of(root)[0]
    spoil(spoilt)
    place = spoilt.path.relative_to(root)
    for _ in range(2):  # it is no proof, so that it is made again
        code, output, _, made = verify_all()
        assert code == 1 and spoilt.algorithm in made[-1]
        assert "  1  differs" in output
        line = output[output.index("did not come out again:") + 1]
        assert line.startswith(f"  {place} differs first in scores.parquet, row 3 ")
    ((entry,), _) = read_attestations(spoilt.path)
    assert entry.difference is not None and "length was" in entry.difference
    states = [proof.state for proof in proofs(root) if proof]
    assert states == ["differs", "attested", "attested", "attested"]


def test_on_another_processor_other_bytes_say_nothing_unless_the_recorded_code_made_them(
    root: Path, verify_all: Verify, made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {(run.suite, run.seed): run for run in Store(made_once / "old", read_only=True).finished()}
    for run in runs_of(root)[:2]:
        spoil(run)
    move_elsewhere(tmp_path, monkeypatch)
    first, second, *_ = runs_of(root)
    then = first.run["provenance"]["machine"]["processor"]
    code, output, _, _ = verify_all()
    assert code == 0
    reason = f"not checkable here: processor {then} then, a new processor here"
    assert output[:2] == ["  2  every byte equal", f"  2  {reason}"]
    assert not read_attestations(first.path)[0] and proofs(root)[0] == Proof("stale")

    digests = old[first.suite, first.seed].done["digests"]
    base = Attestation(fingerprint(first), OLD, digests, first.identity["versions"], this_machine(), None, "")
    write_attestation(first.path, base)
    digests = {**old[second.suite, second.seed].done["digests"], "scores.parquet": "1" * 64}
    write_attestation(second.path, replace(base, done=fingerprint(second), digests=digests))
    verdict = verify(second.path)
    assert not verdict.agrees
    code, output, _, _ = verify_all()
    assert code == 1
    assert output[:2] == ["  1  differs", "  1  equal to what the recorded code made"]
    assert proofs(root)[:2] == [Proof("attested"), Proof("differs")]


def test_one_run_is_attested_too_and_says_with_what_it_agrees(
    root: Path, verify_all: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *_ = runs_of(root)
    digests = first.done["digests"]
    spoil(first)
    move_elsewhere(tmp_path, monkeypatch)
    base = Attestation(fingerprint(first), OLD, digests, first.identity["versions"], this_machine(), None, "")
    write_attestation(first.path, base)
    assert main(["verify", str(first.path)]) == 0
    assert "every byte agrees with what the recorded code made on this processor\n" in capsys.readouterr().out
    assert proofs(root)[0] == Proof("attested")

    def refuse(path: Path, attestation: Attestation) -> None:
        raise StoreError(f"cannot write {path}")

    monkeypatch.setattr("benchmarks.verification.attesting.write_attestation", refuse)
    assert main(["verify", str(second.path)]) == 0
    assert f"the attestation could not be written: cannot write {second.path}" in capsys.readouterr().out
    code, output, errors, _ = verify_all()
    assert (code, output[0]) == (0, "  3  every byte equal")
    assert "metarl: attestations could not be written: cannot write" in errors
    assert proofs(root)[1] == Proof("stale")


def test_what_cannot_be_made_again_here_is_known_without_running_it(
    root: Path, verify_all: Verify, made_once: Path
) -> None:
    first, *_, last = Store(made_once / "today", read_only=True).finished()
    aged(first, root, versions={**first.identity["versions"], "torch": "1.0"})
    aged(first, root, suite_digest="0" * 64)
    aged(first, root, configuration={**first.identity["configuration"], "gone": 1})
    aged(first, root, algorithm="lost-one")
    aged(last, root, split_digest="0" * 64)
    code, output, _, made = verify_all("--suites", f"frozen-lake-low,{LAKES[1]}")
    assert code == 0 and len(made) == 4
    torch = first.identity["versions"]["torch"]
    reasons = [line.strip().partition("not checkable here: ")[2] for line in output if "checkable" in line]
    assert [reason.partition(";")[0] for reason in reasons] == sorted(
        [
            "algorithm random-init has no option 'gone' any more",
            f"torch 1.0 then, {torch} here",
            "the suite has changed since",
            "the suite's tasks have changed since",
            "unknown algorithm 'lost-one'",
        ]
    )


def test_a_sample_speaks_for_its_cell_and_says_so(root: Path, verify_all: Verify) -> None:
    specs = make_plan(suites=LAKES, algorithms=["random-init"], seeds=2, profile="smoke")
    code, output, _, made = verify_all("--sample")
    assert (code, len(made)) == (0, 1)
    assert output[:2] == ["  3  by sample", "  1  every byte equal"]
    assert sorted(proof.state for proof in proofs(root) if proof) == ["attested"] + ["by sample"] * 3
    (sampled,) = [run for run in runs_of(root) if run.proof == Proof("attested", 1, 1)]
    marked = next(run for run in runs_of(root) if run.path != sampled.path)
    ((mark,), _) = read_attestations(marked.path)
    assert (mark.sample, mark.digests) == (sampled.path.relative_to(root).as_posix(), {})
    assert missing(specs, Store(root)) == []

    code, output, _, made = verify_all("--sample")
    assert (output[0], made) == ("  1  made again here before, by this code", [])
    code, output, _, made = verify_all()
    assert len(made) == 3 and proofs(root) == [Proof("attested", 1, 1)] * 4


def test_a_sample_that_differs_speaks_for_nobody(root: Path, verify_all: Verify) -> None:
    for run in runs_of(root):
        spoil(run)
    code, output, _, made = verify_all("--sample")
    assert (code, len(made), output[0]) == (1, 1, "  1  differs")
    assert sorted(proof.state for proof in proofs(root) if proof) == ["differs"] + ["stale"] * 3


def test_what_todays_code_made_itself_speaks_for_no_older_record(
    root: Path, made_once: Path, verify_all: Verify
) -> None:
    """After a change of bits some records of a cell are made again: they say nothing of those that are not."""
    for run in runs_of(root):
        spoil(run)
    for run in Store(made_once / "today", read_only=True).finished():
        if run.suite == LAKES[0]:
            Store(root).folder(run.identity).copy_from(RunFolder(run.path))
    code, output, _, made = verify_all("--sample")
    assert (code, len(made), output[0]) == (1, 2, "  2  differs")  # one a suite: the two are of different times
    states = ["differs"] * 2 + ["own code"] * 2 + ["stale"] * 2
    assert sorted(proof.state for proof in proofs(root) if proof) == states


def test_a_tree_with_changes_attests_nothing(
    root: Path, verify_all: Verify, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.verification.attesting.checkout", lambda: (COMMIT, True))
    run = runs_of(root)[0].path
    for arguments in (["verify", str(run)], ["verify", "--all", str(root)]):
        assert main(arguments) == 2
        assert "commit or stash them, or compare alone with --no-attest" in capsys.readouterr().err
    code, output, _, made = verify_all("--no-attest", "--algorithms", "random-init", "--profile", "smoke")
    assert (code, output[0], len(made)) == (0, "  4  every byte equal", 4)
    assert proofs(root) == [Proof("stale")] * 4 and not list(root.rglob("attestations"))


def test_the_first_changes_are_named_but_a_wrong_folder_before_them(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.verification.attesting.checkout", lambda: (COMMIT, True))
    changed = ["a.py", "b c.py", "d.py"]
    monkeypatch.setattr("benchmarks.verification.attesting.changed_paths", lambda: changed)
    run = str(runs_of(root)[0].path)
    assert main(["verify", run]) == 2
    assert "metarl: the working tree has changes (a.py, b c.py, d.py), so no" in capsys.readouterr().err
    changed += ["e.py", "f.py"]
    assert main(["verify", "--all", str(root)]) == 2
    assert "has changes (a.py, b c.py, d.py, 2 more), so no" in capsys.readouterr().err
    assert main(["verify", "--all", str(root / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith(f"metarl: no finished run or study is stored in {root / 'nowhere'};")


def test_what_has_changed_without_effect_is_said_to_be_without(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A record that stands by attestation is comparable: older code computed the same."""
    run = runs_of(root)[0].path
    assert main(["verify", str(run), "--no-attest"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "without effect on any record: the code that decides it has changed since",
        "every byte agrees",
        f"verified: {run}",
    ]


def test_what_a_tree_with_changes_left_behind_is_made_anew(root: Path, made_once: Path, verify_all: Verify) -> None:
    """A stopped command's runs go on only by the commit that made them."""
    scratch = Store(verifying.scratch_of(root))
    for run in Store(made_once / "today", read_only=True).finished():
        folder = scratch.folder(run.identity)
        folder.copy_from(RunFolder(run.path))
        record = {**run.run, "provenance": {**run.run["provenance"], "commit": COMMIT, "dirty": True}}
        (folder.path / "run.json").write_text(json.dumps(sealed(record)))
    code, _, _, made = verify_all()
    assert (code, len(made)) == (0, 4)


def test_a_dry_run_lists_what_would_be_made_and_how_long_it_takes(root: Path, verify_all: Verify) -> None:
    code, output, _, made = verify_all("--dry-run", "--suites", "frozen-lake-low", "--workers", "2")
    places = [run.path.relative_to(root).as_posix() for run in runs_of(root) if run.suite == LAKES[0]]
    assert (code, made) == (0, [])
    assert [line.split()[0] for line in output[:2]] == places
    assert output[2].startswith("2 would be made again: about ") and output[2].endswith(" with 2 workers")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "verify takes the folder of one RUN, or --all DIR"),
        (("RUN", "--all", "DIR"), "verify takes the folder of one RUN, or --all DIR"),
        (("RUN", "--sample"), "--sample chooses among many, as in `metarl verify --all results`"),
        (("--all", "nowhere"), "no finished run or study is stored in nowhere; name a folder that holds `runs`"),
        (("--all", "DIR", "--suites", "corners"), "nothing of suite 'corners' is stored there; known: frozen-lake"),
        (("--all", "DIR", "--profile", "quik"), "nothing of profile 'quik' is stored there; known: smoke"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    arguments: tuple[str, ...], message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {"DIR": str(root), "RUN": str(runs_of(root)[0].path)}
    assert main(["verify", *(named.get(argument, argument) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"metarl: {message}") and error.count("\n") == 1


def test_a_second_command_on_the_store_is_refused_and_leaves_the_first_one_its_work(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However the store is named, and though other results of it are chosen."""
    again = ["verify", "--all", str(root / ".." / root.name), "--suites", LAKES[1]]

    class Disturbed(InProcess):
        """Another command begins whenever a run has been made, before that is compared."""

        def run(self, specs: Sequence[Any], root: Path, watcher: Any, force: bool = False) -> list[Any]:
            class Disturbing:
                started = watcher.started

                def ended(self, spec: Any, ended: RunOutcome) -> None:
                    monkeypatch.setattr(verifying, "LocalExecutor", lambda workers: InProcess())
                    codes.append(main(again))
                    watcher.ended(spec, ended)

            return super().run(specs, root, Disturbing(), force)

    codes: list[int] = []
    monkeypatch.setattr(verifying, "LocalExecutor", lambda workers: Disturbed())
    assert main(["verify", "--all", str(root), "--suites", LAKES[0]]) == 0
    captured = capsys.readouterr()
    assert codes == [2, 2] and "  2  every byte equal" in captured.out
    refused = f"metarl: another `metarl verify --all` makes results of {root}/../{root.name} again, in "
    assert captured.err.count(refused) == 2 and "; wait for it to end, or name another folder\n" in captured.err

    assert main(again) == 0  # now that the first has ended
    assert proofs(root) == [Proof("attested", 1, 1)] * 4
    assert [entry.name for entry in scratch_of(root).iterdir()] == ["lock"]


def test_each_store_has_a_scratch_place_of_its_own(root: Path, tmp_path: Path) -> None:
    assert scratch_of(root) == scratch_of(root / ".." / root.name) != scratch_of(tmp_path)
