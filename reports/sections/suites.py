"""Each suite: its terms, its scores at every adaptation step, tests, figures and pictures."""

from __future__ import annotations

from html import escape

from reports.figures.figure_files import figure_files
from reports.figures.suite_figures import draw_board
from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores, Refused
from reports.scores.normalised import board_reference, ceiling_text
from reports.scores.pairwise import PairTests
from reports.scores.record import data_of, distinct_of
from reports.sections.effort import effort_cell, effort_line
from reports.sections.html import (
    Cell,
    Row,
    Scale,
    badges,
    board_anchor,
    figure_of,
    linked,
    name_cell,
    score,
    seeds_cell,
    strip,
    table,
    table_links,
)
from reports.sections.pairwise import pairwise_html, summary_of
from reports.sections.report import Report, Section
from reports.sections.suite_pictures import suite_pictures
from reports.statistics.aggregate import Summary
from reports.tables.leaderboard import leaderboard_csv, suite_table
from reports.tables.pairwise import pairwise_csv
from reports.text.block_latex import block_latex
from reports.text.numbers import NONE, number, plural, short_count, slug, span
from reports.text.table import table_files

#: earlier adaptation steps that stand on the page; all of them are in the table's files and the adaptation curve
_EARLIER = 2


def section(report: Report) -> Section:
    boards = [_board(report, board) for board in report.boards]
    files: dict[str, str | bytes] = {"tables/pairwise.csv": pairwise_csv(report.tests.values())}
    for board in boards:
        files |= board.files
    return Section(f'<h2 id="suites">Suites</h2>{"".join(board.html for board in boards)}', files)


def _board(report: Report, board: SuiteScores) -> Section:
    name = slug(board.name)
    drawings = draw_board(board, report.profiles[board.name], report.styles)
    rows = [_row(report, board, entry) for entry in board.entries]
    rows += [_refused(refused) for refused in report.refused if refused.suite == board.suite]
    tests = report.tests.get(board.name)
    html = f"""
<details class="board" id="{board_anchor(board)}" data-suite="{slug(board.suite)}">
<summary><h3>{escape(board.name)}</h3> {_standing(board, tests)}</summary>
<p class="terms">{_terms(board)}</p>
{effort_line(report, board)}{table(f"{board.name}: scores", rows, "scores sortable")}
<p class="files">Table, with every adaptation step: {table_links(name)}</p>
{pairwise_html(report, tests, board.decimals)}
<div class="figures">{"".join(map(figure_of, drawings))}</div>{suite_pictures(board)}
</details>"""
    written = suite_table(board, report.efforts)
    files = table_files(name, written, leaderboard_csv((board,), report.tests, report.tried, report.efforts))
    return Section(html, {**files, f"tables/{name}.tex": block_latex(written), **figure_files(*drawings)})


def _standing(board: SuiteScores, tests: PairTests | None) -> str:
    decided = summary_of(tests) if tests is not None else "Nothing to compare."
    return f"{plural(len(board.entries), 'algorithm')}. {escape(decided)}"


def _terms(board: SuiteScores) -> str:
    """The conditions that the entries share."""
    usual = board.usual
    identity, description = usual.identity, usual.runs[0].run["description"]
    protocol = identity["protocol"]
    steps, trajectories = protocol["adaptation_steps"], protocol["trajectories"]
    again = protocol.get("adaptations", 1)
    found = board_reference(board)
    parts = [
        f"metric {board.metric}",
        f"{usual.final.tasks} test tasks" + (f", each adapted to {again} times" if again > 1 else ""),
        f"{plural(steps, 'adaptation step')} of {trajectories} trajectories",
        f"horizon {description['horizon']}",
        f"adapting to a task costs {short_count(steps * trajectories * description['horizon'])} environment steps",
        f"budget {short_count(identity['budget'])} environment steps",
        f"profile {board.profile}",
        *([f"ceiling {number(found['oracle'], board.decimals)}, {ceiling_text(found)}"] if found is not None else []),
        *([f"data: {data}"] if (data := data_of(usual)) else []),
        *([f"{tasks} tasks, {count} different MDPs" for tasks, count in [distinct_of(usual)] if tasks]),
    ]
    return escape(" · ".join(parts))


def _row(report: Report, board: SuiteScores, entry: AlgorithmScores) -> Row:
    last, decimals, scale = board.last_step, board.decimals, Scale.of(board.entries)
    plot = strip(entry, scale, report.classes[entry.algorithm], board.floor, decimals)
    after = f"After {plural(last, 'step')}" if last else "No adaptation"
    plotted = f"IQM and interval{scale.axis(decimals)}"
    cells = {
        "Algorithm": name_cell(report, entry.label, entry.algorithm, badges(report, board, entry)),
        f"{after}: IQM [95 %]<small>mean ± std over seeds, ± over tasks</small>": _score(entry, last, decimals),
        plotted: Cell(plot, entry.final.iqm, "plot"),
    }
    for step in range(min(last, _EARLIER)):
        cells[f"After {step}" if step else "Before adaptation"] = _score(entry, step, decimals)
    if board.records_success:
        share = float(entry.success[-1].mean())
        cells["Success"] = Cell(f"{100 * share:.0f} %", share)
    cells["Updates"] = Cell(span(entry.updates) if entry.trained else NONE, entry.updates[0] if entry.trained else None)
    cells["Trials"] = effort_cell(report, board, entry)
    cells["Seeds"] = seeds_cell(entry)
    return Row({**linked(entry, cells), plotted: cells[plotted]}, [entry.algorithm])


def _score(entry: AlgorithmScores, step: int, decimals: int) -> Cell:
    return score(entry, step, decimals, _spread(entry.steps[step], decimals))


def _spread(summary: Summary, decimals: int) -> str:
    seeds, tasks = number(summary.std_seeds, decimals), number(summary.std_tasks, decimals)
    return f"<small>{number(summary.mean, decimals)} ± {seeds}, ± {tasks}</small>"


def _refused(refused: Refused) -> Row:
    name, reason = Cell(escape(refused.algorithm), refused.algorithm), f"no score: {escape(refused.reason)}"
    return Row({"Algorithm": name, "": Cell(reason, columns=20)}, [refused.algorithm], css_class="refused")
