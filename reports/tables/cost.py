"""The costs as CSV, every number at full precision."""

from __future__ import annotations

from collections.abc import Iterable

from reports.scores.cost import YARDSTICK, Cost
from reports.scores.record import runs_folder
from reports.text.table import csv_lines

_COLUMNS = (
    "suite", "profile", "budget", "adaptation_steps", "trajectories", "adaptations", "algorithm", "digest", "runs",
    "environment_steps_per_iteration", "process_seconds_per_iteration", "lowest_seed", "highest_seed",
    "sampling_share", f"relative_to_{YARDSTICK}", "seeds",
)  # fmt: skip


def costs_csv(costs: Iterable[Cost]) -> str:
    """One row an entry, with what tells the boards of a suite apart."""
    rows = []
    for cost in costs:
        entry = cost.entry
        profile, protocol = entry.runs[0].run["description"]["profile"], entry.identity["protocol"]
        adapted = (protocol["adaptation_steps"], protocol["trajectories"], protocol.get("adaptations", 1))
        board = (entry.suite, profile, entry.identity["budget"], *adapted)
        place = (*board, entry.label, entry.digest, runs_folder(entry), cost.environment_steps)
        seconds = (cost.process_seconds, cost.lowest, cost.highest, cost.sampling)
        rows.append((*place, *seconds, cost.relative, len(entry.seeds)))
    return csv_lines(_COLUMNS, rows)
