"""Every run as CSV: where it is, what it was, how long it took, and the digests of its records."""

from __future__ import annotations

import json
from collections.abc import Iterable

from reports.scores.entries import AlgorithmScores
from reports.scores.record import run_record
from reports.text.table import csv_lines
from results.identity import folder_name

_PLAIN = (
    "suite", "algorithm", "seed", "digest", "reference", "profile", "benchmark", "budget", "environment_steps",
    "iterations", "wall_seconds", "suite_digest", "split_digest", "code", "commit", "dirty", "data", "cpu", "threads",
    "made_again", "machines", "state",
)  # fmt: skip
_STRUCTURED = ("protocol", "configuration", "versions", "parents", "attempts", "access", "records")


def runs_csv(entries: Iterable[AlgorithmScores]) -> str:
    """One row a run; what has parts is JSON.  `run`: its folder within the results."""
    rows = []
    for entry in entries:
        for run in entry.runs:
            record = run_record(run, entry)
            parts = [json.dumps(record[name], sort_keys=True) for name in _STRUCTURED]
            rows.append((f"runs/{folder_name(run.identity).as_posix()}", *(record[name] for name in _PLAIN), *parts))
    return csv_lines(("run", *_PLAIN, *_STRUCTURED), rows)
