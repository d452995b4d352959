"""Learning curves on validation tasks, against environment steps and against wall time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.colours import Style
from reports.figures.drawing import WIDTH, add_legend, draw_summaries, finish, look_of, steps_axis, tag
from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores, Curve

#: seconds of a unit of the wall time's axis, and from which length on it is used
_UNITS = ((3600.0, "hours", 2.0), (60.0, "minutes", 2.0), (1.0, "seconds", 0.0))


def has_learning_curves(board: SuiteScores) -> bool:
    """Whether anything here trained."""
    return any(entry.curve is not None and len(entry.curve.after) > 1 for entry in board.entries)


def has_times(board: SuiteScores) -> bool:
    """Whether it is known of anything here how long its training took."""
    return any(entry.curve.wall_seconds for entry in board.entries if entry.curve and len(entry.curve.after) > 1)


def learning_by_steps(board: SuiteScores, styles: Mapping[str, Style]) -> Figure:
    """Scores after adaptation and before, against the environment steps spent on meta-training."""
    figure = Figure(figsize=(WIDTH, 4.9), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, sharey=True)
    curves = _curves(board)
    end = max(curve.environment_steps[-1] for _, curve in curves)
    for axes, title in ((upper, "validation tasks, after adaptation"), (lower, "before adaptation")):
        for entry, curve in curves:
            summaries = curve.after if axes is upper else curve.before
            places, look = np.array(curve.environment_steps), look_of(entry, board, styles)
            tag(axes, entry.algorithm, draw_summaries(axes, places, summaries, end, look))
        axes.set_title(title)
        axes.set_ylabel(board.metric)
        finish(axes)
    steps_axis(lower)
    add_legend(figure, upper)
    return figure


def learning_by_time(board: SuiteScores, styles: Mapping[str, Style]) -> Figure:
    """Scores after adaptation against the seconds of the meta-iterations, evaluations not counted."""
    figure = Figure(figsize=(WIDTH, 3.7), layout="constrained")
    axes = figure.subplots()
    curves = [(entry, curve) for entry, curve in _curves(board) if curve.wall_seconds or len(curve.after) == 1]
    end = max(curve.wall_seconds[-1] for _, curve in curves if curve.wall_seconds)
    size, unit = next((size, unit) for size, unit, least in _UNITS if end >= least * size)
    for entry, curve in curves:
        places, look = np.array(curve.wall_seconds) / size, look_of(entry, board, styles)
        tag(axes, entry.algorithm, draw_summaries(axes, places, curve.after, end / size, look))
    axes.set_title("validation tasks, after adaptation")
    axes.set_xlabel(f"{unit} of meta-training")
    axes.set_ylabel(board.metric)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    finish(axes)
    add_legend(figure, axes)
    return figure


def _curves(board: SuiteScores) -> list[tuple[AlgorithmScores, Curve]]:
    return [(entry, entry.curve) for entry in board.entries if entry.curve is not None]
