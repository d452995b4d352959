"""Figures of papers by matplotlib, with the same bytes each time, and what they share: style, curves, legend.

A report has dozens of figures, which matplotlib would take minutes for: see `reports/figures/canvas.py`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeVar

import matplotlib.style
import numpy as np
import seaborn
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatterMathtext, MaxNLocator, NullFormatter

from reports.figures.chart import TRAINING
from reports.figures.colours import INK, LINE, Style
from reports.figures.figure_files import Drawing as Drawing
from reports.figures.inline_svg import inline_svg
from reports.scores.entries import AlgorithmScores
from reports.statistics.aggregate import Summary
from reports.text.numbers import short_count

Item = TypeVar("Item")

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
    text = svg.getvalue()
    return Drawing(name, caption, text, png.getvalue(), inline_svg(text, name, caption), broad)


@dataclass(frozen=True)
class Look:
    """How a line is drawn, and what the legend calls it."""

    style: Style
    label: str
    dashes: str = ""  # matplotlib's; "": those of the style
    size: float = 5  # of its markers
    order: float = 2  # what is higher lies on top

    @property
    def line(self) -> dict[str, Any]:
        """Arguments for matplotlib."""
        return {
            "color": self.style.colour,
            "linestyle": self.dashes or ("--" if self.style.dashed else "-"),
            "marker": self.style.marker,
            "markersize": self.size,
            "label": self.label,
            "zorder": self.order,
        }


def draw_curve(
    axes: Axes, places: np.ndarray, values: np.ndarray, intervals: np.ndarray | None, look: Look
) -> list[Artist]:
    """A line with its interval as a band.

    places, values: [point].  intervals: [point, 2], or None where there is none.
    """
    drawn = list[Artist](axes.plot(places, values, linewidth=1.5, markevery=max(1, len(values) // 8), **look.line))
    if intervals is not None:
        colour = look.style.colour
        drawn.append(axes.fill_between(places, *intervals.T, color=colour, alpha=0.16, linewidth=0))
    return drawn


def draw_summaries(
    axes: Axes, places: np.ndarray, summaries: Sequence[Summary], end: float, look: Look
) -> list[Artist]:
    """Interquartile means as a curve, with their intervals where all have one.

    places: [point].  end: until where that is drawn which was evaluated once, since it does not train.
    """
    if len(summaries) == 1:
        places, summaries = np.array([0.0, end]), (summaries[0], summaries[0])
    intervals = [summary.interval for summary in summaries if summary.interval is not None]
    iqms = np.array([summary.iqm for summary in summaries])
    return draw_curve(axes, places, iqms, np.array(intervals) if len(intervals) == len(summaries) else None, look)


def draw_steps(
    axes: Axes, entries: Sequence[AlgorithmScores], looks: Sequence[Look], width: float
) -> list[list[Artist]]:
    """Each entry's interquartile mean after each adaptation step, with its interval, over at most `width` of a step."""
    drawn = []
    offsets = np.linspace(-0.5, 0.5, len(entries)) * min(width, 0.06 * (len(entries) - 1))
    for entry, look, offset in zip(entries, looks, offsets, strict=True):
        iqms = np.array([summary.iqm for summary in entry.steps])
        low, high = np.array([summary.interval or (summary.iqm, summary.iqm) for summary in entry.steps]).T
        errors = np.maximum([iqms - low, high - iqms], 0)  # a percentile interval may end short of the estimate
        places = np.arange(len(iqms)) + offset
        bars = axes.errorbar(places, iqms, yerr=errors, linewidth=1.3, elinewidth=1.3, capsize=2.5, **look.line)
        line, caps, whiskers = bars.lines
        drawn.append([line, *caps, *whiskers])
    last = max(len(entry.steps) for entry in entries) - 1
    axes.set_xticks(range(last + 1))
    axes.set_xlim(-0.4, last + 0.4)
    return drawn


def steps_axis(axes: Axes, label: str = TRAINING) -> None:
    axes.set_xlabel(label)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
    axes.xaxis.set_major_locator(MaxNLocator(6))


def draw_panels(items: Sequence[Item], draw_panel: Callable[[Axes, Item], None], legend_columns: int) -> Figure:
    """A figure with a panel for each item, two in a row, and one legend."""
    columns = min(2, len(items))
    rows = ceil(len(items) / columns)
    figure = Figure(figsize=(4.3 * columns, 3.1 * rows + 0.4), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in grid[len(items) :]:
        axes.remove()
    for axes, item in zip(grid, items, strict=False):
        draw_panel(axes, item)
        finish(axes)
    add_legend(figure, *grid[: len(items)], columns=legend_columns)
    return figure


def finish(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_formatter(), LogFormatterMathtext):  # its ticks are math, which is not set here
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
            axis.set_minor_formatter(NullFormatter())
    axes.tick_params(length=3)
    seaborn.despine(ax=axes)


def add_legend(figure: Figure, *panels: Axes, columns: int | None = None) -> None:
    """Below the panels; what several panels show stands there once.

    columns: at most, fewer where they have no room; None: by the length of names.
    """
    handles: list[Artist] = []
    labels: list[str] = []
    for axes in panels:
        earlier = set(labels)
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if label not in earlier:
                handles.append(handle)
                labels.append(str(label))
    longest = max(map(len, labels), default=0)
    columns = columns or (3 if longest <= 16 else 2 if longest <= 28 else 1)
    planned = 0.0
    for count in range(columns, 0, -1):
        legend = figure.legend(handles, labels, loc="outside lower center", ncols=count, handlelength=2.6)
        extent = legend.get_window_extent()
        planned = planned or extent.height
        if count == 1 or extent.width <= figure.bbox.width:
            break
        legend.remove()
    figure.set_figheight(figure.get_figheight() + (extent.height - planned) / figure.dpi)  # panels keep their size
