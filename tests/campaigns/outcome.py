"""What a campaign did and what it found."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """`cases` by how they ended, `faults` a line each; `unit`: what is counted."""

    name: str
    unit: str
    cases: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    def case(self, ending: str, count: int = 1) -> None:
        self.cases[ending] += count
        self.seconds = time.monotonic() - self._began

    def fault(self, case: str, what: str) -> None:
        self.faults.append(f"{case}: {what}")

    def as_row(self) -> tuple[str, ...]:
        ends = ", ".join(f"{count:,} {ending}" for ending, count in self.cases.most_common())
        return self.name, f"{self.cases.total():,} {self.unit}", ends, str(len(self.faults))
