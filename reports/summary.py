"""summary.json: the report's numbers for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from reports.scores.boards import SuiteScores
from reports.scores.effort import Effort
from reports.scores.entries import AlgorithmScores, labels_within
from reports.scores.pairwise import PairTests
from reports.scores.record import run_record
from reports.statistics.aggregate import Summary
from results.files import json_text


def summary_json(
    boards: Iterable[SuiteScores],
    tests: Mapping[str, PairTests] | None = None,
    efforts: Mapping[str, Effort] | None = None,
) -> str:
    """Scores on test tasks by suite and algorithm, the boards on which they are compared, and the runs behind them.

    "mean", "std" (over seeds), "iqm" and "ci" are those after the last adaptation step; "std" and "ci" are null for
    one seed.  Where a suite shows several configurations or budgets of an algorithm, its name says what differs.
    "boards" has for each entry its digest, by which "runs" are found, its scores by seed, and the ranks that the
    board's tests leave open.  tests: by the boards' names.  efforts: of tuning, by the entries' digests; "tuning" is
    null for what is untuned.
    """
    boards = tuple(boards)
    entries = list({entry.digest: entry for board in boards for entry in board.entries}.values())
    by_suite: dict[str, list[AlgorithmScores]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.suite, entry.algorithm, entry.digest)):
        by_suite.setdefault(entry.suite, []).append(entry)
    suites: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for suite, own in by_suite.items():
        named = dict(zip(labels_within(own), own, strict=True))
        labels |= {entry.digest: label for label, entry in named.items()}
        suites[suite] = {
            label: {
                **_numbers(entry.final),
                "seeds": len(entry.seeds),
                "per_step": [{"step": step, **_numbers(summary)} for step, summary in enumerate(entry.steps)],
            }
            for label, entry in sorted(named.items())
        }
    runs = [{**run_record(run, entry), "label": labels[entry.digest]} for entry in entries for run in entry.runs]
    runs.sort(key=lambda run: (run["suite"], run["label"], run["seed"]))
    shown = [_board(board, (tests or {}).get(board.name), efforts or {}) for board in boards]
    content = {"suites": suites, "boards": shown, "claims": [], "runs": runs}
    return json_text(content)


def _board(board: SuiteScores, tests: PairTests | None, efforts: Mapping[str, Effort]) -> dict[str, Any]:
    usual = board.usual.identity
    entries = {}
    for entry in board.entries:
        entries[entry.label] = {
            "algorithm": entry.algorithm,
            "digest": entry.digest,
            **_numbers(entry.final),
            "by_seed": dict(zip(map(str, entry.seeds), entry.scores[-1].mean(axis=1).tolist(), strict=True)),
            "success": float(entry.success[-1].mean()) if board.records_success else None,
            "scripted": entry.scripted,
            "tuning": _tuning(efforts.get(entry.digest)),
            "below_scripted": [other.label for other in board.below_scripted(entry)],
            "rank": board.rank(entry),
            "open_ranks": list(tests.ranks[entry.label]) if tests and entry.label in tests.ranks else None,
        }
    terms = {"budget": usual["budget"], "protocol": usual["protocol"], "metric": board.metric}
    return {"name": board.name, "suite": board.suite, "profile": board.profile, **terms, "entries": entries}


def _tuning(effort: Effort | None) -> dict[str, Any] | None:
    """As a run's record has it."""
    if effort is None or not effort.trials:
        return None
    found = {**asdict(effort), "sibling": effort.sibling or None, "by_hand": list(effort.by_hand)}
    return {
        key: value for key, value in found.items() if key not in ("by_hand", "origin", "fresh_tasks", "others") or value
    }


def _numbers(summary: Summary) -> dict[str, Any]:
    interval = None if summary.interval is None else list(summary.interval)
    return {"mean": summary.mean, "std": summary.std_seeds, "iqm": summary.iqm, "ci": interval}
