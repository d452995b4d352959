"""The leaderboard: one table of every algorithm on every suite, to sort and to filter."""

from __future__ import annotations

from html import escape

from reports.scores.boards import FLOOR, SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.normalised import board_scale
from reports.sections.effort import NOTE as EFFORT_NOTE
from reports.sections.effort import effort_cell
from reports.sections.html import (
    Cell,
    Row,
    badges,
    board_cell,
    linked,
    name_mark,
    number_cell,
    score,
    seeds_cell,
    table,
    to_runs,
)
from reports.sections.matrix import against_floor
from reports.sections.report import Report, Section
from reports.tables.leaderboard import leaderboard_csv, overview_table
from reports.text.block_latex import block_latex
from reports.text.numbers import NONE, signed, slug, span
from reports.text.table import table_files

#: of more rows the table is folded
_OPEN = 80


def section(report: Report) -> Section:
    scaled = any(board_scale(board) is not None for board in report.boards)
    success = any(board.records_success for board in report.boards)
    rows = [_row(report, board, entry, scaled, success) for board in report.boards for entry in board.entries]
    note = f"Normalised: 0 is {FLOOR}'s mean score, adapted as all others are, and 1 the ceiling, where both are known."
    count = f"{len(rows)} scores"
    html = f"""{_filter(report)}
<section id="leaderboard"><h2>Leaderboard</h2>
<details{" open" * (len(rows) <= _OPEN)}><summary>{count}</summary>{table("Leaderboard", rows)}</details>
<p class="note">Test tasks. Open ranks: those that the tests of all the page's pairs leave open. Gain: IQM after the
last adaptation step minus before the first. Updates: meta-iterations of a run. {EFFORT_NOTE} {note * scaled}</p>
</section>"""
    numbers = leaderboard_csv(report.boards, report.tests, report.tried, report.efforts)
    overview = overview_table(report.boards)
    files = {**table_files("leaderboard", overview, numbers), "tables/leaderboard.tex": block_latex(overview)}
    return Section(html, files)


def _filter(report: Report) -> str:
    """Native controls; what they do needs the page's script, which shows them."""
    suites = "".join(
        f'<option value="{slug(suite)}">{escape(suite)}</option>'
        for suite in dict.fromkeys(board.suite for board in report.boards)
    )
    algorithms = "".join(
        f'<label><input type="checkbox" name="algorithm" value="{slug(algorithm)}" checked> '
        f"{name_mark(algorithm, css_class)}</label>"
        for algorithm, css_class in report.classes.items()
    )
    return f"""
<form id="filter" aria-label="Filter" hidden><label>Suite <select name="suite"><option value="">all suites</option>
{suites}</select></label>
<button type="reset">Show all</button> <output></output>
<fieldset><legend>Algorithms</legend>{algorithms}</fieldset></form>"""


def _row(report: Report, board: SuiteScores, entry: AlgorithmScores, scaled: bool, success: bool) -> Row:
    gain = entry.final.iqm - entry.steps[0].iqm if len(entry.steps) > 1 else None
    standing = against_floor(report, board, entry)
    name = name_mark(board.short(entry), report.classes[entry.algorithm])
    cells = {
        "Algorithm": Cell(name + badges(report, board, entry), entry.label),
        "Suite": board_cell(board),
        "Open ranks": _ranks(report, board, entry),
        "IQM after adaptation [95 %]": score(entry, -1, board.decimals),
        "Gain by adapting": Cell(NONE if gain is None else signed(gain, board.decimals), gain),
        f"Against {FLOOR}": Cell(standing or NONE, standing),
    }
    if success:
        share = float(entry.success[-1].mean()) if board.records_success or board.metric == "success" else None
        cells["Success"] = Cell(NONE if share is None else f"{100 * share:.0f} %", share)
    if scaled:
        scale = board_scale(board)
        values = None if scale is None else float(scale.normalise(entry.scores[-1]).mean())
        cells["Normalised mean"] = number_cell(values, 3)
    cells["Updates"] = Cell(span(entry.updates) if entry.trained else NONE, entry.updates[0] if entry.trained else None)
    cells["Trials"] = effort_cell(report, board, entry)
    cells["Seeds"] = seeds_cell(entry)
    return Row(linked(entry, cells), [entry.algorithm], board.suite)


def _ranks(report: Report, board: SuiteScores, entry: AlgorithmScores) -> Cell:
    standing = report.headline.of(board)
    if standing is None or board.name not in report.tests or entry not in board.learned:
        return Cell(NONE)
    ranks = standing.ranks[entry.label]
    return Cell(to_runs(entry, span(ranks)), ranks[0])
