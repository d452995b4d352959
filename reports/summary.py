"""summary.json: the report's numbers for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from reports.scores.boards import SuiteScores
from reports.scores.record import run_record
from reports.statistics.aggregate import Summary


def summary_json(boards: Iterable[SuiteScores]) -> str:
    """Scores on test tasks by suite and algorithm, and the runs behind them.

    "mean", "std" (over seeds), "iqm" and "ci" are those after the last adaptation step; "std" and "ci" are null for
    one seed.  Where a suite shows several configurations of an algorithm, its name says what differs.
    """
    boards = tuple(boards)
    suites: dict[str, Any] = {}
    for board in boards:
        suites[board.suite] = {
            entry.label: {
                **_numbers(entry.final),
                "seeds": len(entry.seeds),
                "per_step": [{"step": step, **_numbers(summary)} for step, summary in enumerate(entry.steps)],
            }
            for entry in sorted(board.entries, key=lambda entry: entry.label)
        }
    runs = [run_record(run, entry) for board in boards for entry in board.entries for run in entry.runs]
    runs.sort(key=lambda run: (run["suite"], run["label"], run["seed"]))
    content = {"suites": suites, "claims": [], "runs": runs}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _numbers(summary: Summary) -> dict[str, Any]:
    interval = None if summary.interval is None else list(summary.interval)
    return {"mean": summary.mean, "std": summary.std_seeds, "iqm": summary.iqm, "ci": interval}
