"""Results across suites as CSV, every number at full precision, with the digests of the runs behind it."""

from __future__ import annotations

from collections.abc import Iterable

from reports.scores.across import Across
from reports.statistics.aggregate import Estimate
from reports.text.table import csv_lines

_STATISTICS = ("iqm", "median", "mean", "optimality_gap")


def across_csv(found: Iterable[Across]) -> str:
    """One row a label and statistic, and its mean rank where it is ranked on every board of the profile."""
    rows = []
    for across in found:
        for label, aggregate in across.aggregates.items():
            runs = _digests(across, label, across.scaled)
            for name in _STATISTICS:
                estimate: Estimate = getattr(aggregate, name)
                rows.append((*_place(across, label), name, *_numbers(estimate), len(across.scaled), runs))
        every = tuple(board.name for board in across.boards)
        for label, rank in across.mean_ranks.items():
            runs = _digests(across, label, every)
            rows.append((*_place(across, label), "mean_rank", rank, None, None, len(every), runs))
    return csv_lines(("profile", "algorithm", "label", "statistic", "value", "low", "high", "boards", "digests"), rows)


def improvement_csv(found: Iterable[Across]) -> str:
    """One row a pair."""
    rows = []
    for across in found:
        for pair in across.improvements:
            shared = tuple(
                board.name
                for board in across.boards
                if {pair.first, pair.second} <= {entry.label for entry in board.tested}
            )
            digests = (_digests(across, label, shared) for label in (pair.first, pair.second))
            rows.append((across.profile, pair.first, pair.second, *_numbers(pair.probability), pair.boards, *digests))
    columns = ("profile", "first", "second", "probability", "low", "high", "boards", "first_digests", "second_digests")
    return csv_lines(columns, rows)


def _place(across: Across, label: str) -> tuple[str, str, str]:
    return across.profile, across.algorithms[label], label


def _numbers(estimate: Estimate) -> tuple[float | None, ...]:
    return (estimate.value, *(estimate.interval or (None, None)))


def _digests(across: Across, label: str, boards: tuple[str, ...]) -> str:
    shown = [board for board in across.boards if board.name in boards]
    return " ".join(entry.digest for board in shown for entry in board.entries if entry.label == label)
