"""Forest plots: on each board every entry's score with its interval, and a dot a seed."""

from __future__ import annotations

from html import escape

from reports.scores.boards import FLOOR, SuiteScores
from reports.sections.html import Scale, board_link, name_mark, strip, to_runs
from reports.sections.report import Report, Section
from reports.text.numbers import interval, number, slug


def section(report: Report) -> Section:
    boards = "".join(_board(report, board) for board in report.boards)
    floors = [board.floor for board in report.boards if board.floor is not None]
    band = f" The shaded band is {FLOOR}'s interval." * any(floor.final.interval is not None for floor in floors)
    return Section(f"""
<section id="forest"><h2>Scores and seeds</h2>
<div class="forests">{boards}</div>
<p class="note">Interquartile mean and 95 % interval over seeds, on test tasks after the last adaptation step; a small
dot is the interquartile mean of one seed.{band}</p>
</section>""")


def _board(report: Report, board: SuiteScores) -> str:
    scale, decimals = Scale.of(board.entries), board.decimals
    rows = ""
    for entry in board.entries:
        css_class = report.classes[entry.algorithm]
        score = f'<b>{number(entry.final.iqm, decimals)}</b> <span class="ci">{interval(entry.final, decimals)}</span>'
        plot = strip(entry, scale, css_class, board.floor, decimals, with_seeds=True)
        rows += (
            f'<li data-algorithm="{slug(entry.algorithm)}">{name_mark(board.short(entry), css_class)}'
            f"{plot}{to_runs(entry, score)}</li>"
        )
    cautions = "".join(f'<p class="warned">{escape(text.capitalize())}</p>' for text in board.cautions)
    return (
        f'<div class="forest" data-suite="{slug(board.suite)}"><h3>{board_link(board)}</h3>'
        f"<p>{board.metric}</p>{cautions}<ul>{rows}</ul>{scale.axis(decimals)}</div>"
    )
