"""The leaderboard's tables: a suite's entries at every adaptation step, and all suites against all algorithms."""

from __future__ import annotations

from collections.abc import Iterable

from reports.scores.boards import SuiteScores
from reports.text.numbers import interval, number
from reports.text.table import Table, csv_lines


def suite_table(board: SuiteScores) -> Table:
    """A suite's entries at every adaptation step."""
    decimals = board.decimals
    rows = []
    for entry in board.entries:
        for step, summary in enumerate(entry.steps):
            rows.append(
                (
                    board.marked(entry) if step == 0 else "",
                    str(step),
                    number(summary.mean, decimals),
                    number(summary.std_seeds, decimals),
                    number(summary.std_tasks, decimals),
                    number(summary.iqm, decimals),
                    interval(summary, decimals),
                    str(summary.seeds),
                )
            )
    title = (
        f"{board.suite}: {board.metric} on test tasks after each adaptation step; standard deviations over seeds and "
        f"over tasks, interquartile mean over seeds and tasks with 95 % bootstrap interval over seeds"
    )
    if board.incomparable:
        title += "; * not comparable with the others"
    columns = ("Algorithm", "Step", "Mean", "Std (seeds)", "Std (tasks)", "IQM", "95 % interval", "Seeds")
    return Table(title, columns, tuple(rows))


def overview_table(boards: Iterable[SuiteScores]) -> Table:
    """Suites against algorithms: the interquartile mean after the last adaptation step."""
    boards = tuple(boards)
    labels = sorted({entry.label for board in boards for entry in board.entries})
    rows = []
    for board in boards:
        decimals = board.decimals
        cells = {
            entry.label: f"{number(entry.final.iqm, decimals)} {interval(entry.final, decimals)}"
            + ("*" if entry.label in board.incomparable else "")
            for entry in board.entries
        }
        rows.append((board.suite, *(cells.get(label, "–") for label in labels)))
    title = "Interquartile mean on test tasks after the last adaptation step with 95 % bootstrap interval over seeds"
    if any(board.incomparable for board in boards):
        title += "; * not comparable with the others on its suite"
    return Table(title, ("Suite", *labels), tuple(rows))


def leaderboard_csv(boards: Iterable[SuiteScores]) -> str:
    """Every number at full precision, one row an entry and adaptation step; empty where there is none."""
    columns = ("suite", "metric", "algorithm", "digest", "step", "mean", "std_seeds", "std_tasks", "iqm", "low", "high")
    rows = []
    for board in boards:
        for entry in board.entries:
            for step, summary in enumerate(entry.steps):
                place = (board.suite, entry.metric, entry.label, entry.digest, step)
                numbers = (summary.mean, summary.std_seeds, summary.std_tasks, summary.iqm)
                counts = (summary.seeds, summary.tasks, entry.label not in board.incomparable)
                rows.append((*place, *numbers, *(summary.interval or (None, None)), *counts))
    return csv_lines((*columns, "seeds", "tasks", "comparable"), rows)
