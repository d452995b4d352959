"""What an algorithm does to its process stays there, and what went wrong is told as it was."""

from __future__ import annotations

import errno
import os
import signal
from multiprocessing import forkserver
from pathlib import Path

import pytest

from benchmarks.execution import worker
from benchmarks.execution.executor import LocalExecutor, _exit, start_server
from benchmarks.execution.in_turns import TRAINED
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome, run_job
from results.files import StoreError
from results.run_folder import RunFolder
from results.store import Store
from tests.campaigns.hostile_algorithms import Quiet
from tests.support.adapters import contents, small_plan, write_good, write_spoilt

#: overwrites what evaluates, once it trains
CHEATS = """
def meta_step(self, collector):
    import benchmarks.execution.session as session
    whole = session.evaluate
    if not hasattr(session, "patched"):
        session.patched = True
        session.evaluate = lambda *given: [{**row, "return": 1e6} for row in whole(*given)]
    return super().meta_step(collector)
"""


def test_what_an_algorithm_replaces_while_it_trains_does_not_reach_its_scores(tmp_path: Path) -> None:
    (cheat,) = small_plan(write_spoilt(tmp_path, CHEATS, "cheat"))
    ((_, ended),) = LocalExecutor(1).run([cheat], tmp_path / "store", Quiet())
    assert ended == RunOutcome("finished")
    (stored,) = Store(tmp_path / "store").finished()
    assert stored.scores["return"].max() < 1e3
    assert stored.learning["return"].max() == 1e6  # of the curve, which is drawn while it trains


@pytest.mark.parametrize("name", ["drift", "random-init"])
def test_a_run_in_two_processes_has_the_bytes_of_one(name: str, tmp_path: Path) -> None:
    (spec,) = small_plan(write_good(tmp_path) if name == "drift" else name)
    assert run_job(spec, tmp_path / "one") == RunOutcome("finished")
    LocalExecutor(1).run([spec], tmp_path / "two", Quiet())
    places = [Store(tmp_path / name).folder(spec.identity()).path for name in ("one", "two")]
    assert contents(places[0]) == contents(places[1])


def test_what_does_not_train_and_was_killed_before_its_end_has_the_bytes_of_an_undisturbed_run(tmp_path: Path) -> None:
    (spec,) = small_plan("random-init")
    assert run_job(spec, tmp_path / "one") == RunOutcome("finished")

    def stop(progress: Progress) -> None:
        if progress.message == TRAINED:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(spec, tmp_path / "two", report=stop)
    assert run_job(spec, tmp_path / "two") == RunOutcome("finished")
    places = [Store(tmp_path / name).folder(spec.identity()).path for name in ("one", "two")]
    assert contents(places[0]) == contents(places[1])


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert _exit(-40) == "signal 40 (killed, or out of memory)"
    assert _exit(-9) == "signal SIGKILL (killed, or out of memory)"


def test_the_error_is_told_that_stopped_the_run_and_not_the_one_that_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (spec,) = small_plan(write_good(tmp_path))

    def full(*given: object) -> None:
        raise StoreError("cannot write run.json: No space left on device")

    monkeypatch.setattr(RunFolder, "begin_attempt", full)
    assert run_job(spec, tmp_path / "a") == RunOutcome("failed", str(StoreError(
        "cannot write run.json: No space left on device"
    )), refused=True)  # fmt: skip
    monkeypatch.undo()
    monkeypatch.setattr(RunFolder, "end_attempt", full)
    (bad,) = small_plan(write_spoilt(tmp_path, "def meta_step(self, collector):\n    raise KeyError('the reason')"))
    ended = run_job(bad, tmp_path / "b")
    assert "KeyError: 'the reason'" in ended.error and not ended.refused


def test_a_run_that_leaves_by_sys_exit_is_recorded_as_failed(tmp_path: Path) -> None:
    (bad,) = small_plan(write_spoilt(tmp_path, "def meta_step(self, collector):\n    raise SystemExit(0)"))
    assert "SystemExit" in run_job(bad, tmp_path / "store").error
    run = Store(tmp_path / "store").folder(bad.identity()).read_run()
    assert run is not None and run["attempts"][-1]["outcome"] == "failed"


def test_an_algorithm_that_goes_elsewhere_writes_where_it_was_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    method = f"def meta_step(self, collector):\n    os.chdir({str(tmp_path / 'elsewhere')!r})\n    "
    (spec,) = small_plan(write_spoilt(tmp_path, method + "return super().meta_step(collector)"))
    monkeypatch.chdir(tmp_path)
    assert run_job(spec, Path("store")) == RunOutcome("finished")
    assert not list((tmp_path / "elsewhere").iterdir()) and len(Store(tmp_path / "store").finished()) == 1


def test_a_run_on_more_threads_than_it_has_fails(tmp_path: Path) -> None:
    method = "def meta_step(self, collector):\n    torch.set_num_threads(2)\n    return super().meta_step(collector)"
    (spec,) = small_plan(write_spoilt(tmp_path, method))
    assert "set torch to 2 threads; a run computes on 1" in run_job(spec, tmp_path / "store").error


def test_a_server_that_was_killed_comes_back_as_it_was(tmp_path: Path) -> None:
    specs = small_plan(write_good(tmp_path), seeds=2)
    LocalExecutor(1).run(specs[:1], tmp_path / "store", Quiet())
    before = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    os.kill(before, signal.SIGKILL)
    ((_, ended),) = LocalExecutor(1).run(specs[1:], tmp_path / "store", Quiet())
    assert ended == RunOutcome("finished")
    after = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    assert after != before
    environment = Path(f"/proc/{after}/environ").read_bytes()
    assert b"PYTHONHASHSEED=0" in environment and b"OMP_NUM_THREADS=1" in environment
    (ignored,) = [line for line in Path(f"/proc/{after}/status").read_text().splitlines() if line.startswith("SigIgn")]
    assert int(ignored.split()[1], 16) >> (signal.SIGINT - 1) & 1


def test_the_server_is_asked_for_before_every_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from benchmarks.execution import executor

    asked: list[int] = []

    def start() -> None:
        asked.append(1)
        start_server()

    monkeypatch.setattr(executor, "start_server", start)
    specs = small_plan(write_good(tmp_path), seeds=2)
    LocalExecutor(1).run(specs, tmp_path / "store", Quiet())
    assert len(asked) == 1 + len(specs)


def test_a_full_disk_at_the_end_of_an_attempt_is_no_other_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (spec,) = small_plan(write_good(tmp_path))
    monkeypatch.setitem(worker.CARRY_OUT, spec.kind, full)
    assert "No space left on device" in run_job(spec, tmp_path / "store").error
