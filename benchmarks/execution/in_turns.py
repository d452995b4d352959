"""Training in one process and the final evaluation in another, which has nothing of the first but its saved state.

Both are forked from the worker, which runs none of the algorithm's methods itself: what an algorithm changes while it
trains, in the harness or in itself, ends with its training.  The bytes are those of one process, since a run goes on
from its checkpoint as if it had never stopped.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn

from benchmarks.execution.training import Interrupted, Progress
from environments.typed_options import UsageError
from results.files import StoreError
from results.run_folder import kept_error

#: what training tells of once its last checkpoint is written
TRAINED = "final evaluation"

#: takes a job to its finished record: job, folder, report, should_stop
CarryOut = Callable[[Any, Any, Callable[[Progress], None], Callable[[], bool]], None]


class FailedElsewhere(Exception):
    """A failure in a child; its text is the traceback there."""


class Flag:
    """Set in one process and seen in those that are forked from it."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def set(self) -> None:
        self._byte[0] = 1

    def is_set(self) -> bool:
        return self._byte[0] == 1


@dataclass(frozen=True)
class _Ended:
    """How a child ended, with what it says of it: "done", "trained" (its checkpoint holds the rest), "interrupted",
    "refused" (bad input), "unstored" (its record cannot be read or written) or "failed".

    `by_system`: as a StoreError's.
    """

    how: str
    text: str = ""
    by_system: bool = False


class _Trained(BaseException):
    """No Exception: nothing on the way may take it for a failure."""


def can_be_watched() -> bool:
    """Whether this system tells of a child's death without collecting it, which `in_turns` needs."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def in_turns(carry_out: CarryOut) -> CarryOut:
    """The same in two processes, one after the other.  Raises what it raises, failures as `FailedElsewhere`."""

    def carry(job: Any, folder: Any, report: Callable[[Progress], None], should_stop: Callable[[], bool]) -> None:
        def train(tell: Callable[[Progress], None]) -> None:
            def tell_or_leave(progress: Progress) -> None:
                # what has not trained has replaced nothing, and is not resumed from here
                if progress.message == TRAINED and progress.iteration > 0:
                    raise _Trained
                tell(progress)

            carry_out(job, folder, tell_or_leave, should_stop)

        if not _in_child(train, report):
            return
        _in_child(lambda tell: carry_out(job, folder, tell, should_stop), report)

    return carry


def _in_child(work: Callable[[Callable[[Progress], None]], None], report: Callable[[Progress], None]) -> bool:
    """Whether it has trained and something is left to do."""
    ours, theirs = Pipe(duplex=False)
    _flush()
    child = os.fork()
    if child == 0:
        ours.close()
        _live(work, theirs)
    theirs.close()
    death = os.pidfd_open(child)
    try:
        ended = _hear(ours, death, report)
    finally:
        os.kill(child, signal.SIGKILL)  # it has ended, or can no longer be understood; it is not yet collected
        status = os.waitpid(child, 0)[1]
        os.close(death)
        ours.close()
    if ended is None:
        _end_alike(status)
    if ended.how == "interrupted":
        raise Interrupted(ended.text)
    if ended.how == "refused":
        raise UsageError(ended.text)
    if ended.how == "unstored":
        raise StoreError(ended.text, ended.by_system)
    if ended.how == "failed":
        raise FailedElsewhere(ended.text)
    return ended.how == "trained"


def _hear(ours: Connection, death: int, report: Callable[[Progress], None]) -> _Ended | None:
    """How the child says that it ended, its progress passed on; None if it died without a word, or said nonsense."""
    while True:
        # what it has forked may hold the pipe open, so that its end alone tells of no death
        ready = wait([ours, death])
        if ours not in ready:
            return None
        try:
            message = ours.recv()
        except Exception:  # its end of the pipe is closed, or it wrote junk into it
            wait([death], 1.0)
            return None
        if isinstance(message, _Ended):
            return message
        if not isinstance(message, Progress):
            return None
        report(message)


def _live(work: Callable[[Callable[[Progress], None]], None], theirs: Connection) -> NoReturn:
    """The child's life after its fork."""
    try:
        work(theirs.send)
        ended = _Ended("done")
    except _Trained:
        ended = _Ended("trained")
    except Interrupted as error:
        ended = _Ended("interrupted", str(error))
    except UsageError as error:
        ended = _Ended("refused", str(error))
    except StoreError as error:
        ended = _Ended("unstored", str(error), error.by_system)
    except (Exception, SystemExit):
        ended = _Ended("failed", kept_error(traceback.format_exc()))
    except BaseException:
        os._exit(1)
    _flush()
    with suppress(OSError):  # the parent has died
        theirs.send(ended)
    os._exit(0)


def _end_alike(status: int) -> NoReturn:
    """As the child did, so that who waits for this process is told the same."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    os._exit(code if code > 0 else 0)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or nobody reads it
            stream.flush()
