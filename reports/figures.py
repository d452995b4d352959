"""A suite's figures: learning curves before and after adaptation, and the score at each adaptation step."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib.style
import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.aggregate import Summary
from reports.boards import Board
from reports.colours import INK, LIGHT, LINE, Style
from reports.entries import Entry
from reports.numbers import short_count, slug

_WIDTH, _HEIGHT = 4.8, 4.9  # inches: two fit beside each other on a page, one on a phone
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

    def inline(self) -> str:
        """The SVG for use within a page: no prolog, ids of its own, the page's fonts and (in dark mode) colours."""
        text = self.svg[self.svg.index("<svg") :]
        text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
        text = re.sub(r'\bid="([^"]+)"', rf'id="{self.name}.\1"', text)
        text = re.sub(r'(href="|url\()#([^")]+)', rf"\1#{self.name}.\2", text)
        text = re.sub(r"font-family: [^;\"]*;? ?|(?<=px )'DejaVu Sans'[^;\"]*", "", text)
        for name, colour in LIGHT.items():
            text = text.replace(colour, f"var(--{name})")
        label = f'role="img" aria-label="{escape(self.caption)}"'
        return re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', rf"<svg \1 {label}>", text, count=1).strip()


def draw_board(board: Board, styles: Mapping[str, Style]) -> tuple[Drawing, ...]:
    """The suite's figures; the learning curves only where any algorithm trained."""
    drawings = []
    scores = f"IQM {board.metric} with 95 % interval over seeds"
    if board.departures:
        scores += " (* not comparable)"
    if any(entry.curve is not None and len(entry.curve.after) > 1 for entry in board.entries):
        caption = f"{board.suite}: learning curves on validation tasks, {scores}"
        drawings.append(_drawing(f"{slug(board.suite)}-learning", caption, lambda: _learning(board, styles)))
    caption = f"{board.suite}: adaptation curves on test tasks, {scores}"
    drawings.append(_drawing(f"{slug(board.suite)}-adaptation", caption, lambda: _adaptation(board, styles)))
    return tuple(drawings)


def _drawing(name: str, caption: str, draw: Callable[[], Figure]) -> Drawing:
    svg, png = io.StringIO(), io.BytesIO()
    # the salt makes ids, and so bytes, the same each time; no date or software version is written
    style: Any = ["default", {**seaborn.axes_style("ticks"), **_STYLE, "svg.hashsalt": name}]
    with matplotlib.style.context(style):
        figure = draw()
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    return Drawing(name, caption, svg.getvalue(), png.getvalue())


def _learning(board: Board, styles: Mapping[str, Style]) -> Figure:
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, sharey=True)
    curves = [(entry, entry.curve) for entry in board.entries if entry.curve is not None]
    end = max(curve.environment_steps[-1] for _, curve in curves)
    for axes, title in ((upper, "validation tasks, after adaptation"), (lower, "before adaptation")):
        for order, (entry, curve) in enumerate(curves):
            summaries = curve.after if axes is upper else curve.before
            steps = np.array(curve.environment_steps)
            if len(summaries) == 1:  # it does not train: the same at any number of steps
                steps, summaries = np.array([0.0, end]), (summaries[0], summaries[0])
            _line(axes, steps, summaries, entry, board, styles, zorder=len(curves) - order)
        axes.set_title(title)
        axes.set_ylabel(board.metric)
        _finish(axes)
    lower.set_xlabel("environment steps of meta-training")
    lower.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
    lower.xaxis.set_major_locator(MaxNLocator(6))
    _legend(figure, upper)
    return figure


def _line(
    axes: Axes,
    steps: np.ndarray,
    summaries: tuple[Summary, ...],
    entry: Entry,
    board: Board,
    styles: Mapping[str, Style],
    zorder: int,
) -> None:
    style = styles[entry.algorithm]
    axes.plot(
        steps,
        [summary.iqm for summary in summaries],
        color=style.colour,
        linestyle=_dashes(entry, board, style),
        linewidth=1.5,
        marker=style.marker,
        markersize=4,
        markevery=max(1, len(summaries) // 8),
        label=board.marked(entry),
        zorder=2 + zorder,
    )
    if all(summary.interval is not None for summary in summaries):
        low, high = np.array([summary.interval for summary in summaries]).T
        axes.fill_between(steps, low, high, color=style.colour, alpha=0.16, linewidth=0)


def _adaptation(board: Board, styles: Mapping[str, Style]) -> Figure:
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.subplots()
    offsets = np.linspace(-0.5, 0.5, len(board.entries)) * min(0.36, 0.06 * (len(board.entries) - 1))
    for order, (entry, offset) in enumerate(zip(board.entries, offsets, strict=True)):
        style = styles[entry.algorithm]
        iqms = np.array([summary.iqm for summary in entry.steps])
        low, high = np.array([summary.interval or (summary.iqm, summary.iqm) for summary in entry.steps]).T
        axes.errorbar(
            np.arange(len(iqms)) + offset,
            iqms,
            yerr=np.maximum([iqms - low, high - iqms], 0),  # a percentile interval may end short of the estimate
            color=style.colour,
            linestyle=_dashes(entry, board, style),
            linewidth=1.3,
            elinewidth=1.3,
            capsize=2.5,
            marker=style.marker,
            markersize=4.5,
            label=board.marked(entry),
            zorder=2 + len(board.entries) - order,
        )
    axes.set_title("test tasks")
    axes.set_xlabel("adaptation step")
    axes.set_ylabel(board.metric)
    axes.set_xticks(range(board.last_step + 1))
    axes.set_xlim(-0.4, board.last_step + 0.4)
    _finish(axes)
    _legend(figure, axes)
    return figure


def _dashes(entry: Entry, board: Board, style: Style) -> str:
    """Configurations of one algorithm share its colour and differ in their lines."""
    siblings = sorted(other.digest for other in board.entries if other.algorithm == entry.algorithm)
    if len(siblings) > 1:
        return ("-", "--", ":", "-.")[siblings.index(entry.digest) % 4]
    return "--" if style.dashed else "-"


def _finish(axes: Axes) -> None:
    axes.tick_params(length=3)
    seaborn.despine(ax=axes)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    columns = 3 if max(map(len, labels)) <= 16 else 2 if max(map(len, labels)) <= 28 else 1
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=2.6)
