"""Axes, curves, markers and legends on a canvas."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reports.figures.canvas import Canvas, joined
from reports.figures.colours import INK, LINE, Style
from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.statistics.aggregate import Summary
from reports.text.numbers import number

#: what an axis of steps is called where none of them is an expert's
TRAINING = "environment steps of meta-training"
AN_EXPERTS_TOO = "environment steps, an expert's included"
WIDTH = 460.0  # two fit beside each other on a page, one on a phone
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 10.0, 22.0, 38.0
#: bands of more curves hide each other, and are not drawn
BANDS = 10
_MARKED = 5  # markers on a curve, about
_LETTER = 6.6  # pixels of a letter of the legend, rather too wide than too narrow
_LEGEND_ROW = 17.0
_DASHED = (5.0, 2.5)
_LINES = ((), _DASHED, (1.5, 2.0), (6.0, 2.0, 1.5, 2.0))
_MARKERS: dict[str, np.ndarray] = {
    "o": np.array([(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 11)[:-1]]),
    "s": np.array([(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]),
    "D": np.array([(0, -1.15), (1.15, 0), (0, 1.15), (-1.15, 0)]),
    "^": np.array([(0, -1.1), (1.1, 0.9), (-1.1, 0.9)]),
    "v": np.array([(-1.1, -0.9), (1.1, -0.9), (0, 1.1)]),
    "P": np.array(
        [
            *((-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4)),
            *((0.4, 1.1), (-0.4, 1.1), (-0.4, 0.4), (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4)),
        ]
    ),
    "X": np.array(
        [
            *((-0.55, -1.1), (0, -0.5), (0.55, -1.1), (1.1, -0.55), (0.5, 0), (1.1, 0.55)),
            *((0.55, 1.1), (0, 0.5), (-0.55, 1.1), (-1.1, 0.55), (-0.5, 0), (-1.1, -0.55)),
        ]
    ),
}


@dataclass(frozen=True)
class Look:
    """How an entry is drawn, and what the legend calls it."""

    algorithm: str
    label: str
    style: Style
    dashes: tuple[float, ...]


def look_of(entry: AlgorithmScores, board: SuiteScores, styles: Mapping[str, Style]) -> Look:
    """Configurations of one algorithm share its colour and differ in their lines."""
    siblings = sorted(other.digest for other in board.entries if other.algorithm == entry.algorithm)
    style = styles[entry.algorithm]
    dashes = _LINES[siblings.index(entry.digest) % 4] if len(siblings) > 1 else plain_dashes(style)
    return Look(entry.algorithm, board.short(entry), style, dashes)


def plain_dashes(style: Style) -> tuple[float, ...]:
    return _DASHED if style.dashed else ()


@dataclass(frozen=True)
class Panel:
    """A canvas's rectangle with its two scales."""

    canvas: Canvas
    left: float
    top: float
    right: float
    bottom: float
    across: tuple[float, float]
    upwards: tuple[float, float]

    def place(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Pixels [point, 2] of values."""
        (low, high), (least, most) = self.across, self.upwards
        columns = self.left + (np.asarray(x) - low) / (high - low) * (self.right - self.left)
        rows = self.bottom - (np.asarray(y) - least) / (most - least) * (self.bottom - self.top)
        return np.stack(np.broadcast_arrays(columns, rows), axis=-1).astype(np.float64)


def make_panel(
    canvas: Canvas,
    top: float,
    height: float,
    across: tuple[float, float],
    upwards: tuple[float, float],
    labels: tuple[str, str],
    title: str,
    ticks: tuple[Sequence[float] | None, Callable[[float], str] | None] = (None, None),
) -> Panel:
    """A panel with its grid, ticks and labels.

    labels: of the horizontal and the vertical axis.  ticks: of the horizontal one, None for round numbers, and their
    texts.
    """
    panel = Panel(canvas, _LEFT, top + _TOP, canvas.width - _RIGHT, top + height - _BOTTOM, across, upwards)
    canvas.text(panel.left, top + 13, title, size=11, bold=True)
    rounds = round_numbers(*upwards)
    decimals = decimals_of(rounds)
    rules = [panel.place(np.array(across), np.array([value, value])) for value in rounds]
    canvas.line(joined(rules), LINE, 0.8)
    for value, ((x, y), _) in zip(rounds, rules, strict=True):
        canvas.text(x - 6, y + 3.6, number(value, decimals), size=10, anchor="end")
    marks = round_numbers(*across) if ticks[0] is None else ticks[0]
    text = ticks[1] or (lambda value: number(value, decimals_of(marks)))
    columns = [panel.place(np.array([value]), np.array([upwards[0]]))[0, 0] for value in marks]
    canvas.line(joined([(x, panel.bottom), (x, panel.bottom + 3.5)] for x in columns), INK, 0.8)
    for value, x in zip(marks, columns, strict=True):
        canvas.text(x, panel.bottom + 15, text(value), size=10, anchor="middle")
    canvas.line([(panel.left, panel.top), (panel.left, panel.bottom), (panel.right, panel.bottom)], INK, 0.9)
    canvas.text((panel.left + panel.right) / 2, panel.bottom + 31, labels[0], size=10.5, anchor="middle")
    canvas.text(13, (panel.top + panel.bottom) / 2, labels[1], size=10.5, anchor="middle", turned=True)
    return panel


def draw_curve(panel: Panel, x: np.ndarray, y: np.ndarray, ends: np.ndarray | None, look: Look) -> None:
    """A line with markers, and its interval as a band.  x, y: [point].  ends: [point, 2], or None."""
    colour = look.style.colour
    with panel.canvas.of(look.algorithm):
        if ends is not None:
            sides = panel.place(x, ends[:, 0]), panel.place(x, ends[:, 1])[::-1]
            panel.canvas.area(np.concatenate(sides), colour, 0.16)
        places = panel.place(x, y)
        panel.canvas.line(places, colour, 1.6, look.dashes)
        draw_markers(panel.canvas, places[:: max(1, math.ceil(len(places) / _MARKED))], look.style)


def draw_markers(canvas: Canvas, places: np.ndarray, style: Style, size: float = 3.3) -> None:
    """places: [marker, 2]."""
    canvas.area(joined(place + size * _MARKERS[style.marker] for place in places), style.colour)


def ends_of(summaries: Sequence[Summary]) -> np.ndarray | None:
    """Their intervals [point, 2], None where any has none."""
    found = [summary.interval for summary in summaries if summary.interval is not None]
    return np.array(found) if len(found) == len(summaries) else None


def legend_height(looks: Sequence[Look], width: float) -> float:
    return _LEGEND_ROW * math.ceil(len(looks) / _columns(looks, width)) + 6


def draw_legend(canvas: Canvas, looks: Sequence[Look], top: float) -> None:
    """Below all panels, in as many columns as have room; column by column."""
    columns = _columns(looks, canvas.width)
    rows = math.ceil(len(looks) / columns)
    for index, look in enumerate(looks):
        x = 10 + (canvas.width - 16) / columns * (index // rows)
        y = top + _LEGEND_ROW * (index % rows) + 10
        with canvas.of(look.algorithm):
            canvas.line([(x, y), (x + 26, y)], look.style.colour, 1.6, look.dashes)
            draw_markers(canvas, np.array([(x + 13, y)]), look.style)
            canvas.text(x + 33, y + 4, look.label, size=10.5)


def round_numbers(low: float, high: float, most: int = 6) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within the range, at most `most` of them."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def decimals_of(rounds: Sequence[float]) -> int:
    """As many as tell neighbours apart."""
    steps = [after - before for before, after in pairwise(rounds)]
    return max(0, -math.floor(math.log10(min(steps)) + 1e-9)) if steps else 2


def padded(values: Iterable[float], share: float = 0.04) -> tuple[float, float]:
    """A range around the values, with some room on either side."""
    found = [value for value in values if math.isfinite(value)]
    low, high = min(found), max(found)
    room = share * (high - low)
    if room <= 1e-9 * max(abs(low), abs(high)):  # so near that no tick would tell them apart
        room = max(abs(high) * 0.05, 0.5)
    return low - room, high + room


def _columns(looks: Sequence[Look], width: float) -> int:
    longest = max((len(look.label) for look in looks), default=1)
    return max(1, min(4, int((width - 16) // (40 + _LETTER * longest))))
