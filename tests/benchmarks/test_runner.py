"""Runs in processes of their own: the same bytes everywhere, failures recorded, interruptions resumed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing import forkserver
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from benchmarks.commands.jobs import RunOptions, missing, run_plan, show_plan
from benchmarks.execution.executor import Executor, LocalExecutor, start_server
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.execution.progress import PlainDisplay, Tracker, as_time
from benchmarks.execution.training import Progress, open_session
from benchmarks.execution.worker import WAITING, RunOutcome, run_job
from benchmarks.planning.plan import make_plan
from benchmarks.specs.job import AnyJob
from benchmarks.specs.run_spec import RunSpec
from benchmarks.tuning.cell import has_failed
from results.run_folder import RunFolder
from results.store import Store
from tests.support.adapters import FULL_DISK, contents, small_plan, write_good, write_spoilt
from tests.support.recorder import Recorder
from tests.support.run_records import attempts_of, folder_of, in_process
from tests.support.time_limit import time_limit

__all__ = ["time_limit"]
pytestmark = pytest.mark.usefixtures("time_limit")

ROOT = Path(__file__).parents[2]
#: at iteration 5 the process kills itself, unless the marker says that it has done so before
SUICIDAL = """
def meta_step(self, collector):
    marker = {marker!r}
    if collector.iteration == 5 and not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return super().meta_step(collector)
"""

#: leaves a process that holds all that the worker had open
FORK = "os.fork() == 0 and time.sleep(1e6)"


def leaderboard_command(source: str) -> list[str]:
    """One short run of the algorithm, within the working directory."""
    options = ["--suites", "corners", "--seeds", "1", "--profile", "smoke", "--results", "store", "--workers", "1"]
    return [sys.executable, "-m", "benchmarks.command_line", "leaderboard", "--algorithms", source, *options]


def test_the_next_command_sweeps_what_a_kill_left_beside_a_finished_record(tmp_path: Path) -> None:
    """Nothing reads it; a command that only looks leaves it."""
    spec, store = small_plan(write_good(tmp_path))[0], Store(tmp_path / "results")
    assert run_job(spec, store.root).status == "finished"
    folder = store.folder(spec.identity())
    before = sorted(folder.path.iterdir())
    folder.save_checkpoint({"iteration": 3})
    show_plan([spec], RunOptions(store.root, tmp_path / "report", 1))
    assert len(list(folder.path.iterdir())) == len(before) + 1
    assert missing([spec], store) == [] and sorted(folder.path.iterdir()) == before


def test_one_worker_two_workers_and_this_process_write_the_same_bytes(tmp_path: Path) -> None:
    suites = ["frozen-lake-low[horizon=10]", "half-cheetah-velocity[horizon=5]"]
    plan = make_plan(suites=suites, algorithms=["promp"], seeds=1, profile="smoke")
    specs = [replace(spec, budget=400) for spec in plan]
    for workers in (1, 2):
        outcomes = LocalExecutor(workers).run(specs, tmp_path / str(workers), Recorder())
        assert [ended for _, ended in outcomes] == [RunOutcome("finished")] * len(specs)
    for spec in specs:
        tables = [contents(folder_of(tmp_path / name, spec)) for name in ("1", "2")]
        assert tables[0] == tables[1] == in_process(tmp_path / "here", spec)


def test_a_finished_run_keeps_the_state_that_its_scores_are_of(tmp_path: Path) -> None:
    (spec,) = make_plan(suites=["frozen-lake-low[horizon=10]"], algorithms=["promp"], seeds=1, profile="smoke")
    spec = replace(spec, budget=400)
    in_process(tmp_path, spec)
    (stored,) = Store(tmp_path).finished()

    state = RunFolder(stored.path).load_state()
    assert state is not None
    session = open_session(spec, {"iteration": 1, "spent": 0, "algorithm": state})
    again = pd.DataFrame(session.evaluate("test", "final"))
    scores = stored.scores[stored.scores["split"] == "test"].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, scores, check_dtype=False)


def test_the_server_that_workers_are_forked_from_has_one_thread() -> None:
    start_server()
    server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    assert len(os.listdir(f"/proc/{server}/task")) == 1


def test_a_run_killed_midway_leaves_the_others_alone_and_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    source = write_spoilt(tmp_path, SUICIDAL.format(marker=str(marker)), "suicidal")
    killed, other = *small_plan(source), *small_plan("random-init")
    first = Recorder()
    LocalExecutor(2).run([killed, other], tmp_path / "store", first)
    assert "SIGKILL" in first.outcomes[killed.label].error
    assert first.outcomes[other.label] == RunOutcome("finished")
    again = Recorder()
    LocalExecutor(2).run([killed, other], tmp_path / "store", again)
    assert again.outcomes == {killed.label: RunOutcome("finished"), other.label: RunOutcome("stored")}
    attempts = attempts_of(tmp_path / "store", killed)
    assert [attempt["outcome"] for attempt in attempts] == ["interrupted", "finished"]
    assert attempts[1]["resumed_at_iteration"] == 5
    assert contents(folder_of(tmp_path / "store", killed)) == in_process(tmp_path / "here", killed)


def test_a_failing_run_is_recorded_with_its_traceback_and_only_it_is_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = """
def meta_step(self, collector):
    raise ArithmeticError("the step was too long")
"""
    specs = [*small_plan(write_spoilt(tmp_path, failing, "failing")), *small_plan("random-init")]
    store = Store(tmp_path / "store")
    options = RunOptions(store.root, tmp_path / "report", workers=2)
    for begun in (2, 1):
        outcomes, code = run_plan(specs, store, options)
        assert code == 1
        assert len(outcomes) == begun
        output = capsys.readouterr().err
        assert "1 run failed:" in output
        assert "ArithmeticError: the step was too long" in output
    attempts = attempts_of(store.root, specs[0])
    assert [attempt["outcome"] for attempt in attempts] == ["failed", "failed"]
    assert "in meta_step" in str(attempts[0]["error"])
    assert len(attempts_of(store.root, specs[1])) == 1


def test_ctrl_c_stops_at_a_checkpoint_and_the_same_run_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    long, later = small_plan(write_good(tmp_path), seeds=2)

    def interrupt(spec: object, progress: Progress) -> None:
        if progress.iteration == 3:
            os.kill(os.getpid(), signal.SIGINT)

    recorder = Recorder(interrupt)
    outcomes = LocalExecutor(1).run([long, later], tmp_path / "store", recorder)
    assert outcomes == [(long, RunOutcome("interrupted"))]
    assert recorder.begun == [long.label]
    assert recorder.told_to_stop == 1
    assert (folder_of(tmp_path / "store", long) / "checkpoint").exists()
    LocalExecutor(1).run([long], tmp_path / "store", Recorder())
    attempts = attempts_of(tmp_path / "store", long)
    assert [attempt["outcome"] for attempt in attempts] == ["interrupted", "finished"]
    resumed = attempts[1]["resumed_at_iteration"]
    assert isinstance(resumed, int) and resumed >= 3
    assert contents(folder_of(tmp_path / "store", long)) == in_process(tmp_path / "here", long)


@pytest.mark.parametrize("first", ["pass", FORK])
def test_a_second_ctrl_c_kills(tmp_path: Path, first: str) -> None:
    fifo, begun = tmp_path / "fifo", tmp_path / "begun"
    os.mkfifo(fifo)
    stuck = f"""
def meta_step(self, collector):
    {first}
    open({str(begun)!r}, "w").close()
    open({str(fifo)!r}).read()
"""
    (spec,) = small_plan(write_spoilt(tmp_path, stuck, "stuck"))

    class Impatient(Recorder):
        def tick(self) -> None:
            if begun.exists():
                os.kill(os.getpid(), signal.SIGINT)

    recorder = Impatient()
    LocalExecutor(1).run([spec], tmp_path / "store", recorder)
    assert recorder.told_to_stop >= 2
    assert recorder.outcomes[spec.label] == RunOutcome("interrupted")


def test_a_thread_that_a_run_leaves_keeps_neither_its_worker_nor_later_runs(tmp_path: Path) -> None:
    threaded = """
def meta_step(self, collector):
    import threading
    if collector.iteration == 0:
        threading.Thread(target=threading.Event().wait).start()
        print("begun", end="")
    return super().meta_step(collector)
"""
    specs = small_plan(write_spoilt(tmp_path, threaded, "threaded"), seeds=2)
    outcomes = LocalExecutor(1).run(specs, tmp_path / "store", Recorder())
    assert outcomes == [(spec, RunOutcome("finished")) for spec in specs]


def test_a_process_that_a_run_leaves_ends_with_its_worker(tmp_path: Path) -> None:
    held = tmp_path / "held"
    forking = f"""
def meta_step(self, collector):
    import fcntl
    if collector.iteration == 0:
        file = open({str(held)!r}, "w")
        fcntl.flock(file, fcntl.LOCK_EX)
        {FORK}
    return super().meta_step(collector)
"""
    (spec,) = small_plan(write_spoilt(tmp_path, forking, "forking"))
    assert LocalExecutor(1).run([spec], tmp_path / "store", Recorder()) == [(spec, RunOutcome("finished"))]
    with FileLock(held).acquire(timeout=60):  # the process holds it as long as it lives
        pass


def test_a_process_that_a_killed_run_leaves_hides_neither_its_end_nor_holds_its_folder(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    killed = SUICIDAL.replace("        os.kill", f"        {FORK}\n        os.kill").format(marker=str(marker))
    specs = small_plan(write_spoilt(tmp_path, killed, "forking"), seeds=2)
    first = Recorder()
    LocalExecutor(1).run(specs, tmp_path / "store", first)
    assert "SIGKILL" in first.outcomes[specs[0].label].error
    assert first.outcomes[specs[1].label] == RunOutcome("finished")
    assert LocalExecutor(1).run(specs[:1], tmp_path / "store", Recorder()) == [(specs[0], RunOutcome("finished"))]


def test_ctrl_z_stops_the_workers_too_and_they_go_on_when_continued(tmp_path: Path) -> None:
    fifo, gate = tmp_path / "fifo", tmp_path / "gate"
    for path in (fifo, gate):
        os.mkfifo(path)
    gated = f"""
def meta_step(self, collector):
    if collector.iteration == 0:
        with open({str(fifo)!r}, "w") as file:
            file.write(str(os.getpid()))
        open({str(gate)!r}).read()
        open({str(fifo)!r}, "w").write("went on")
    return super().meta_step(collector)
"""
    source = write_spoilt(tmp_path, gated, "gated")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        leaderboard_command(source), cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL, process_group=0
    )
    group = 0
    try:
        worker = int(fifo.read_text())
        group = os.getpgid(worker)
        os.kill(parent.pid, signal.SIGTSTP)
        _, status = os.waitpid(parent.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        patience = time.monotonic() + 60
        while Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < patience, "the worker was not stopped"
        os.kill(parent.pid, signal.SIGCONT)
        gate.write_text("go on")
        assert fifo.read_text() == "went on"
    finally:
        parent.kill()
        parent.wait()
        if group:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGCONT)  # a worker that is still stopped would stay for ever


def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    endless = f"""
def meta_step(self, collector):
    if collector.iteration == 0:
        with open({str(fifo)!r}, "w") as file:
            file.write(str(os.getpid()))
    collector.ledger.spent = 0
    return super().meta_step(collector)
"""
    source = write_spoilt(tmp_path, endless, "endless")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(leaderboard_command(source), cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    worker = int(fifo.read_text())
    os.kill(worker, 0)  # it is there
    parent.kill()
    parent.wait()
    (held,) = (tmp_path / "store").rglob("lock")
    with FileLock(held).acquire(timeout=60):  # the worker holds it as long as it lives
        assert not (held.parent / "done.json").exists()


def test_a_run_that_another_process_holds_is_waited_for(tmp_path: Path) -> None:
    (spec,) = small_plan("random-init")
    lock = Store(tmp_path).folder(spec.identity()).lock()
    lock.__enter__()
    messages: list[str] = []

    def release(spec: object, progress: Progress) -> None:
        messages.append(progress.message)
        if progress.message == WAITING:
            lock.__exit__(None, None, None)

    outcomes = LocalExecutor(1).run([spec], tmp_path, Recorder(release))
    assert messages[0] == WAITING
    assert outcomes == [(spec, RunOutcome("finished"))]


def test_a_run_that_another_process_holds_keeps_no_worker_from_the_others(tmp_path: Path) -> None:
    held, free = (replace(spec, seed=seed) for seed, spec in enumerate(small_plan("random-init") * 2))
    lock = Store(tmp_path).folder(held.identity()).lock()
    lock.__enter__()

    class Releasing(Recorder):
        def ended(self, spec: AnyJob, ended: RunOutcome) -> None:
            super().ended(spec, ended)
            if spec == free:
                lock.__exit__(None, None, None)

    outcomes = LocalExecutor(1).run([held, free], tmp_path, Releasing())
    assert outcomes == [(free, RunOutcome("finished")), (held, RunOutcome("finished"))]


def test_a_finished_run_is_run_again_only_when_forced(tmp_path: Path) -> None:
    (spec,) = small_plan("random-init")
    executor = LocalExecutor(1)
    assert executor.run([spec], tmp_path, Recorder()) == [(spec, RunOutcome("finished"))]
    before = contents(folder_of(tmp_path, spec))
    assert executor.run([spec], tmp_path, Recorder()) == [(spec, RunOutcome("stored"))]
    assert executor.run([spec], tmp_path, Recorder(), force=True) == [(spec, RunOutcome("finished"))]
    assert contents(folder_of(tmp_path, spec)) == before


def test_a_corrupt_checkpoint_is_refused_in_one_line_and_the_others_finish(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    specs = small_plan(write_good(tmp_path), seeds=2)
    store = Store(tmp_path / "store")
    folder = folder_of(store.root, specs[0])
    folder.mkdir(parents=True)
    (folder / "checkpoint").write_bytes(b"\0" * 100)
    outcomes, code = run_plan(specs, store, RunOptions(store.root, tmp_path / "report", workers=1))
    assert code == 2
    refused = next(ended for spec, ended in outcomes if spec == specs[0])
    assert refused.refused
    assert str(folder / "checkpoint") in refused.error
    assert "\n" not in refused.error
    assert store.folder(specs[1].identity()).finished
    assert "Traceback" not in capsys.readouterr().err


def test_code_that_changes_after_planning_is_not_run(tmp_path: Path) -> None:
    source = write_good(tmp_path)
    (spec,) = small_plan(source)
    Path(source).write_text(Path(source).read_text().replace("0.9", "0.8"))
    ((_, ended),) = LocalExecutor(1).run([spec], tmp_path / "store", Recorder())
    assert ended.refused
    assert "has changed since this command began" in ended.error
    assert not list(tmp_path.rglob("run.json"))


def test_the_longest_runs_begin_first(tmp_path: Path) -> None:
    suites = ["frozen-lake-low[horizon=10]", "ant-velocity", "half-cheetah-velocity"]
    specs = make_plan(suites=suites, algorithms=["promp"], seeds=1, profile="standard")
    begun: list[str] = []

    class Idle:
        def run(
            self, specs: list[RunSpec], root: Path, watcher: object, force: bool
        ) -> list[tuple[RunSpec, RunOutcome]]:
            begun.extend(spec.suite for spec in specs)
            return [(spec, RunOutcome("stored")) for spec in specs]

    store = Store(tmp_path)
    run_plan(specs, store, RunOptions(tmp_path, tmp_path, workers=2), Idle())  # type: ignore[arg-type]
    assert begun == ["ant-velocity[terminate=false]", "half-cheetah-velocity", "frozen-lake-low[horizon=10]"]


def test_progress_gives_rate_and_time_left_by_expected_work(capsys: pytest.CaptureFixture[str]) -> None:
    spec = RunSpec("s", "a", None, {}, 1, 1, 1, budget=1000, seed=0)
    other = RunSpec("s", "a", None, {}, 1, 1, 1, budget=1000, seed=1)
    now = 0.0
    tracker = Tracker({spec.label: 30.0, other.label: 10.0}, workers=2, clock=lambda: now)
    display = PlainDisplay(tracker, sys.stdout)
    assert tracker.left == 20  # nothing is known yet: the estimate
    with display:
        display.started(spec)
        display.progressed(spec, Progress(1, 200, 1000))  # resumed: these steps took no time now
        now = 20.0
        display.progressed(spec, Progress(4, 1000, 1000))
        assert tracker.rate == 40
        assert tracker.fraction == 0.75
        assert tracker.left == pytest.approx(20 / 3)
        display.tick()
        display.ended(spec, RunOutcome("failed", "why"))
    assert capsys.readouterr().out.splitlines() == [
        "0/2 runs, 40 steps/s, 20 s so far, about 7 s left; now: s a seed 0 100%",
        "failed: s a seed 0  (1/2 runs, 1 failed, 40 steps/s, 20 s so far, about 7 s left)",
    ]
    assert [as_time(seconds) for seconds in (7.2, 754, 3900 * 2)] == ["7 s", "13 min", "2 h 10 min"]


def test_a_run_that_no_disk_takes_has_failed_and_is_no_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    specs = small_plan(write_good(tmp_path))
    store = Store(tmp_path / "store")

    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        options = RunOptions(store.root, tmp_path / "report", workers=1)
        ((_, ended),), code = run_plan(specs, store, options, executor=InProcessExecutor())
    assert code == 1 and ended.refused and ended.by_system
    assert "No space left on device" in ended.error and "tracebacks" not in capsys.readouterr().err


@pytest.mark.parametrize("executor", [InProcessExecutor(), LocalExecutor(1)], ids=["here", "worker"])
def test_a_disk_that_is_full_while_a_run_trains_is_no_bad_input_and_no_fault_of_the_algorithm(
    tmp_path: Path, executor: Executor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    specs = small_plan(write_spoilt(tmp_path, FULL_DISK))
    store = Store(tmp_path / "store")
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", os.fsync)  # afterwards it is again what it was
        options = RunOptions(store.root, tmp_path / "report", workers=1)
        ((_, ended),), code = run_plan(specs, store, options, executor)
    assert code == 1 and ended.refused and ended.by_system
    assert "No space left on device" in ended.error and "\n" not in ended.error
    assert "tracebacks" not in capsys.readouterr().err
    assert not has_failed(store, specs[0].identity())  # were it a trial, it would be tried again
