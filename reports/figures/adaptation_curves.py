"""The score on test tasks at each adaptation step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from reports.figures.colours import Style
from reports.figures.drawing import WIDTH, add_legend, dashes, finish, tag
from reports.scores.boards import Board


def adaptation_curves(board: Board, styles: Mapping[str, Style]) -> Figure:
    """Interquartile means with their intervals, entries a little beside each other."""
    figure = Figure(figsize=(WIDTH, 4.9), layout="constrained")
    axes = figure.subplots()
    offsets = np.linspace(-0.5, 0.5, len(board.entries)) * min(0.36, 0.06 * (len(board.entries) - 1))
    for order, (entry, offset) in enumerate(zip(board.entries, offsets, strict=True)):
        style = styles[entry.algorithm]
        iqms = np.array([summary.iqm for summary in entry.steps])
        low, high = np.array([summary.interval or (summary.iqm, summary.iqm) for summary in entry.steps]).T
        bars = axes.errorbar(
            np.arange(len(iqms)) + offset,
            iqms,
            yerr=np.maximum([iqms - low, high - iqms], 0),  # a percentile interval may end short of the estimate
            color=style.colour,
            linestyle=dashes(entry, board, style),
            linewidth=1.3,
            elinewidth=1.3,
            capsize=2.5,
            marker=style.marker,
            markersize=5,
            label=board.drawn(entry),
            zorder=2 + len(board.entries) - order,
        )
        line, caps, whiskers = bars.lines
        tag(axes, entry.algorithm, [line, *caps, *whiskers])
    axes.set_title("test tasks")
    axes.set_xlabel("adaptation step")
    axes.set_ylabel(board.metric)
    axes.set_xticks(range(board.last_step + 1))
    axes.set_xlim(-0.4, board.last_step + 0.4)
    finish(axes)
    add_legend(figure, axes)
    return figure
