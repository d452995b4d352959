"""The optimality gaps of BO-MRL on FrozenLake and their bounds: Figures 1, 3 and 4 and Section 5.4 of that paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.measurement import Measurement, MeasurementConfig, Rows
from benchmarks.optimality_gap import SUITES, optimality_gap, parts

#: seconds of one core for each part
SECONDS = 8


@dataclass(frozen=True)
class OptimalityGapConfig(MeasurementConfig):
    suites: tuple[str, ...] = SUITES

    def __post_init__(self) -> None:
        unknown = sorted(set(self.suites) - set(SUITES))
        if unknown:
            raise ValueError(f"suites must be among {', '.join(SUITES)}, got {unknown[0]!r}")


class OptimalityGap(Measurement):
    """Optimality gaps after one-time adaptation on FrozenLake, exact, and the bounds of Theorems 3 and 4."""

    name = "optimality-gap"
    Config = OptimalityGapConfig
    #: there is no smaller size of what is exact, but for a single suite
    profiles: ClassVar = {"smoke": {"suites": ("frozen-lake-low",)}}
    deterministic = True  # the seed draws the random initialisations alone, a hundred of them

    def parts(self) -> Sequence[str]:
        return [part for part in parts() if part.rpartition("/")[0] in self.config.suites]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        return optimality_gap(part, self.streams.seed)

    def seconds(self) -> float:
        return float(SECONDS * len(self.parts()))
