"""What is lost from a simplified simulation to the physics as CSV, every number at full precision."""

from __future__ import annotations

from collections.abc import Iterable

from reports.scores.record import runs_folder
from reports.scores.simulation_gap import SimulationGap
from reports.text.table import csv_lines

_COLUMNS = (
    "simplified_suite", "physics_suite", "algorithm", "simplified_digest", "physics_digest", "simplified_runs",
    "physics_runs", "simplified", "physics", "gap", "low", "high", "seeds",
)  # fmt: skip


def simulation_gaps_csv(gaps: Iterable[SimulationGap]) -> str:
    """One row an algorithm; `seeds`: those that both have."""
    rows = []
    for gap in gaps:
        sides = gap.simple, gap.physics
        suites, digests, runs = zip(*((side.suite, side.digest, runs_folder(side)) for side in sides), strict=True)
        numbers = (gap.before, gap.after, gap.gap, *(gap.interval or (None, None)), " ".join(map(str, gap.seeds)))
        rows.append((*suites, gap.physics.label, *digests, *runs, *numbers))
    return csv_lines(_COLUMNS, rows)
