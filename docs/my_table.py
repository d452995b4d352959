"""An example of a section of the report: the environment steps that each entry of the leaderboard has spent."""

from __future__ import annotations

from reports.sections.html import Row, board_cell, name_cell, number_cell, table
from reports.sections.report import Report, Section
from reports.text.table import csv_lines


def section(report: Report) -> Section:
    shown = [(board, entry) for board in report.boards for entry in board.entries]
    steps = [sum(run.done["environment_steps"] for run in entry.runs) for _, entry in shown]
    rows, lines = [], []
    for (board, entry), spent in zip(shown, steps, strict=True):
        cells = {
            "Algorithm": name_cell(report, entry.label, entry.algorithm),
            "Suite": board_cell(board),
            "Steps": number_cell(spent, 0),
        }
        rows.append(Row(cells, [entry.algorithm], entry.suite))
        lines.append((entry.label, board.name, spent))
    html = f'<section id="steps"><h2>Environment steps</h2>{table("Environment steps", rows)}</section>'
    return Section(html, {"tables/steps.csv": csv_lines(("algorithm", "board", "steps"), lines)})
