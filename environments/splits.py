"""Fixed train / validation / test tasks of a suite, committed as JSON with a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments.task import Task

FOLDER = Path(__file__).parent / "splits"
NAMES = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """The tasks of a suite's three splits.  `shared` says that all three hold the same tasks (two directions)."""

    train: tuple[Task, ...]
    validation: tuple[Task, ...]
    test: tuple[Task, ...]
    shared: bool = False

    def tasks(self, name: str) -> tuple[Task, ...]:
        if name not in NAMES:
            raise ValueError(f"unknown split {name!r}; known: {', '.join(NAMES)}")
        return getattr(self, name)

    def task(self, name: str, task_id: str) -> Task:
        for task in self.tasks(name):
            if task.id == task_id:
                return task
        raise KeyError(f"split {name} has no task {task_id!r}")

    @property
    def digest(self) -> str:
        return digest(self.as_json())

    def as_json(self) -> dict[str, Any]:
        listed = {
            name: [{"id": task.id, "parameters": dict(task.parameters)} for task in self.tasks(name)] for name in NAMES
        }
        return {"shared": self.shared, **listed}


def digest(content: dict[str, Any]) -> str:
    """SHA-256 over the split's canonical JSON, without the stored digest."""
    plain = {key: value for key, value in content.items() if key not in ("digest", "note")}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def load_split(file_name: str) -> Split:
    """The split stored as `splits/<file_name>.json`.  Raises ValueError if its digest does not match."""
    content = json.loads((FOLDER / f"{file_name}.json").read_text())
    split = Split(
        shared=content["shared"],
        **{name: tuple(Task(task["id"], task["parameters"]) for task in content[name]) for name in NAMES},
    )
    if split.digest != content["digest"]:
        raise ValueError(f"split {file_name}: stored digest {content['digest'][:12]} does not match its tasks")
    return split


def write_split(file_name: str, split: Split, note: str) -> None:
    """Store a new split; for the generator alone, since a committed split never changes."""
    content = {"digest": split.digest, "note": note, **split.as_json()}
    (FOLDER / f"{file_name}.json").write_text(json.dumps(content, indent=1) + "\n")


def check_distinct(tasks: Sequence[Task]) -> None:
    """Raises ValueError if two of the tasks have equal parameters or ids."""
    seen: dict[str, str] = {}
    for task in tasks:
        key = json.dumps(dict(task.parameters), sort_keys=True)
        if key in seen:
            raise ValueError(f"tasks {seen[key]!r} and {task.id!r} are the same")
        seen[key] = task.id
    if len({task.id for task in tasks}) != len(tasks):
        raise ValueError("two tasks have one id")
