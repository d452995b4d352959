"""Figures as SVG and PNG with the same bytes each time, and what all of them share: style, curves, legend."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import matplotlib.style
import numpy as np
import seaborn
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.colours import INK, LINE, Style
from reports.figures.inline_svg import inline_svg
from reports.scores.boards import Board
from reports.scores.entries import Entry
from reports.text.numbers import slug

WIDTH = 4.8  # inches: two fit beside each other on a page, one on a phone
_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that figures are the same on every machine
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "none",
    "path.simplify": False,
    "text.parse_math": False,  # a name may hold dollar signs
}


@dataclass(frozen=True)
class Drawing:
    """A figure's files.  `svg` keeps its text as text."""

    name: str
    caption: str
    svg: str
    png: bytes
    broad: bool = False  # takes the page's whole width

    def inline(self) -> str:
        return inline_svg(self.svg, self.name, self.caption)


def make_drawing(name: str, caption: str, draw: Callable[[], Figure], broad: bool = False) -> Drawing:
    """The figure that `draw` makes, under the style of all figures."""
    svg, png = io.StringIO(), io.BytesIO()
    # the salt makes ids, and so bytes, the same each time; no date or software version is written
    style: Any = ["default", {**seaborn.axes_style("ticks"), **_STYLE, "svg.hashsalt": name}]
    with matplotlib.style.context(style):
        figure = draw()
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it has laid the figure out, and would do so again for every file
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=144, facecolor="white", metadata={"Software": None})
    return Drawing(name, caption, svg.getvalue(), png.getvalue(), broad)


def draw_curve(
    axes: Axes,
    places: np.ndarray,
    values: np.ndarray,
    intervals: np.ndarray | None,
    entry: Entry,
    board: Board,
    styles: Mapping[str, Style],
) -> None:
    """An entry's line with its interval as a band; the highest entry lies on top.

    places, values: [point].  intervals: [point, 2], or None where there is none.
    """
    style = styles[entry.algorithm]
    (line,) = axes.plot(
        places,
        values,
        color=style.colour,
        linestyle=dashes(entry, board, style),
        linewidth=1.5,
        marker=style.marker,
        markersize=5,
        markevery=max(1, len(values) // 8),
        label=board.drawn(entry),
        zorder=2 + len(board.entries) - board.entries.index(entry),
    )
    tag(axes, entry.algorithm, [line])
    if intervals is not None:
        band = axes.fill_between(places, *intervals.T, color=style.colour, alpha=0.16, linewidth=0)
        tag(axes, entry.algorithm, [band])


def tag(axes: Axes, algorithm: str, artists: Iterable[Artist]) -> None:
    """Mark what belongs to the algorithm, so that the page's filter can hide it."""
    panel = axes.figure.axes.index(axes)
    for artist in artists:
        count = sum(child.get_gid() is not None for child in axes.get_children())
        artist.set_gid(f"of.{slug(algorithm)}.{panel}.{count}")


def dashes(entry: Entry, board: Board, style: Style) -> str:
    """Configurations of one algorithm share its colour and differ in their lines."""
    siblings = sorted(other.digest for other in board.entries if other.algorithm == entry.algorithm)
    if len(siblings) > 1:
        return ("-", "--", ":", "-.")[siblings.index(entry.digest) % 4]
    return "--" if style.dashed else "-"


def panel_grid(count: int) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, two in a row."""
    columns = min(2, count)
    rows = ceil(count / columns)
    figure = Figure(figsize=(4.3 * columns, 3.1 * rows + 0.4), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in grid[count:]:
        axes.remove()
    return figure, grid[:count]


def finish(axes: Axes) -> None:
    axes.tick_params(length=3)
    seaborn.despine(ax=axes)


def add_legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    columns = 3 if max(map(len, labels)) <= 16 else 2 if max(map(len, labels)) <= 28 else 1
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=2.6)
