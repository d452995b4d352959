"""A run's folder survives kills, competitors, full disks and damaged files."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from results.files import StoreError, write_whole
from results.run_folder import RunFolder
from results.store import Store
from tests.support.stored_runs import finished_run, identity, record, run

ROOT = Path(__file__).parents[2]

# For n = 0, 1, ... a child is killed before the n-th line that it executes of the files below while it finishes a run.
KILL_EVERYWHERE = """
import os, signal, sys
import results.files, results.run_folder
from results.store import Store
from tests.support.stored_runs import finished_run, identity, record, run

os.fsync = lambda descriptor: None  # a killed process loses nothing that the system already has
traced = {results.files.__file__, results.run_folder.__file__}

def killer(limit):
    lines = 0
    def trace(frame, event, argument):
        nonlocal lines
        if frame.f_code.co_filename not in traced:
            return None
        if event == "line":
            lines += 1
            if lines > limit:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    return trace

store, seed = Store(sys.argv[1]), 0
finished_run(store.root, algorithm="first")  # imports all that is imported late, once for all children
while True:
    child = os.fork()
    if child == 0:
        folder = store.folder(identity(seed=seed))
        with folder.lock():
            folder.begin_attempt(run(seed=seed))
            (folder.path / "checkpoint").write_bytes(b"state")
            sys.settrace(killer(seed))
            folder.finish(**record(seed))
            sys.settrace(None)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        assert status == 0, status
        break
    seed += 1
print(seed)
"""

HOLD = """
import sys
from results.store import Store
from tests.support.stored_runs import identity, record, run

folder = Store(sys.argv[1]).folder(identity())
with folder.lock():
    folder.begin_attempt(run())
    print("held", flush=True)
    sys.stdin.readline()
    folder.finish(**record())
"""


def hold(root: Path) -> subprocess.Popen[str]:
    """A process that holds the run until a line is written to it, and then finishes it."""
    arguments = [sys.executable, "-c", HOLD, str(root)]
    process = subprocess.Popen(arguments, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def outcomes(folder: RunFolder) -> list[str]:
    stored = folder.read_run()
    assert stored is not None
    return [attempt["outcome"] for attempt in stored["attempts"]]


def contents(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def test_a_run_killed_at_any_line_of_finishing_is_whole_or_unfinished(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", KILL_EVERYWHERE, str(tmp_path)]
    kills = int(subprocess.run(arguments, cwd=ROOT, check=True, capture_output=True, text=True, timeout=300).stdout)
    store = Store(tmp_path)
    whole = {stored.seed: stored for stored in store.finished() if stored.algorithm == "promp"}
    unfinished = sorted(set(range(kills)) - set(whole))
    assert len(unfinished) > 50 and kills in whole and len(whole) > 1

    for seed, stored in whole.items():
        assert stored.scores["return"].tolist() == [float(seed)] * 4 and len(stored.timing) == 1
        assert stored.run["attempts"][-1]["outcome"] == "finished"
    for seed in unfinished:
        assert (store.folder(identity(seed=seed)).path / "checkpoint").read_bytes() == b"state"
    for seed in unfinished[::25]:
        folder = store.folder(identity(seed=seed))
        with folder.lock(wait=False):
            folder.begin_attempt(run(seed=seed), resumed_at_iteration=1)
            folder.finish(**record(seed))
        assert outcomes(folder) == ["interrupted", "finished"]
        assert set(contents(folder.path)) == set(contents(store.folder(identity(seed=kills)).path))
    assert len(store.finished()) == 1 + len(whole) + len(unfinished[::25])


def test_a_run_killed_while_training_is_interrupted_and_its_lock_is_free(tmp_path: Path) -> None:
    process = hold(tmp_path)
    process.kill()
    process.communicate(timeout=60)
    folder = Store(tmp_path).folder(identity())
    assert not folder.finished and outcomes(folder) == ["running"]
    with folder.lock(wait=False):
        folder.begin_attempt(run(), resumed_at_iteration=5)
    stored = folder.read_run()
    assert stored is not None and outcomes(folder) == ["interrupted", "running"]
    assert stored["attempts"][1]["resumed_at_iteration"] == 5 and stored["attempts"][1]["ended"] is None


def test_a_second_process_waits_and_then_finds_the_run_finished(tmp_path: Path) -> None:
    process = hold(tmp_path)
    folder = Store(tmp_path).folder(identity())
    with pytest.raises(StoreError, match="in use by another process"), folder.lock(wait=False):
        pytest.fail("the lock was given twice")
    waits = []

    def release() -> None:
        assert process.stdin is not None
        waits.append(folder.finished)
        process.stdin.write("\n")
        process.stdin.flush()

    with folder.lock(on_wait=release):
        assert folder.finished
        with pytest.raises(StoreError, match="only with --force"):
            folder.begin_attempt(run())
    assert waits == [False] and process.wait(timeout=60) == 0


def test_attempts_accumulate_with_how_each_ended(tmp_path: Path) -> None:
    folder = Store(tmp_path).folder(identity())
    for index in range(30):
        folder.begin_attempt(run(), resumed_at_iteration=index)
        folder.end_attempt("failed", f"Traceback {index}\n  é")
    folder.begin_attempt(run())
    folder.end_attempt("interrupted")
    folder.begin_attempt(run(), 31)
    folder.finish(**record())
    folder.end_attempt("finished")
    stored = folder.read_run()
    assert stored is not None
    assert outcomes(folder) == ["failed"] * 30 + ["interrupted", "finished"]
    assert [attempt["error"] for attempt in stored["attempts"][:30]] == [f"Traceback {n}\n  é" for n in range(30)]
    assert all(attempt["started"] <= attempt["ended"] for attempt in stored["attempts"])
    assert stored["identity"] == json.loads(json.dumps(identity()))


def test_finishing_leaves_exactly_the_record(tmp_path: Path) -> None:
    folder = Store(tmp_path).folder(identity())
    folder.begin_attempt(run())
    folder.save_checkpoint({"iteration": 3})
    assert folder.load_checkpoint() == {"iteration": 3}
    folder.finish(**record())
    tables = {f"{name}.parquet" for name in ("scores", "learning", "training", "timing")}
    assert set(contents(folder.path)) == {"run.json", "done.json", *tables}
    assert folder.load_checkpoint() is None
    done = folder.read_done()
    assert done is not None and done["environment_steps"] == 1000 and done["iterations"] == 2


def test_the_same_run_leaves_the_same_bytes(tmp_path: Path) -> None:
    first, second = (contents(finished_run(tmp_path / name).path) for name in ("a", "b"))
    for files in (first, second):
        del files["run.json"]  # holds the times of its attempts
    assert first == second


def test_clearing_forgets_the_run_and_lets_it_begin_anew(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    write_whole(folder.path / "artefacts", b"")
    with folder.lock():
        folder.clear()
        assert not folder.finished and folder.read_run() is None
        assert set(contents(folder.path)) <= {"lock"}
        folder.begin_attempt(run())
        folder.finish(**record(2.0))
    assert Store(tmp_path).finished()[0].scores["return"][0] == 2.0


def test_a_folder_that_holds_another_run_is_not_overwritten(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "seed-0")
    folder.begin_attempt(run())
    before = contents(folder.path)
    with pytest.raises(StoreError, match="holds the run"):
        folder.begin_attempt(run(budget=2000))
    assert contents(folder.path) == before


@pytest.mark.parametrize("name", ["run.json", "done.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b"{}", b'{"digests": {"scores.parquet": "0"}}'])
def test_an_unreadable_record_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    folder = finished_run(tmp_path)
    (folder.path / name).write_bytes(content)
    with pytest.raises(StoreError, match=name) as caught:
        folder.read_run()
        folder.read_done()
    assert "\n" not in str(caught.value)


def test_a_changed_identity_is_noticed(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    text = (folder.path / "run.json").read_text()
    (folder.path / "run.json").write_text(text.replace('"budget": 1000', '"budget": 1001'))
    with pytest.raises(StoreError, match="not that of its identity"):
        folder.read_run()


def test_a_full_disk_is_one_line_and_keeps_what_was_written(tmp_path: Path) -> None:
    folder = Store(tmp_path).folder(identity())
    folder.begin_attempt(run())
    folder.save_checkpoint({"iteration": 3})
    before = contents(folder.path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))  # every write beyond 100 bytes fails half-way
    try:
        with pytest.raises(StoreError, match=r"cannot write .*scores.parquet: File too large") as caught:
            folder.finish(**record())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert contents(folder.path) == before and not folder.finished
    folder.finish(**record())
    assert folder.finished


def test_what_an_interrupted_write_left_is_swept_by_the_next_attempt(tmp_path: Path) -> None:
    folder = Store(tmp_path).folder(identity())
    folder.begin_attempt(run())
    (folder.path / ".scores.parquet.0123.partial").write_bytes(b"half")
    (folder.path / "artefacts").mkdir(exist_ok=True)
    (folder.path / "artefacts" / ".state.0123.partial").write_bytes(b"half")
    folder.begin_attempt(run())
    assert set(contents(folder.path)) == {"run.json"}


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "file", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match=r"cannot write .*file: No space left on device; free space"):
        write_whole(tmp_path / "file", b"new")
    assert contents(tmp_path) == {"file": b"old"}


def test_an_attempt_must_have_begun(tmp_path: Path) -> None:
    folder = Store(tmp_path).folder(identity())
    with pytest.raises(RuntimeError, match="no attempt has begun"):
        folder.finish(**record())
    with pytest.raises(ValueError, match="'done' must be one of"):
        folder.end_attempt("done")
