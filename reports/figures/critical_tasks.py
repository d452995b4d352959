"""An explanation in two pictures: the tasks at their parameters, and the training tasks' weights as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.figures.canvas import Canvas, joined
from reports.figures.chart import WIDTH, Panel, decimals_of, draw_markers, make_panel, padded, round_numbers
from reports.figures.colours import INK, LIGHT, LINE, PALETTE, Style
from reports.text.numbers import number

TRAINING, CRITICAL = Style(LIGHT["grey"], "o", False), Style(PALETTE[1], "^", False)
VALIDATION, POOR = Style(PALETTE[5], "s", False), Style(PALETTE[0], "D", False)
_KINDS = (
    ("training", TRAINING, 2.8),
    ("critical", CRITICAL, 5.0),
    ("validation", VALIDATION, 2.8),
    ("poor", POOR, 4.4),
)
_HEIGHT, _LEGEND = 300.0, 26.0


@dataclass(frozen=True)
class TaskPlace:
    """kind: "training", "critical" (a training task), "validation" or "poor" (a validation task).
    place: one or two parameters."""

    kind: str
    place: tuple[float, ...]


def task_map(tasks: Sequence[TaskPlace], labels: Sequence[str], title: str) -> Canvas:
    """Where the tasks lie; those of one parameter in a row for either split.  labels: of the parameters, one or two."""
    canvas = Canvas(WIDTH, _HEIGHT + _LEGEND)
    places = np.array([task.place for task in tasks], dtype=np.float64)
    across = padded(places[:, 0])
    if len(labels) == 2:
        panel = make_panel(canvas, 0, _HEIGHT, across, padded(places[:, 1]), (labels[0], labels[1]), title)
        upwards = places[:, 1]
    else:
        panel = _rows(canvas, across, labels[0], title)
        upwards = np.array([float(task.kind in ("training", "critical")) for task in tasks])
    for place, (kind, style, size) in enumerate(_KINDS):
        mine = [index for index, task in enumerate(tasks) if task.kind == kind]
        if mine:
            draw_markers(canvas, panel.place(places[mine, 0], upwards[mine]), style, size)
        x = 20 + place * (WIDTH - 20) / len(_KINDS)
        draw_markers(canvas, np.array([(x, _HEIGHT + 10)]), style, size)
        canvas.text(x + 10, _HEIGHT + 14, kind, size=10.5)
    return canvas


def weight_bars(weights: Sequence[float], critical: Sequence[int], band: float, title: str) -> Canvas:
    """The largest first.  critical: indices of weights.  band: what the largest stays within by chance, if finite."""
    canvas = Canvas(WIDTH, _HEIGHT + _LEGEND)
    order = np.argsort(-np.asarray(weights), kind="stable")
    known = [band] if np.isfinite(band) else []
    low, high = padded([0.0, *weights, *known])
    panel = make_panel(
        canvas, 0, _HEIGHT, (-0.5, len(weights) - 0.5), (low if min(weights) < 0 else 0.0, high),
        ("training tasks by weight", "weight"), title,
    )  # fmt: skip
    for style, wanted in ((TRAINING, False), (CRITICAL, True)):
        bars = [_bar(panel, place, weights[task]) for place, task in enumerate(order) if (task in critical) == wanted]
        if bars:
            canvas.area(joined(bars), style.colour)
    ends = np.array([-0.5, len(weights) - 0.5])
    for value, dashes in [(1 / len(weights), (1.5, 2.0)), *((value, (5.0, 2.5)) for value in known)]:
        canvas.line(panel.place(ends, np.full(2, value)), INK, 1.2, dashes)
    legend = [("critical", CRITICAL.colour), ("other training tasks", TRAINING.colour)]
    for place, (text, colour) in enumerate(legend):
        x, y = 14 + 70.0 * place, _HEIGHT + 6
        canvas.area([(x, y), (x + 9, y), (x + 9, y + 9), (x, y + 9)], colour)
        canvas.text(x + 13, y + 9, text, size=10)
    for place, (text, dashes) in enumerate((("uniform", (1.5, 2.0)), ("95 % band of the largest", (5.0, 2.5)))):
        x, y = 220 + 76.0 * place, _HEIGHT + 11
        canvas.line([(x, y), (x + 22, y)], INK, 1.2, dashes)
        canvas.text(x + 26, y + 4, text, size=10)
    return canvas


def _bar(panel: Panel, place: int, weight: float) -> np.ndarray:
    sides, heights = place + np.array([-0.4, 0.4, 0.4, -0.4]), np.array([0.0, 0.0, weight, weight])
    return panel.place(sides, heights)


def _rows(canvas: Canvas, across: tuple[float, float], label: str, title: str) -> Panel:
    """A row for the validation tasks at 0 and one for the training tasks at 1."""
    panel = Panel(canvas, 80.0, 22.0, canvas.width - 10.0, _HEIGHT - 38.0, across, (-0.6, 1.6))
    canvas.text(panel.left, 13, title, size=11, bold=True)
    for value, text in ((0.0, "validation"), (1.0, "training")):
        ends = panel.place(np.array(across), np.full(2, value))
        canvas.line(ends, LINE, 0.8)
        canvas.text(panel.left - 6, float(ends[0, 1]) + 3.6, text, size=10, anchor="end")
    marks = round_numbers(*across)
    for value in marks:
        x = float(panel.place(np.array([value]), np.zeros(1))[0, 0])
        canvas.line([(x, panel.bottom), (x, panel.bottom + 3.5)], INK, 0.8)
        canvas.text(x, panel.bottom + 15, number(value, decimals_of(marks)), size=10, anchor="middle")
    canvas.line([(panel.left, panel.bottom), (panel.right, panel.bottom)], INK, 0.9)
    canvas.text((panel.left + panel.right) / 2, panel.bottom + 31, label, size=10.5, anchor="middle")
    return panel
