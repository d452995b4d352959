"""The costs as CSV, every number at full precision."""

from __future__ import annotations

from collections.abc import Iterable

from reports.scores.cost import YARDSTICK, Cost
from reports.scores.record import runs_folder
from reports.text.table import csv_lines

_COLUMNS = (
    "suite", "algorithm", "digest", "runs", "environment_steps_per_iteration", "process_seconds_per_iteration",
    "lowest_seed", "highest_seed", "sampling_share", f"relative_to_{YARDSTICK}", "seeds",
)  # fmt: skip


def costs_csv(costs: Iterable[Cost]) -> str:
    """One row an entry."""
    rows = []
    for cost in costs:
        entry = cost.entry
        place = (entry.suite, entry.label, entry.digest, runs_folder(entry), cost.environment_steps)
        seconds = (cost.process_seconds, cost.lowest, cost.highest, cost.sampling)
        rows.append((*place, *seconds, cost.relative, len(entry.seeds)))
    return csv_lines(_COLUMNS, rows)
