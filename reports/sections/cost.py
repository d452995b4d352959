"""The page's section on what a meta-iteration of each method costs."""

from __future__ import annotations

from reports.scores.boards import SuiteScores
from reports.scores.cost import YARDSTICK, Cost, costs_of
from reports.sections.html import Cell, Row, board_cell, linked, name_cell, number_cell, table, to_runs
from reports.sections.report import Report, Section
from reports.tables.cost import costs_csv
from reports.text.numbers import NONE, number, short_count

_TITLE = "Cost of a meta-iteration"


def section(report: Report) -> Section:
    """Empty where no method ran beside YARDSTICK at equal samples."""
    costs = tuple((board, cost) for board in report.boards for cost in costs_of(board))
    if not costs:
        return Section()
    html = f"""
<section id="cost"><h2>{_TITLE}</h2>
{table(_TITLE, [_row(report, board, cost) for board, cost in costs])}
<p class="note">Processor time of a whole meta-iteration, evaluations not counted: the median over a run's iterations,
then over seeds, with the fastest and the slowest seed's. Relative to {YARDSTICK}'s on the same suite, budget, samples
and kind of processor; no ratio where one of them differs. <a href="tables/cost.csv">csv</a></p>
</section>"""
    return Section(html, {"tables/cost.csv": costs_csv(cost for _, cost in costs)})


def _row(report: Report, board: SuiteScores, cost: Cost) -> Row:
    entry = cost.entry
    ratio = NONE if cost.relative is None else f"<b>{number(cost.relative, 2)}</b>"
    seeds = f'<span class="ci">[{number(cost.lowest, 2)}, {number(cost.highest, 2)}]</span>'
    cells = {
        "Algorithm": name_cell(report, entry.label, entry.algorithm),
        "Suite": board_cell(board),
        f"Relative to {YARDSTICK}": Cell(ratio, cost.relative),
        "Processor seconds [seeds]": Cell(
            to_runs(entry, f"{number(cost.process_seconds, 2)} {seeds}"), cost.process_seconds
        ),
        "Environment steps": Cell(short_count(cost.environment_steps), cost.environment_steps),
        "Sampling, of wall time": Cell(f"{number(100 * cost.sampling, 0)} %", cost.sampling),
        "Seeds": number_cell(len(entry.seeds), 0),
    }
    return Row(linked(entry, cells), [entry.algorithm], entry.suite)
