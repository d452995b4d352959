"""The leaderboard: one table of every algorithm on every suite, to sort and to filter."""

from __future__ import annotations

from html import escape

from reports.scores.boards import FLOOR, SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.normalised import normalise, reference_of
from reports.sections.html import (
    Cell,
    Row,
    badges,
    name_mark,
    number_cell,
    score,
    seeds_cell,
    suite_cell,
    table,
)
from reports.sections.report import Report, Section
from reports.tables.leaderboard import leaderboard_csv, overview_table
from reports.text.numbers import NONE, signed, slug
from reports.text.table import table_files


def section(report: Report) -> Section:
    scaled = any(reference_of(board.suite) is not None for board in report.boards)
    rows = [_row(report, board, entry, scaled) for board in report.boards for entry in board.entries]
    note = "Normalised: 0 is an untrained policy's score and 1 the oracle's, where the suite has such references."
    html = f"""{_filter(report)}
<section id="leaderboard"><h2>Leaderboard</h2>
{table("Leaderboard", rows)}
<p class="note">Test tasks. Rank: by interquartile mean among the suite's comparable entries; neighbouring ranks need
not differ. Gain: IQM after the last adaptation step minus before the first. {note * scaled}</p>
</section>"""
    return Section(html, table_files("leaderboard", overview_table(report.boards), leaderboard_csv(report.boards)))


def _filter(report: Report) -> str:
    """Native controls; what they do needs the page's script, which shows them."""
    suites = "".join(f'<option value="{slug(board.suite)}">{escape(board.suite)}</option>' for board in report.boards)
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


def _row(report: Report, board: SuiteScores, entry: AlgorithmScores, scaled: bool) -> Row:
    ranked = board.competing
    # equal scores share the first of their ranks
    rank = 1 + sum(other.final.iqm > entry.final.iqm for other in ranked) if entry in ranked else None
    gain = entry.final.iqm - entry.steps[0].iqm if len(entry.steps) > 1 else None
    standing = _standing(board, entry)
    name = name_mark(board.short(entry), report.classes[entry.algorithm])
    cells = {
        "Algorithm": Cell(name + badges(report, board, entry), entry.label),
        "Suite": suite_cell(board.suite),
        "Rank": number_cell(rank, 0),
        "IQM after adaptation [95 %]": score(entry, -1, board.decimals),
        "Gain by adapting": Cell(NONE if gain is None else signed(gain, board.decimals), gain),
        f"Against {FLOOR}": Cell(standing or NONE, standing),
    }
    if scaled:
        values = normalise(entry.scores[-1], board.suite)
        cells["Normalised mean"] = number_cell(None if values is None else float(values.mean()), 3)
    cells["Seeds"] = seeds_cell(entry)
    return Row(cells, [entry.algorithm], board.suite, "aside" if entry.label in board.incomparable else "")


def _standing(board: SuiteScores, entry: AlgorithmScores) -> str:
    verdict = board.verdict
    groups = ((verdict.above, "above"), (verdict.below, "below"), (verdict.undecided, "overlaps"))
    return next((word for group, word in groups if entry in group), "")
