"""The expected best validation score against the number of trials, a line a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reports.figures.canvas import Canvas
from reports.figures.chart import (
    WIDTH,
    Look,
    draw_curve,
    draw_legend,
    legend_height,
    make_panel,
    padded,
    plain_dashes,
)
from reports.figures.colours import Style
from reports.scores.tuning import TunedMethod

_HEIGHT = 340.0
_TICKS = 16  # more numbers of trials have round ticks


def expected_best_figure(methods: Sequence[TunedMethod], styles: Mapping[str, Style], metric: str) -> Canvas:
    """Of methods tuned on one suite, each with a curve; what ends highest lies on top and comes first in the legend."""
    drawn = sorted(methods, key=lambda method: -method.curve[-1])
    looks = [
        Look(each.algorithm, each.algorithm, styles[each.algorithm], plain_dashes(styles[each.algorithm]))
        for each in drawn
    ]
    canvas = Canvas(WIDTH, _HEIGHT + legend_height(looks, WIDTH))
    most = max(len(method.curve) for method in drawn)
    marks = [float(place) for place in (1, *range(2, most + 1, 2))] if most <= _TICKS else None
    panel = make_panel(
        canvas, 0, _HEIGHT, (0.6, most + 0.4), padded(value for method in drawn for value in method.curve),
        ("trials", metric), "expected best, validation tasks", (marks, lambda value: f"{value:.0f}"),
    )  # fmt: skip
    for method, look in reversed(list(zip(drawn, looks, strict=True))):
        draw_curve(panel, np.arange(1, len(method.curve) + 1), method.curve, None, look)
    draw_legend(canvas, looks, _HEIGHT)
    return canvas
