"""The score on test tasks at each adaptation step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reports.figures.canvas import Canvas, joined
from reports.figures.chart import (
    WIDTH,
    draw_legend,
    draw_markers,
    legend_height,
    look_of,
    make_panel,
    padded,
)
from reports.figures.colours import Style
from reports.scores.boards import SuiteScores

_HEIGHT = 380.0
_SPREAD = 0.5  # of a step, over which entries stand beside each other


def adaptation_curves(board: SuiteScores, styles: Mapping[str, Style]) -> Canvas:
    """Interquartile means with their intervals, entries a little beside each other."""
    looks = [look_of(entry, board, styles) for entry in board.entries]
    canvas = Canvas(WIDTH, _HEIGHT + legend_height(looks, WIDTH))
    steps = np.arange(board.last_step + 1)
    ends = [end for entry in board.entries for s in entry.steps for end in (s.iqm, *(s.interval or ()))]
    panel = make_panel(
        canvas, 0, _HEIGHT, (-0.4, board.last_step + 0.4), padded(ends), ("adaptation step", board.metric),
        "test tasks", ([float(step) for step in steps], lambda value: f"{value:.0f}"),
    )  # fmt: skip
    offsets = np.linspace(-0.5, 0.5, len(looks)) * min(_SPREAD, 0.06 * (len(looks) - 1))
    for entry, look, offset in reversed(list(zip(board.entries, looks, offsets, strict=True))):
        iqms = np.array([summary.iqm for summary in entry.steps])
        places = panel.place(steps + offset, iqms)
        with canvas.of(look.algorithm):
            canvas.line(places, look.style.colour, 1.3, look.dashes)
            whiskers = [
                panel.place(np.full(2, step + offset), np.array(summary.interval))
                for step, summary in zip(steps, entry.steps, strict=True)
                if summary.interval is not None
            ]
            canvas.line(joined(whiskers), look.style.colour, 1.3)
            draw_markers(canvas, places, look.style)
    draw_legend(canvas, looks, _HEIGHT)
    return canvas
