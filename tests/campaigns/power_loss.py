"""The power goes at any moment, and of what was not synced any part is lost: what a command called finished stays."""

from __future__ import annotations

import io
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import results.files
from results.store import Store
from tests.campaigns.disk_faults import again
from tests.campaigns.outcome import Outcome
from tests.support.stored_runs import identity, record, run


@dataclass(frozen=True)
class Operation:
    """What a disk was told: "make" (a folder), "create", "write", "sync" (a file's bytes, or a folder's entries),
    "rename" from `source`, "remove"."""

    kind: str
    path: str
    content: bytes = b""
    source: str = ""


def campaign(scale: int, seed: int) -> Outcome:
    """`scale` losses of power, each at a moment of two runs' lives and with what the generator lets survive."""
    generator = random.Random(seed)
    found = Outcome("power loss: of what was not synced, any part survives", "losses")
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        home = Path(folder, "home")
        home.mkdir()
        told, ends = _lives(home)
        for number in range(scale):
            moment = number % (len(told) + 1) if scale > len(told) else generator.randint(0, len(told))
            lost = Path(folder, "lost")
            _materialise(home, told[:moment], lost, generator)
            finished = sum(end <= moment for end in ends)
            _judge(lost, finished, f"after operation {moment}", found)
            shutil.rmtree(lost, ignore_errors=True)
        found.notes.append(f"{len(told)} operations of two runs")
    return found


def _lives(home: Path) -> tuple[list[Operation], list[int]]:
    """What two runs tell the disk, one after the other, and after how many operations each had finished."""
    with recorded() as told:
        ends = []
        for seed in (0, 1):
            folder = Store(home / "store").folder(identity(seed=seed))
            with folder.lock():
                folder.begin_attempt(run(seed=seed))
                folder.save_checkpoint({"iteration": 1})
                folder.save_checkpoint({"iteration": 2})
                folder.keep_state({"weights": [1.0]})
                folder.finish(**record())
            ends.append(len(told))
    return told, ends


def _materialise(home: Path, told: list[Operation], lost: Path, generator: random.Random) -> None:
    """The tree below `home` as it may be found: entries of a folder are certain once it was synced after them."""
    entries: dict[str, int | None] = {str(home): None}  # path -> file, None for a folder
    files: dict[int, bytes] = {}
    names: dict[str, int] = {}  # as the running process sees them
    for place, step in enumerate(told):
        parent = os.path.dirname(step.path)
        later = told[place + 1 :]
        certain = any(each.kind == "sync" and each.path == parent for each in later)
        survives = certain or generator.random() < 0.5
        if step.kind == "write":
            synced = _synced(step.path, later)
            whole = step.content
            kept = whole if synced else generator.choice((b"", whole[: len(whole) // 2], whole))
            files[names[step.path]] = kept
        elif step.kind == "create":
            names[step.path] = place
            files[place] = b""
            if survives:
                entries[step.path] = place
        elif step.kind == "rename":
            names[step.path] = names.pop(step.source)
            if survives:
                entries[step.path] = names[step.path]
                entries.pop(step.source, None)
        elif step.kind == "remove" and survives:
            entries.pop(step.path, None)
        elif step.kind == "make" and survives:
            entries[step.path] = None
    for path in sorted(entries):
        target = lost / Path(path).relative_to(home)
        if not target.parent.is_dir() and path != str(home):
            continue  # the folder that held it is lost
        number = entries[path]
        if number is None:
            target.mkdir(parents=path == str(home))
        else:
            target.write_bytes(files[number])


def _synced(path: str, later: list[Operation]) -> bool:
    """Whether the file's bytes were synced after this, by the name that it had then."""
    for step in later:
        if step.kind == "rename" and step.source == path:
            path = step.path
        if step.kind == "sync" and step.path == path:
            return True
    return False


def _judge(lost: Path, finished: int, case: str, found: Outcome) -> None:
    store = Store(lost / "store")
    stored = store.finished(skip_corrupt=True)
    if store.problems:
        found.fault(case, store.problems[0])
    if len(stored) < finished:
        found.fault(case, f"{finished} runs had finished, {len(stored)} are there")
    for each in stored:
        if len(each.scores) != 4 or each.done["iterations"] != 2:
            found.fault(case, "a finished run has other contents")
    try:
        again(lost / "store")
    except Exception as error:
        found.fault(case, f"the next command raised {error!r}")
    if not any(each.seed == 0 for each in store.finished()):
        found.fault(case, "the next command did not finish the run")
    found.case(f"with {finished} finished")


@contextmanager
def recorded() -> Iterator[list[Operation]]:
    """Within, what is told to the disk, none of which is synced in truth."""
    told: list[Operation] = []
    whole = {name: getattr(os, name) for name in ("fsync", "replace", "mkdir", "unlink")}

    class File(io.FileIO):
        def __init__(self, path: Path, mode: str) -> None:
            super().__init__(path, mode)
            told.append(Operation("create", str(path)))

        def write(self, content: Any) -> int:
            told.append(Operation("write", str(self.name), bytes(content)))
            return super().write(content)

    def fsync(descriptor: int) -> None:
        told.append(Operation("sync", os.readlink(f"/proc/self/fd/{descriptor}")))

    def replace(source: Any, target: Any) -> None:
        whole["replace"](source, target)
        told.append(Operation("rename", str(target), source=str(source)))

    def mkdir(path: Any, *mode: int) -> None:
        whole["mkdir"](path, *mode)
        told.append(Operation("make", str(path)))

    def unlink(path: Any, **named: Any) -> None:
        whole["unlink"](path, **named)
        told.append(Operation("remove", str(path)))

    with ExitStack() as stack:
        for name, call in {"fsync": fsync, "replace": replace, "mkdir": mkdir, "unlink": unlink}.items():
            stack.enter_context(patch.object(os, name, call))
        stack.enter_context(patch.object(results.files, "open", File, create=True))
        yield told
