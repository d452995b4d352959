"""The leaderboard's tables: a board's entries at every adaptation step, and all boards against all algorithms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reports.scores.boards import SuiteScores
from reports.scores.effort import Effort, effort_text
from reports.scores.normalised import board_scale
from reports.scores.pairwise import PairTests
from reports.scores.record import runs_folder
from reports.scores.tried import Tried, tried_for
from reports.text.numbers import NONE, interval, number
from reports.text.table import Table, csv_lines


def suite_table(board: SuiteScores, efforts: Mapping[str, Effort]) -> Table:
    """A board's entries at every adaptation step."""
    decimals = board.decimals
    rows = []
    for entry in board.entries:
        for step, summary in enumerate(entry.steps):
            rows.append(
                (
                    entry.label if step == 0 else "",
                    str(step),
                    number(summary.mean, decimals),
                    number(summary.std_seeds, decimals),
                    number(summary.std_tasks, decimals),
                    number(summary.iqm, decimals),
                    interval(summary, decimals),
                    str(summary.seeds),
                    effort_text(board, entry, efforts) if step == 0 else "",
                )
            )
    title = (
        f"{board.name}: {board.metric} on test tasks after each adaptation step; standard deviations over seeds and "
        f"over tasks, interquartile mean over seeds and tasks with 95 % t interval over seeds; trials: of tuning on "
        f"validation tasks"
    )
    columns = ("Algorithm", "Step", "Mean", "Std (seeds)", "Std (tasks)", "IQM", "95 % interval", "Seeds", "Trials")
    return Table(title, columns, tuple(rows))


def overview_table(boards: Iterable[SuiteScores]) -> Table:
    """Algorithms against boards: the interquartile mean after the last adaptation step."""
    boards = tuple(boards)
    labels = sorted({entry.label for board in boards for entry in board.entries})
    found = {(board.name, entry.label): _score(board, entry.label) for board in boards for entry in board.entries}
    rows = tuple((label, *(found.get((board.name, label), NONE) for board in boards)) for label in labels)
    title = "Interquartile mean on test tasks after the last adaptation step with 95 % t interval over seeds"
    return Table(title, ("Algorithm", *(board.name for board in boards)), rows)


def _score(board: SuiteScores, label: str) -> str:
    entry = next(entry for entry in board.entries if entry.label == label)
    return f"{number(entry.final.iqm, board.decimals)} {interval(entry.final, board.decimals)}"


_COLUMNS = (
    "board", "suite", "profile", "budget", "metric", "algorithm", "digest", "runs", "step", "mean", "std_seeds",
    "std_tasks", "iqm", "low", "high", "seeds", "tasks", "success", "normalised_mean", "rank", "lowest_open_rank",
    "highest_open_rank", "updates_fewest", "updates_most", "configurations_tried", "tuning_trials", "tuning_seeds",
    "tuning_sibling", "tuning_digest",
)  # fmt: skip


def leaderboard_csv(
    boards: Iterable[SuiteScores],
    tests: Mapping[str, PairTests],
    tried: Tried,
    efforts: Mapping[str, Effort],
) -> str:
    """Every number at full precision, one row an entry and adaptation step; empty where there is none.

    tests: by the boards' names.  tried: configurations that have test scores.  efforts: of tuning, by the
    entries' digests.  Ranks are those after the last step.
    """
    rows = []
    for board in boards:
        scale, family = board_scale(board), tests.get(board.name)
        for entry in board.entries:
            ranks = family.ranks.get(entry.label, (None, None)) if family is not None else (None, None)
            effort = efforts[entry.digest]
            spent = (effort.trials, effort.seeds, effort.sibling, effort.digest)
            after = (board.rank(entry), *ranks, *entry.updates, tried_for(entry, tried), *spent)
            place = (board.name, board.suite, board.profile, entry.identity["budget"], entry.metric)
            for step, summary in enumerate(entry.steps):
                numbers = (summary.mean, summary.std_seeds, summary.std_tasks, summary.iqm)
                ends = summary.interval or (None, None)
                success = float(entry.success[step].mean()) if board.records_success else None
                normalised = None if scale is None else float(scale.normalise(entry.scores[step]).mean())
                whose = (entry.label, entry.digest, runs_folder(entry), step)
                counts = (summary.seeds, summary.tasks, success, normalised)
                rows.append((*place, *whose, *numbers, *ends, *counts, *after))
    return csv_lines(_COLUMNS, rows)
