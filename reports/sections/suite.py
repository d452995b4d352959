"""A suite's section: its terms, its scores at every adaptation step, tests, figures and pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

from reports.figures.drawing import Drawing
from reports.scores.boards import Board
from reports.scores.entries import Entry, Refused
from reports.scores.pairwise import PairTests
from reports.scores.record import data_of, distinct_of, entry_anchor
from reports.sections.html import Scale, badges, figure_of, name_mark, strip, suite_anchor
from reports.sections.pairwise import pairwise_section
from reports.sections.suite_pictures import suite_pictures
from reports.statistics.aggregate import Summary
from reports.tables.leaderboard import board_decimals
from reports.text.numbers import interval, number, short_count, slug


def board_section(
    board: Board,
    drawings: tuple[Drawing, ...],
    refused: tuple[Refused, ...],
    tests: PairTests | None,
    stale: Collection[str],
    classes: Mapping[str, str],
) -> str:
    name = slug(board.suite)
    files = " ".join(f'<a href="tables/{name}.{kind}">{kind}</a>' for kind in ("csv", "md", "tex"))
    figures = "".join(map(figure_of, drawings))
    return f"""
<section class="board" id="{suite_anchor(board.suite)}" data-suite="{name}"><h3>{escape(board.suite)}</h3>
<p class="terms">{_terms(board)}</p>
<div class="wide" tabindex="0" role="region" aria-label="{escape(board.suite)}: scores"><table class="scores sortable">
{_head(board)}
<tbody>{"".join(_row(board, entry, stale, classes) for entry in board.entries)}{"".join(map(_refused, refused))}</tbody>
</table></div>
<p class="files">Table: {files}</p>
{pairwise_section(tests, board_decimals(board), classes)}
<div class="figures">{figures}</div>{suite_pictures(board)}
</section>"""


def _terms(board: Board) -> str:
    """The conditions that the comparable entries share."""
    usual = next((e for e in board.entries if e.label not in board.departures and e.trained), board.entries[0])
    identity, description = usual.identity, usual.runs[0].run["description"]
    protocol = identity["protocol"]
    steps, trajectories = protocol["adaptation_steps"], protocol["trajectories"]
    again = protocol.get("adaptations", 1)
    parts = [
        f"metric {board.metric}",
        f"{usual.final.tasks} test tasks" + (f", each adapted to {again} times" if again > 1 else ""),
        f"{steps} adaptation step{'s' if steps != 1 else ''} of {trajectories} trajectories",
        f"horizon {description['horizon']}",
        f"adapting to a task costs {short_count(steps * trajectories * description['horizon'])} environment steps",
        f"budget {short_count(identity['budget'])} environment steps",
        f"profile {description['profile']}",
        *([f"data: {data}"] if (data := data_of(usual)) else []),
        *([f"{tasks} tasks, {count} different MDPs" for tasks, count in [distinct_of(usual)] if tasks]),
    ]
    return escape(" · ".join(parts))


def _head(board: Board) -> str:
    last = board.last_step
    after = f"After {last} step{'s' if last != 1 else ''}" if last else "No adaptation"
    names = ["Before adaptation" if step == 0 else f"After {step}" for step in range(last)]
    earlier = "".join(f'<th scope="col">{name}</th>' for name in names)
    spread = "<small>mean ± std over seeds, ± over tasks</small>"
    return (
        f'<thead><tr><th scope="col" data-text>Algorithm</th><th scope="col">{after}: IQM [95 %]{spread}</th>'
        f'<th scope="col" class="plot">IQM and interval{Scale.of(board.entries).axis(board_decimals(board))}</th>'
        f'{earlier}<th scope="col">Seeds</th></tr></thead>'
    )


def _row(board: Board, entry: Entry, stale: Collection[str], classes: Mapping[str, str]) -> str:
    decimals = board_decimals(board)
    last = board.last_step
    cells = [_score(entry, step, decimals) for step in (last, *range(last))]
    plot = strip(entry, Scale.of(board.entries), classes[entry.algorithm], board.verdict.floor, decimals)
    css_class = ' class="aside"' if entry.label in board.departures else ""
    name = name_mark(entry.label, classes[entry.algorithm])
    return (
        f'<tr data-algorithm="{slug(entry.algorithm)}"{css_class}>'
        f'<th scope="row" data-sort="{escape(entry.label)}">{name}{badges(board, entry, stale)}</th>'
        f'{cells[0]}<td class="plot" data-sort="{entry.final.iqm!r}">{plot}</td>{"".join(cells[1:])}'
        f'<td data-sort="{entry.final.seeds}"><a class="number" href="#{entry_anchor(entry)}">{entry.final.seeds}</a>'
        f"</td></tr>"
    )


def _score(entry: Entry, step: int, decimals: int) -> str:
    """One adaptation step's cell; empty for an entry that was given fewer steps."""
    if step >= len(entry.steps):
        return '<td data-sort="">–</td>'
    summary = entry.steps[step]
    return (
        f'<td data-sort="{summary.iqm!r}"><a class="number" href="#{entry_anchor(entry)}">'
        f"<b>{number(summary.iqm, decimals)}</b> <span class=ci>{interval(summary, decimals)}</span>"
        f"<small>{_spread(summary, decimals)}</small></a></td>"
    )


def _spread(summary: Summary, decimals: int) -> str:
    seeds, tasks = number(summary.std_seeds, decimals), number(summary.std_tasks, decimals)
    return f"{number(summary.mean, decimals)} ± {seeds}, ± {tasks}"


def _refused(refused: Refused) -> str:
    return (
        f'<tr class="refused" data-algorithm="{slug(refused.algorithm)}">'
        f'<th scope="row" data-sort="{escape(refused.algorithm)}">{escape(refused.algorithm)}</th>'
        f'<td colspan="20" data-sort="">no score: {escape(refused.reason)}</td></tr>'
    )
