"""Every call that writes fails once, as on a full or a dying disk: what was there stays, and the run is repeated."""

from __future__ import annotations

import errno
import io
import itertools
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import results.files
from results.files import PARTIAL, StoreError
from results.run_folder import RunFolder
from results.store import Store
from tests.campaigns.outcome import Outcome
from tests.support.stored_runs import identity, record, run

#: what of `os` changes a disk, beside opening a file and writing to it
CALLS = ("fsync", "replace", "mkdir", "unlink")
ERRORS = {"disk full": errno.ENOSPC, "quota": errno.EDQUOT, "bad disk": errno.EIO, "read-only": errno.EROFS}


def campaign(scale: int, seed: int) -> Outcome:
    """Each call of a run's life fails with each error, at most `scale` of them; then real limits on files' sizes."""
    found = Outcome("disk full, quota, bad disk, read-only: each writing call fails once", "failures")
    cases = itertools.product(ERRORS.items(), range(10_000))
    ended: set[str] = set()
    for (name, number), place in cases:
        if name in ended or found.cases.total() >= scale:
            continue
        with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
            if not _one(Path(folder), name, number, place, found):
                ended.add(name)
    for limit in range(0, 6000, max(1, 6000 // max(1, min(scale, 200)))):
        with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
            _limited(Path(folder), limit, found)
    return found


def life(store: Path) -> RunFolder:
    """A small run from its first file to its last."""
    folder = Store(store).folder(identity())
    with folder.lock():
        folder.begin_attempt(run())
        folder.save_checkpoint({"iteration": 1})
        folder.save_checkpoint({"iteration": 2})
        folder.keep_state({"weights": [1.0]})
        folder.finish(**record())
    return folder


def again(store: Path) -> RunFolder:
    """The same, as the next command would go on."""
    folder = Store(store).folder(identity())
    with folder.lock():
        if folder.finished:
            return folder
        folder.load_checkpoint()
        folder.begin_attempt(run())
        folder.finish(**record())
    return folder


def _one(folder: Path, name: str, number: int, place: int, found: Outcome) -> bool:
    """Whether there was such a call."""
    case = f"{name} at call {place}"
    with failing(place, number) as failed:
        try:
            life(folder)
            said = ""
        except StoreError as error:
            said = str(error)
        except Exception as error:
            said = ""
            found.fault(case, f"{failed} raised {error!r}")
    if not failed:
        return False
    if said and "\n" in said:
        found.fault(case, f"said more than a line: {said!r}")
    found.case("told in a line" if said else "survived")
    _judge(folder, case, found)
    return True


def _limited(folder: Path, limit: int, found: Outcome) -> None:
    """No file may have more bytes than that."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        life(folder)
        found.case("survived")
    except StoreError:
        found.case("told in a line")
    except Exception as error:
        found.fault(f"files of {limit} bytes", f"raised {error!r}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    _judge(folder, f"files of {limit} bytes", found)


def _judge(folder: Path, case: str, found: Outcome) -> None:
    """Nothing half-written passes for a record, and the next command finishes it."""
    before = [stored.path for stored in Store(folder).finished()]
    try:
        done = again(folder)
    except Exception as error:
        return found.fault(case, f"the next command raised {error!r}")
    (stored,) = Store(folder).finished()
    if before not in ([], [stored.path]) or len(stored.scores) != 4:
        found.fault(case, "the record is another")
    if before == [] and any(done.path.glob(f".*{PARTIAL}")):
        found.fault(case, "a file that was cut short is still there")


@contextmanager
def failing(place: int, number: int) -> Iterator[list[str]]:
    """Within, the call of that place among all that write raises the error; the list then names it.

    A write fails half-way.  Nothing is synced, since here no power is lost.
    """
    count, failed = itertools.count(), list[str]()

    def refuse(name: str, path: Any) -> None:
        if next(count) == place:
            failed.append(f"{name} {path}")
            raise OSError(number, os.strerror(number), str(path))

    class File:
        def __init__(self, path: Path, mode: str) -> None:
            refuse("open", path)
            self._file, self._path = io.FileIO(path, mode), path

        def __enter__(self) -> File:
            return self

        def __exit__(self, *error: object) -> None:
            self._file.close()

        def write(self, content: bytes) -> None:
            self._file.write(content[: len(content) // 2])
            refuse("write", self._path)
            self._file.write(content[len(content) // 2 :])

        def flush(self) -> None:
            self._file.flush()

        def fileno(self) -> int:
            return self._file.fileno()

    with ExitStack() as stack:
        for name in CALLS:
            whole = getattr(os, name)

            def call(*arguments: Any, name: str = name, whole: Callable[..., Any] = whole, **named: Any) -> Any:
                refuse(name, arguments[0])
                return None if name == "fsync" else whole(*arguments, **named)

            stack.enter_context(patch.object(os, name, call))
        stack.enter_context(patch.object(results.files, "open", File, create=True))
        yield failed
