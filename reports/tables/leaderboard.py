"""Tables as LaTeX, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from reports.scores.boards import Board
from reports.text.numbers import decimals_for, interval, number

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "[": r"{[}",  # bare, it would be taken for the argument of the row's end before it
    "]": r"{]}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "–": "--",
}
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|"})


@dataclass(frozen=True)
class Table:
    """Text cells.  `title` says what the numbers are."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def latex(self) -> str:
        """A booktabs tabular that compiles alone and by \\input in a document that loads booktabs."""
        lines = [
            f"% {self.title}",
            r"% Compiles alone; to \input it, load booktabs in the preamble.",
            r"\expandafter\ifx\csname @classoptionslist\endcsname\relax",
            r"  \documentclass{article}\usepackage[margin=1cm,papersize={50cm,40cm}]{geometry}\usepackage{booktabs}",
            r"  \pagestyle{empty}\begin{document}\noindent\small\def\tableend{\end{document}}%",
            r"\else\def\tableend{}\fi",
            rf"\begin{{tabular}}{{l{'r' * (len(self.columns) - 1)}}}",
            r"\toprule",
            " & ".join(map(latex_text, self.columns)) + r" \\",
            r"\midrule",
            *(" & ".join(map(latex_text, row)) + r" \\" for row in self.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\tableend",
        ]
        return "\n".join(lines) + "\n"

    def markdown(self) -> str:
        lines = [
            f"{self.title.translate(_MARKDOWN)}",
            "",
            _markdown_row(self.columns),
            _markdown_row(["---", *["---:"] * (len(self.columns) - 1)], escape=False),
            *map(_markdown_row, self.rows),
        ]
        return "\n".join(lines) + "\n"


def latex_text(text: str) -> str:
    """Plain text with every character that LaTeX would act on escaped."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def suite_table(board: Board) -> Table:
    """A suite's entries at every adaptation step."""
    decimals = board_decimals(board)
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
    if board.departures:
        title += "; * not comparable with the others"
    columns = ("Algorithm", "Step", "Mean", "Std (seeds)", "Std (tasks)", "IQM", "95 % interval", "Seeds")
    return Table(title, columns, tuple(rows))


def overview_table(boards: Iterable[Board]) -> Table:
    """Suites against algorithms: the interquartile mean after the last adaptation step."""
    boards = tuple(boards)
    labels = sorted({entry.label for board in boards for entry in board.entries})
    rows = []
    for board in boards:
        decimals = board_decimals(board)
        cells = {
            entry.label: f"{number(entry.final.iqm, decimals)} {interval(entry.final, decimals)}"
            + ("*" if entry.label in board.departures else "")
            for entry in board.entries
        }
        rows.append((board.suite, *(cells.get(label, "–") for label in labels)))
    title = "Interquartile mean on test tasks after the last adaptation step with 95 % bootstrap interval over seeds"
    if any(board.departures for board in boards):
        title += "; * not comparable with the others on its suite"
    return Table(title, ("Suite", *labels), tuple(rows))


def csv_text(boards: Iterable[Board]) -> str:
    """Every number at full precision, one row an entry and adaptation step; empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ("suite", "metric", "algorithm", "digest", "step", "mean", "std_seeds", "std_tasks", "iqm", "low", "high")
    writer.writerow((*columns, "seeds", "tasks", "comparable"))
    for board in boards:
        for entry in board.entries:
            for step, summary in enumerate(entry.steps):
                low, high = summary.interval or (None, None)
                place = (board.suite, entry.metric, entry.label, entry.digest, step)
                numbers = (summary.mean, summary.std_seeds, summary.std_tasks, summary.iqm, low, high)
                counts = (summary.seeds, summary.tasks, entry.label not in board.departures)
                writer.writerow((*place, *numbers, *counts))
    return text.getvalue()


def board_decimals(board: Board) -> int:
    return decimals_for(summary.iqm for entry in board.entries for summary in entry.steps)


def _markdown_row(cells: Iterable[str], escape: bool = True) -> str:
    return "| " + " | ".join(cell.translate(_MARKDOWN) if escape else cell for cell in cells) + " |"
