"""Tasks compared by their parameters, whatever they are called."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from environments.task import Task


def task_digest(task: Task) -> str:
    """SHA-256 of the task's parameters alone: equal for equal tasks, whatever their ids and splits."""
    return hashlib.sha256(json.dumps(_plain(task.parameters), sort_keys=True).encode()).hexdigest()


def task_digests(tasks: Iterable[Task]) -> frozenset[str]:
    return frozenset(map(task_digest, tasks))


def _plain(value: Any) -> Any:
    """1 and 1.0 are one parameter."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
