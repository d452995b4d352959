"""Trials of tuning beside the scores: in tables, by a board's terms, and in the matrix."""

from __future__ import annotations

from html import escape

from reports.scores.boards import SuiteScores
from reports.scores.effort import common_effort, effort_text, judged, unequal_effort
from reports.scores.entries import AlgorithmScores
from reports.scores.tried import tried_for
from reports.sections.html import Cell
from reports.sections.report import Report
from reports.text.numbers import NONE, plural

NOTE = (
    "Trials: configurations that were tried on validation tasks, with seeds that stand on no board, before the values "
    "were chosen; untuned: the paper's values, or the profile's. Beneath, where there are several: configurations of "
    "the algorithm, with this budget and protocol, that are stored with scores on test tasks; the best of many is a "
    "lucky one too."
)


def effort_cell(report: Report, board: SuiteScores, entry: AlgorithmScores) -> Cell:
    """Both counts: trials of tuning, and configurations with test scores where they are several."""
    effort, text = report.efforts[entry.digest], effort_text(board, entry, report.efforts)
    tried = tried_for(entry, report.tried)
    shown = escape(text).removesuffix(" trials")
    seen = f"<small>{tried} on test</small>" if tried > 1 else ""
    return Cell(shown + seen, None if text == NONE else effort.trials, title=effort_title(report, board, entry))


def effort_title(report: Report, board: SuiteScores, entry: AlgorithmScores) -> str:
    """What shows where the pointer rests; empty for what cannot be tuned."""
    return report.efforts[entry.digest].in_full() if entry in judged(board, report.efforts) else ""


def effort_line(report: Report, board: SuiteScores) -> str:
    """By a board's terms: the warning where efforts are unequal, else what all had; empty where nothing is tuned."""
    warning = unequal_effort(board, report.efforts)
    if warning:
        return f'<p class="caution"><b>Unequal effort:</b> {escape(warning)}.</p>\n'
    common = common_effort(board, report.efforts)
    if common is None or not common.trials:
        return ""
    where = "" if common.fresh_tasks else " on validation tasks"
    return f'<p class="terms">Tuned{where}, every method alike: {escape(common.in_full())}.</p>\n'


def head_effort(report: Report, board: SuiteScores) -> str:
    """Under a suite's name in the matrix: `16 trials each`; empty where they differ, and each cell says its own."""
    common = common_effort(board, report.efforts)
    if common is None or not common.trials:
        return ""
    where = f", on {escape(common.sibling)}" if common.sibling else ""
    return f"<small>{plural(common.trials, 'trial')} each{where}</small>"


def matrix_effort(report: Report, board: SuiteScores, entry: AlgorithmScores) -> str:
    """In a cell of the matrix, where efforts on the board differ; in the warning colour what had less than others."""
    if entry not in judged(board, report.efforts) or not unequal_effort(board, report.efforts):
        return ""
    most = max(report.efforts[other.digest].runs for other in judged(board, report.efforts))
    less = ' class="less"' * (report.efforts[entry.digest].runs < most)
    return f"<small{less}>{escape(effort_text(board, entry, report.efforts))}</small>"
