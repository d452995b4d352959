"""One run or study, carried out in this process: lock, resume, train or study, record how it ended."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, NoReturn

from benchmarks.execution.fresh_tasks import try_out
from benchmarks.execution.in_turns import CarryOut, FailedElsewhere, Flag, can_be_watched, in_turns
from benchmarks.execution.parents import standing_run, stored_parents
from benchmarks.execution.studying import run_study
from benchmarks.execution.training import Interrupted, Progress, train
from benchmarks.specs.job import AnyJob
from environments.threads import allow
from environments.typed_options import UsageError
from results.files import StoreError
from results.run_folder import kept_error
from results.store import Store, Stored, StoredRun, StoredStudy, StoredTrial

#: takes a job of the kind from its checkpoint to its finished record
CARRY_OUT: dict[type[Stored], CarryOut] = {StoredRun: train, StoredTrial: try_out, StoredStudy: run_study}
#: what the parent sends to ask for a stop at the next checkpoint
STOP = "stop"
#: the message of a run that another process holds: it has begun nothing
WAITING = "waiting for another process"


@dataclass(frozen=True)
class RunOutcome:
    """How a job ended.  "stored": it had finished before.  `refused`: bad input, told in one line of `error`.

    `by_system`: what refused it is no input but the operating system, as where a disk is full.
    """

    status: Literal["finished", "stored", "interrupted", "failed"]
    error: str = ""
    refused: bool = False
    by_system: bool = False

    @property
    def bad_input(self) -> bool:
        """Whether the same command would be refused again, whatever becomes of the system."""
        return self.refused and not self.by_system


def run_job(
    job: AnyJob,
    root: Path,
    force: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
    threads: int = 1,
    apart: bool = False,
) -> RunOutcome:
    """The job, from its checkpoint if there is one; every failure is recorded and returned.

    root: the store's.  force: begin anew even if it has finished.  threads: how many it may use, to the same bytes.
    apart: train in one child of this process and evaluate in another (`in_turns`).
    """
    import torch

    torch.set_num_threads(1)  # a sum over several threads depends on how many there are
    root = root.absolute()  # an algorithm may change the working directory
    try:
        if job.code not in (None, job.code_now()):
            # this process may hold the old code or the new, so that the record could not say which it was
            raise UsageError(f"the code that decides {job.label} has changed since this command began; start it again")
        folder = Store(root).folder(job.identity())
        waiting = Progress(0, 0, job.size, WAITING)
        with folder.lock(on_wait=lambda: report(waiting)):
            if force:
                folder.clear()
            if folder.finished:
                return RunOutcome("stored")
            checkpoint = folder.load_checkpoint()
            resumed_at = checkpoint["iteration"] if checkpoint else 0
            if checkpoint is not None and resumed_at == 0:
                folder.drop_checkpoint()  # resumed, what does not train would have a point more on its curve
            with allow(threads):
                folder.begin_attempt(job.record(), resumed_at)
            try:
                parents: dict[str, Any] = {}
                if job.parent_runs:
                    _make_parents(job, root, report, should_stop, threads, apart)
                    parents["parents"] = stored_parents(job, Store(root))
                carry_out = on_its_threads(partial(CARRY_OUT[job.kind], **parents))
                if apart and CARRY_OUT[job.kind] is not run_study and can_be_watched():
                    carry_out = in_turns(carry_out)
                with allow(threads):
                    carry_out(job, folder, report, should_stop)
            except Interrupted:
                folder.end_attempt("interrupted")
                return RunOutcome("interrupted")
            except (Exception, SystemExit) as error:
                with suppress(Exception):  # that it cannot be recorded must not hide what it is
                    folder.end_attempt("failed", _told(error))
                raise
    except (Exception, SystemExit) as error:
        return failed_by(error)
    return RunOutcome("finished")


def failed_by(error: Exception | SystemExit) -> RunOutcome:
    """How a job ended that this error has ended, which is being handled."""
    if isinstance(error, (UsageError, StoreError)):
        by_system = isinstance(error, StoreError) and error.by_system
        return RunOutcome("failed", str(error), refused=True, by_system=by_system)
    return RunOutcome("failed", _told(error))


class ParentFailed(RuntimeError):
    """A run that the job begins with failed."""


def _make_parents(
    job: AnyJob,
    root: Path,
    report: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    threads: int,
    apart: bool,
) -> None:
    """Carries out, here, those of the runs that the job begins with that have not finished; waits for one that another
    process holds.

    Raises Interrupted and ParentFailed; of a parent that was refused UsageError, or StoreError where the system did it.
    """
    for role, run in job.parent_runs.items():
        if standing_run(run, Store(root)) is not None:
            continue

        def told(progress: Progress, role: str = role) -> None:
            message = progress.message if progress.message == WAITING else f"{role} {progress.message}".strip()
            report(Progress(0, progress.environment_steps, job.size, message))

        ended = run_job(run, root, False, told, should_stop, threads, apart)
        if ended.status == "interrupted":
            raise Interrupted(f"stopped in {run.label}")
        if ended.by_system:
            raise StoreError(ended.error, by_system=True)
        if ended.refused:
            raise UsageError(ended.error)
        if ended.status == "failed":
            raise ParentFailed(f"{run.label} failed:\n{ended.error}")


def on_its_threads(carry_out: CarryOut) -> CarryOut:
    """The same; raises RuntimeError once the job has changed how many threads torch computes on."""

    def carry(job: AnyJob, folder: Any, report: Callable[[Progress], None], should_stop: Callable[[], bool]) -> None:
        import torch

        threads = torch.get_num_threads()

        def tell(progress: Progress) -> None:
            found = torch.get_num_threads()
            if found != threads:
                raise RuntimeError(f"{job.label} set torch to {found} threads; a run computes on {threads}")
            report(progress)

        carry_out(job, folder, tell, should_stop)

    return carry


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, FailedElsewhere) else kept_error(traceback.format_exc())


def work(job: AnyJob, root: Path, force: bool, connection: Connection, threads: int = 1) -> NoReturn:
    """A worker process's whole life: sends `Progress` while it runs, then one `RunOutcome`.

    It stops at a checkpoint when told to, and exits at once when the process at the other end is gone.
    """
    os.setpgid(0, 0)  # a group of its own, so that what the run forks can be ended with it
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # such a group may write to the terminal all the same
    stop = Flag()
    threading.Thread(target=_watch, args=(connection, stop), daemon=True).start()

    def tell(message: Progress | RunOutcome) -> None:
        try:
            connection.send(message)
        except OSError:  # the parent has died: no failure of the run's own
            _abandon()

    ended = run_job(job, root, force, tell, stop.is_set, threads, apart=True)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or nobody reads it
            stream.flush()
    tell(ended)
    # An ordinary exit would wait for threads and processes that the run has left, perhaps for ever.  All that it would
    # do besides, handlers of `atexit` and of multiprocessing, concerns nothing of ours: every record is on the disk.
    os._exit(0)


def _watch(connection: Connection, stop: Flag) -> None:
    """The other end is the parent's alone, so that its end of file means that the parent has died."""
    try:
        while connection.recv() == STOP:
            stop.set()
    except (EOFError, OSError):
        _abandon()


def _abandon() -> NoReturn:
    """End this process and what it has forked."""
    if os.getpgrp() == os.getpid():  # never another's group
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
