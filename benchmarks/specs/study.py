"""The interface of every study: values that are no scores, stored and resumed as runs are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from environments.streams import Streams

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class StudyConfig:
    """Configuration common to all: on which suites (full names) and of which algorithms."""

    suites: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()


class Study(ABC):
    """Subclass with a literal `name`, in a file of `benchmarks/studies/`: discovery finds it.

    Class attributes: `Config` (its defaults are the standard size), `profiles` (what other profiles change of it) and
    `deterministic` (the seed decides nothing, so that one is enough).
    """

    name: ClassVar[str]
    Config: ClassVar[type[StudyConfig]] = StudyConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    deterministic: ClassVar[bool] = False

    def __init__(self, config: Any, streams: Streams) -> None:
        self.config = config
        self.streams = streams

    @abstractmethod
    def parts(self) -> Sequence[str]:
        """Units of work in order, a minute or two each: after each a killed study can go on."""

    @abstractmethod
    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        """The part's numbers, columns of `results.tables.VALUES`.

        kept: what earlier parts have left for later ones, tensors and plain values; it is stored between the parts.
        """

    @abstractmethod
    def seconds(self) -> float:
        """Expected seconds of one core for the whole, by measured rates."""


def row(
    quantity: str, value: float, suite: str = "", algorithm: str = "", task: str = "", index: int = 0, x: float = 0.0
) -> dict[str, Any]:
    """One number as a row of the record."""
    return {
        "quantity": quantity,
        "suite": suite,
        "algorithm": algorithm,
        "task": task,
        "index": index,
        "x": float(x),
        "value": float(value),
    }
