"""Jobs on this machine: one process each, a given number at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import FrameType
from typing import Generic, Protocol, cast

from benchmarks.execution.training import Progress
from benchmarks.execution.worker import STOP, WAITING, RunOutcome, work
from benchmarks.specs.job import AnyJob, J
from environments.typed_options import UsageError

#: imported once, by the server that worker processes are forked from
PRELOADED = ["torch", "mujoco", "pandas", "benchmarks.execution.worker", "benchmarks.execution.fork_server"]
#: one thread for every library, so that forking is sound and numbers do not depend on the number of cores; Arrow's
#: allocator would start one of its own; text hashes alike in every process
SERVER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYTHONHASHSEED": "0",
}
#: seconds between two looks at interruptions while no worker says anything
PATIENCE = 0.25
#: seconds that a process gets to end by itself once nothing more is expected of it
GRACE = 5.0
#: how often a worker is asked for before it is said that there is none
STARTS = 5


class Watcher(Protocol):
    """Is told what happens to the jobs; called often, from the executor's own thread."""

    def started(self, job: AnyJob) -> None: ...
    def progressed(self, job: AnyJob, progress: Progress) -> None: ...
    def ended(self, job: AnyJob, ended: RunOutcome) -> None: ...
    def stopping(self) -> None: ...
    def tick(self) -> None: ...


class Executor(Protocol):
    """Carries out jobs; those that did not begin because of an interruption are missing from the answer."""

    def run(
        self, jobs: Sequence[J], root: Path, watcher: Watcher, force: bool = False
    ) -> list[tuple[J, RunOutcome]]: ...


@dataclass
class _Worker(Generic[J]):
    job: J
    connection: Connection
    process: ForkServerProcess
    death: int  # a descriptor that is readable once the process has ended
    waiting: bool = False
    killed: bool = False


class LocalExecutor:
    """Worker processes forked from a server that has imported torch once, in the order given.

    Ctrl-C (or SIGTERM) lets each run stop at a checkpoint, a second one kills them.  Workers exit when this process
    dies.  A run that fails, or whose process is killed, does not disturb the others; neither do threads and processes
    that a run leaves behind: they end with its worker.
    """

    def __init__(self, workers: int, threads: int = 1) -> None:
        """threads: how many each run may use."""
        for name, count in (("workers", workers), ("threads", threads)):
            if count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}")
        self.workers, self.threads = workers, threads

    def run(self, jobs: Sequence[J], root: Path, watcher: Watcher, force: bool = False) -> list[tuple[J, RunOutcome]]:
        """Each run with how it ended.  root: the store's.  force: also what has finished before."""
        start_server()
        waiting, active = list(jobs), list[_Worker[J]]()
        outcomes: list[tuple[J, RunOutcome]] = []
        with counted_interrupts(active) as interrupts:
            seen = 0
            try:
                while (waiting and not seen) or active:
                    while waiting and not seen and self._has_room(active):
                        job = waiting.pop(0)
                        connection, process = _start(job, root, force, self.threads)
                        active.append(_Worker(job, connection, process, _death_of(process)))
                        watcher.started(job)
                    # a fork of the worker's may hold the connection open, so that its end alone tells of no death
                    ready = set(wait([end for worker in active for end in (worker.connection, worker.death)], PATIENCE))
                    for worker in list(active):
                        if worker.killed or not ready.isdisjoint({worker.connection, worker.death}):
                            ended = _hear(worker, watcher)
                            if ended is not None:
                                active.remove(worker)
                                outcomes.append((worker.job, ended))
                                watcher.ended(worker.job, ended)
                    if len(interrupts) > seen:
                        seen = len(interrupts)
                        watcher.stopping()
                        for worker in active:
                            _stop(worker, kill=seen > 1)
                    watcher.tick()
            finally:
                for worker in active:
                    _signal(worker, signal.SIGKILL)
        return outcomes

    def _has_room(self, active: Collection[_Worker]) -> bool:
        """A run that another process holds takes no worker's place, but as many more are not begun for ever."""
        busy = sum(not worker.waiting for worker in active)
        return busy < self.workers and len(active) < 2 * self.workers


def start_server() -> None:
    """Start the server that workers are forked from; does nothing if it runs.

    It finds modules where this process does, not in the working directory, and like its workers ignores Ctrl-C,
    which reaches every process of the terminal.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with _environment(**SERVER_ENVIRONMENT, PYTHONPATH=path, PYTHONSAFEPATH="1"):
            forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, handler)


def _start(job: AnyJob, root: Path, force: bool, threads: int) -> tuple[Connection, ForkServerProcess]:
    """Raises UsageError if the system gives no process."""
    context = multiprocessing.get_context("forkserver")
    for attempt in range(STARTS):
        # if it was killed, multiprocessing would start one with neither our environment nor our signals
        start_server()
        ours, theirs = context.Pipe(duplex=True)
        process = context.Process(target=work, args=(job, root, force, theirs, threads), name=job.label)
        try:
            process.start()
        except (EOFError, OSError) as error:  # the server is dying, or no process or file is left
            ours.close()
            if attempt == STARTS - 1:
                raise UsageError(f"no process can be started for {job.label}: {error}; try fewer --workers") from error
            time.sleep(0.1 * 2**attempt)
        else:
            return ours, process
        finally:
            theirs.close()  # so that the end of the process is the end of the file
    raise AssertionError("unreachable")


def _death_of(process: ForkServerProcess) -> int:
    """A descriptor that is readable once the process has ended; its sentinel is readable without the server, too."""
    with suppress(AttributeError, OSError):  # no such call on this system, or the process has been collected already
        return os.pidfd_open(process.pid or 0)
    return process.sentinel


def _hear(worker: _Worker, watcher: Watcher) -> RunOutcome | None:
    """Pass on one message, or what a dead worker has left; how the run ended, once it has."""
    gone = worker.killed or bool(wait([worker.death], 0))  # asked first: what it said is in the pipe by then
    if gone:
        _signal(worker, signal.SIGKILL)  # its forks must not go on writing into the pipe
    try:
        while worker.connection.poll():
            message = worker.connection.recv()
            if isinstance(message, RunOutcome):
                _end(worker)
                return message
            if not isinstance(message, Progress):
                raise TypeError(f"a worker sent a {type(message).__name__}")
            worker.waiting = message.message == WAITING
            watcher.progressed(worker.job, message)
            if not gone:
                return None
    except (EOFError, OSError):
        gone = True
    except Exception as error:  # what the run itself wrote into the pipe may be read as anything
        return _disown(worker, f"sent what is no message ({type(error).__name__})")
    if not gone:
        return None
    _end(worker)
    why = f"the process of {worker.job.label} ended with {_exit(worker.process.exitcode)}"
    return RunOutcome("interrupted") if worker.killed else RunOutcome("failed", why)


def _disown(worker: _Worker, why: str) -> RunOutcome:
    """Ends a process that can no longer be understood."""
    _signal(worker, signal.SIGKILL)
    _end(worker)
    return RunOutcome("failed", f"the process of {worker.job.label} {why}")


def _end(worker: _Worker) -> None:
    """See to it that the process has ended, and with it all that it has forked."""
    wait([worker.death], GRACE)
    _signal(worker, signal.SIGKILL)
    worker.process.join(GRACE)
    worker.connection.close()
    if worker.death != worker.process.sentinel:
        os.close(worker.death)


def _signal(worker: _Worker, number: int) -> None:
    """Send a signal to the worker and to what it has forked, which are a group of their own."""
    pid = cast("int", worker.process.pid)
    try:
        os.killpg(pid, number)
    except ProcessLookupError:  # it has just begun and has no group yet, or nothing is left
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    except PermissionError:  # what is left is another user's
        pass


def _stop(worker: _Worker, kill: bool) -> None:
    if kill or worker.waiting:
        worker.killed = True
        _signal(worker, signal.SIGKILL)
        return
    with suppress(OSError):  # it may just have ended, which the next look finds
        worker.connection.send(STOP)


def _exit(code: int | None) -> str:
    if code is not None and code < 0:
        known = {each.value: each.name for each in signal.Signals}  # real-time signals but two have no name
        return f"signal {known.get(-code, -code)} (killed, or out of memory)"
    return f"code {code}"


@contextmanager
def counted_interrupts(active: Collection[_Worker]) -> Iterator[list[int]]:
    """Collects Ctrl-C and SIGTERM instead of letting them end this process; Ctrl-Z stops the workers with it.

    The second one kills the workers there and then: this process may be waiting for the rest of a message.
    """
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            for worker in active:
                worker.killed = True
                _signal(worker, signal.SIGKILL)

    def suspend(number: int, frame: FrameType | None) -> None:
        for worker in active:
            _signal(worker, signal.SIGSTOP)  # the terminal stops its foreground group alone, of which workers are not
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # returns when this process is continued
        signal.signal(number, suspend)
        for worker in active:
            _signal(worker, signal.SIGCONT)

    handlers = {signal.SIGINT: receive, signal.SIGTERM: receive}
    if signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL:
        handlers[signal.SIGTSTP] = suspend
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
