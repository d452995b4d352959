"""A task (one MDP of a suite, a frozen value with an id) and the opaque reference to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, eq=False)
class Task:
    """One MDP: what distinguishes it within its suite, as plain JSON values (numbers, strings, lists)."""

    id: str
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(_frozen(dict(self.parameters))))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.id == other.id and dict(self.parameters) == dict(other.parameters)

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True)
class TaskRef:
    """What an algorithm sees of a task: which split it is from and its id, never its parameters."""

    split: str
    id: str


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item) for item in value)
    return value
