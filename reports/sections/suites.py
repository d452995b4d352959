"""Each suite: its terms, its scores at every adaptation step, tests, figures and pictures."""

from __future__ import annotations

from html import escape

from reports.figures.drawing import figure_files
from reports.figures.suite_figures import draw_board
from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores, Refused
from reports.scores.record import data_of, distinct_of
from reports.sections.html import (
    Cell,
    Row,
    Scale,
    badges,
    figure_of,
    name_cell,
    score,
    seeds_cell,
    strip,
    suite_anchor,
    table,
    table_links,
)
from reports.sections.pairwise import pairwise_html
from reports.sections.report import Report, Section
from reports.sections.suite_pictures import suite_pictures
from reports.statistics.aggregate import Summary
from reports.tables.leaderboard import leaderboard_csv, suite_table
from reports.tables.pairwise import pairwise_csv
from reports.text.numbers import number, plural, short_count, slug
from reports.text.table import table_files


def section(report: Report) -> Section:
    suites = [_suite(report, board) for board in report.boards]
    files: dict[str, str | bytes] = {"tables/pairwise.csv": pairwise_csv(report.tests.values())}
    for suite in suites:
        files |= suite.files
    return Section(f'<h2 id="suites">Suites</h2>{"".join(suite.html for suite in suites)}', files)


def _suite(report: Report, board: SuiteScores) -> Section:
    name = slug(board.suite)
    drawings = draw_board(board, report.styles)
    rows = [_row(report, board, entry) for entry in board.entries]
    rows += [_refused(refused) for refused in report.refused if refused.suite == board.suite]
    html = f"""
<section class="board" id="{suite_anchor(board.suite)}" data-suite="{name}"><h3>{escape(board.suite)}</h3>
<p class="terms">{_terms(board)}</p>
{table(f"{board.suite}: scores", rows, "scores sortable")}
<p class="files">Table: {table_links(name)}</p>
{pairwise_html(report, report.tests.get(board.suite), board.decimals)}
<div class="figures">{"".join(map(figure_of, drawings))}</div>{suite_pictures(board)}
</section>"""
    files = table_files(name, suite_table(board), leaderboard_csv((board,)))
    return Section(html, {**files, **figure_files(*drawings)})


def _terms(board: SuiteScores) -> str:
    """The conditions that the comparable entries share."""
    usual = next((entry for entry in board.comparable if entry.trained), board.entries[0])
    identity, description = usual.identity, usual.runs[0].run["description"]
    protocol = identity["protocol"]
    steps, trajectories = protocol["adaptation_steps"], protocol["trajectories"]
    again = protocol.get("adaptations", 1)
    parts = [
        f"metric {board.metric}",
        f"{usual.final.tasks} test tasks" + (f", each adapted to {again} times" if again > 1 else ""),
        f"{plural(steps, 'adaptation step')} of {trajectories} trajectories",
        f"horizon {description['horizon']}",
        f"adapting to a task costs {short_count(steps * trajectories * description['horizon'])} environment steps",
        f"budget {short_count(identity['budget'])} environment steps",
        f"profile {description['profile']}",
        *([f"data: {data}"] if (data := data_of(usual)) else []),
        *([f"{tasks} tasks, {count} different MDPs" for tasks, count in [distinct_of(usual)] if tasks]),
    ]
    return escape(" · ".join(parts))


def _row(report: Report, board: SuiteScores, entry: AlgorithmScores) -> Row:
    last, decimals, scale = board.last_step, board.decimals, Scale.of(board.entries)
    plot = strip(entry, scale, report.classes[entry.algorithm], board.verdict.floor, decimals)
    after = f"After {plural(last, 'step')}" if last else "No adaptation"
    cells = {
        "Algorithm": name_cell(report, entry.label, entry.algorithm, badges(report, board, entry)),
        f"{after}: IQM [95 %]<small>mean ± std over seeds, ± over tasks</small>": _score(entry, last, decimals),
        f"IQM and interval{scale.axis(decimals)}": Cell(plot, entry.final.iqm, "plot"),
    }
    for step in range(last):
        cells[f"After {step}" if step else "Before adaptation"] = _score(entry, step, decimals)
    cells["Seeds"] = seeds_cell(entry)
    return Row(cells, [entry.algorithm], css_class="aside" if entry.label in board.incomparable else "")


def _score(entry: AlgorithmScores, step: int, decimals: int) -> Cell:
    return score(entry, step, decimals, _spread(entry.steps[step], decimals) if step < len(entry.steps) else "")


def _spread(summary: Summary, decimals: int) -> str:
    seeds, tasks = number(summary.std_seeds, decimals), number(summary.std_tasks, decimals)
    return f"<small>{number(summary.mean, decimals)} ± {seeds}, ± {tasks}</small>"


def _refused(refused: Refused) -> Row:
    name, reason = Cell(escape(refused.algorithm), refused.algorithm), f"no score: {escape(refused.reason)}"
    return Row({"Algorithm": name, "": Cell(reason, columns=20)}, [refused.algorithm], css_class="refused")
