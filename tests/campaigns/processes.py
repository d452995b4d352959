"""Processes that belong to a campaign, found by a mark in their environment or by what they were forked from."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

MARK = "METARL_CAMPAIGN"


@contextmanager
def marked(store: Path) -> Iterator[str]:
    """Within, what this process starts carries the mark: also a new server that workers are forked from."""
    stop_server()
    before = os.environ.get(MARK)
    os.environ[MARK] = str(store)
    try:
        yield str(store)
    finally:
        stop_server()
        os.environ.pop(MARK, None) if before is None else os.environ.__setitem__(MARK, before)


def stop_server() -> None:
    forkserver._forkserver._stop()  # type: ignore[attr-defined]


def servers() -> tuple[int, ...]:
    """The processes that multiprocessing keeps for all workers, and this one."""
    kept = (forkserver._forkserver._forkserver_pid, resource_tracker._resource_tracker._pid)  # type: ignore[attr-defined]
    return (os.getpid(), *filter(None, kept))


def processes(mark: str) -> dict[int, str]:
    """Living processes with the mark, with what they are."""
    found = {}
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if state != "Z":
                    found[int(entry.name)] = command[:80]
        except OSError:  # it has ended
            continue
    return found


def left_over(mark: str, allow: Collection[int] = (), patience: float = 5.0) -> list[str]:
    """Those that are still there once some time has passed."""
    end = time.monotonic() + patience
    while True:
        found = {pid: what for pid, what in processes(mark).items() if pid not in allow}
        if not found or time.monotonic() > end:
            return [f"{pid} {what}" for pid, what in found.items()]
        time.sleep(0.05)
