"""Learning curves on validation tasks, against environment steps and against wall time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reports.figures.canvas import Canvas
from reports.figures.chart import (
    AN_EXPERTS_TOO,
    BANDS,
    TRAINING,
    WIDTH,
    Look,
    Panel,
    draw_curve,
    draw_legend,
    ends_of,
    legend_height,
    look_of,
    make_panel,
    padded,
)
from reports.figures.colours import Style
from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores, Curve
from reports.statistics.aggregate import Summary
from reports.text.numbers import short_count

#: seconds of a unit of the wall time's axis, and from which length on it is used
_UNITS = ((3600.0, "hours", 2.0), (60.0, "minutes", 2.0), (1.0, "seconds", 0.0))
_HEIGHT = 230.0


def has_learning_curves(board: SuiteScores) -> bool:
    """Whether anything here trained."""
    return any(entry.curve is not None and len(entry.curve.after) > 1 for entry in board.entries)


def has_times(board: SuiteScores) -> bool:
    """Whether it is known of anything here how long its training took."""
    return any(entry.curve.wall_seconds for entry in board.entries if entry.curve and len(entry.curve.after) > 1)


def learning_by_steps(board: SuiteScores, styles: Mapping[str, Style]) -> Canvas:
    """Scores after adaptation and before, against the environment steps spent on training, an expert's among them."""
    curves = _curves(board)
    steps = AN_EXPERTS_TOO if any(entry.identity["parents"] for entry, _ in curves) else TRAINING
    looks = [look_of(entry, board, styles) for entry, _ in curves]
    canvas = Canvas(WIDTH, 2 * _HEIGHT + legend_height(looks, WIDTH))
    end = max(curve.environment_steps[-1] for _, curve in curves) or 1.0  # of nothing that has trained
    upwards = padded(_values([*(c.before for _, c in curves), *(c.after for _, c in curves)], len(curves)))
    for place, title in enumerate(("validation tasks, after adaptation", "before adaptation")):
        panel = make_panel(
            canvas, place * _HEIGHT, _HEIGHT, (-0.01 * end, 1.01 * end), upwards,
            (steps, board.metric), title, (None, short_count),
        )  # fmt: skip
        drawn = [
            (np.array(curve.environment_steps), curve.before if place else curve.after, look)
            for (_, curve), look in zip(curves, looks, strict=True)
        ]
        _draw(panel, drawn, end)
    draw_legend(canvas, looks, 2 * _HEIGHT)
    return canvas


def learning_by_time(board: SuiteScores, styles: Mapping[str, Style]) -> Canvas:
    """Scores after adaptation against the seconds of the meta-iterations, evaluations not counted."""
    curves = [(entry, curve) for entry, curve in _curves(board) if curve.wall_seconds or len(curve.after) == 1]
    looks = [look_of(entry, board, styles) for entry, _ in curves]
    canvas = Canvas(WIDTH, 1.4 * _HEIGHT + legend_height(looks, WIDTH))
    end = max(curve.wall_seconds[-1] for _, curve in curves if curve.wall_seconds) or 1.0
    size, unit = next((size, unit) for size, unit, least in _UNITS if end >= least * size)
    upwards = padded(_values([curve.after for _, curve in curves], len(curves)))
    panel = make_panel(
        canvas, 0, 1.4 * _HEIGHT, (-0.01 * end / size, 1.01 * end / size), upwards,
        (f"{unit} of meta-training", board.metric), "validation tasks, after adaptation",
    )  # fmt: skip
    drawn = [
        (np.array(curve.wall_seconds) / size, curve.after, look) for (_, curve), look in zip(curves, looks, strict=True)
    ]
    _draw(panel, drawn, end / size)
    draw_legend(canvas, looks, 1.4 * _HEIGHT)
    return canvas


def _draw(panel: Panel, drawn: Sequence[tuple[np.ndarray, Sequence[Summary], Look]], end: float) -> None:
    """The highest entry lies on top.  end: until where that is drawn which was evaluated once, as it does not train."""
    for places, summaries, look in reversed(drawn):
        if len(summaries) == 1:
            places, summaries = np.array([0.0, end]), (summaries[0], summaries[0])
        ends = ends_of(summaries) if len(drawn) <= BANDS else None
        draw_curve(panel, places, np.array([summary.iqm for summary in summaries]), ends, look)


def _values(curves: Sequence[Sequence[Summary]], count: int) -> list[float]:
    """All that is drawn of them."""
    bands = count <= BANDS
    return [end for curve in curves for s in curve for end in (s.iqm, *((s.interval or ()) if bands else ()))]


def _curves(board: SuiteScores) -> list[tuple[AlgorithmScores, Curve]]:
    return [(entry, entry.curve) for entry in board.entries if entry.curve is not None]
