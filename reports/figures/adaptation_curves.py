"""The score on test tasks at each adaptation step."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from reports.figures.colours import Style
from reports.figures.drawing import WIDTH, add_legend, draw_steps, finish, look_of, tag
from reports.scores.boards import SuiteScores


def adaptation_curves(board: SuiteScores, styles: Mapping[str, Style]) -> Figure:
    """Interquartile means with their intervals, entries a little beside each other."""
    figure = Figure(figsize=(WIDTH, 4.9), layout="constrained")
    axes = figure.subplots()
    looks = [look_of(entry, board, styles) for entry in board.entries]
    for entry, drawn in zip(board.entries, draw_steps(axes, board.entries, looks, 0.36), strict=True):
        tag(axes, entry.algorithm, drawn)
    axes.set_title("test tasks")
    axes.set_xlabel("adaptation step")
    axes.set_ylabel(board.metric)
    finish(axes)
    add_legend(figure, axes)
    return figure
