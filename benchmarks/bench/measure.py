"""One measure with its target, and how processor time is taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Size:
    """How much is sampled; the defaults are the design's."""

    tasks: int = 20
    trajectories: int = 20  # per task
    horizon: int = 100
    repetitions: int = 5


@dataclass(frozen=True)
class Measure:
    """A number, and the bound that it must keep, if any."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str | None:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return None if self.at_most is None else f"<= {self.at_most:g}"

    @property
    def holds(self) -> bool | None:
        """None without a target."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most

    def as_json(self) -> dict[str, Any]:
        """The value is rounded to four digits, after it was held against the target."""
        rounded = float(f"{self.value:.4g}")
        return {"name": self.name, "value": rounded, "unit": self.unit, "target": self.target, "holds": self.holds}


def processor_seconds(action: Callable[[], object]) -> float:
    """Processor time of this process, all threads, that the action takes."""
    started = time.process_time()
    action()
    return time.process_time() - started
