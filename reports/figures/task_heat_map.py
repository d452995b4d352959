"""Which test tasks each algorithm does well on: a cell for each algorithm and task."""

from __future__ import annotations

import numpy as np

from reports.figures.canvas import Canvas, joined
from reports.figures.colours import INK
from reports.scores.boards import SuiteScores
from reports.text.numbers import decimals_for, finite_range, number

#: viridis, in as many steps as can be told apart
_SHADES = ("#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#d8e219", "#fde725")
_NUMBERED = 8  # up to so many tasks the cells hold their numbers
_WIDTH, _ROW = 950.0, 24.0
_LETTER = 6.3


def task_heat_map(board: SuiteScores) -> Canvas:
    """Means over seeds and episodes after the last adaptation step; the lighter the higher (viridis)."""
    tasks = board.entries[0].tasks
    scores = np.stack([entry.scores[-1].mean(axis=0) for entry in board.entries])
    low, high = finite_range([float(scores.min()), float(scores.max())])
    shades = np.minimum(((scores - low) / (high - low) * len(_SHADES)).astype(int), len(_SHADES) - 1)
    names = [board.short(entry) for entry in board.entries]
    numbered = len(tasks) <= _NUMBERED
    left = 14 + _LETTER * max(map(len, names))
    across = (_WIDTH - left - 96) / len(tasks)
    foot = 18.0 if numbered else 12 + 5.4 * max(map(len, tasks))
    bottom = 8 + _ROW * len(names)
    canvas = Canvas(_WIDTH, max(bottom + foot + 20, 150))
    for shade, colour in enumerate(_SHADES):
        cells = [
            _rectangle(left + column * across, 8 + row * _ROW, across - 1, _ROW - 1)
            for row, column in np.argwhere(shades == shade)
        ]
        if cells:
            canvas.area(joined(cells), colour)
    decimals = decimals_for([low, high])
    for row, name in enumerate(names):
        y = 8 + row * _ROW + _ROW / 2 + 4
        canvas.text(left - 8, y, name, size=10.5, anchor="end")
        for column in range(len(tasks) if numbered else 0):
            colour = "#ffffff" if shades[row, column] < 4 else "#111111"
            x = left + (column + 0.5) * across
            canvas.text(x, y, number(float(scores[row, column]), decimals), size=10, anchor="middle", colour=colour)
    for column, task in enumerate(tasks):
        x = left + (column + 0.5) * across
        if numbered:
            canvas.text(x, bottom + 14, task, size=9.5, anchor="middle")
        else:
            canvas.text(x + 3.5, bottom + 4, task, size=9, anchor="end", turned=True)
    canvas.text(left + across * len(tasks) / 2, bottom + foot + 12, "test task", size=10.5, anchor="middle")
    _scale(canvas, low, high, decimals, board.metric)
    return canvas


def _scale(canvas: Canvas, low: float, high: float, decimals: int, metric: str) -> None:
    """What the shades mean, at the right, the highest on top."""
    x, step = _WIDTH - 76, 12.0
    for place, colour in enumerate(reversed(_SHADES)):
        canvas.area(_rectangle(x, 8 + place * step, 12, step), colour)
    for place in (0, 3, 6, 9):
        value = high - (high - low) * place / len(_SHADES)
        canvas.text(x + 17, 8 + place * step + 4, number(value, decimals), size=9.5)
    canvas.text(x, 8 + step * len(_SHADES) + 18, metric, size=9.5, colour=INK)


def _rectangle(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
