"""Mutual information against iterations, and its mean squared gradient against their number, above a proof's bound."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reports.figures.colours import LIGHT, PALETTE, Style
from reports.figures.drawing import add_legend, finish
from reports.papers.figures.studies import Shown

DIRECTIONS = {"corrected": "along its gradient", "printed": "along Lemma 1 as printed"}


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """A line for each small problem."""
    figure = Figure(figsize=(5.2, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1)
    for (name, label), colour in zip(DIRECTIONS.items(), PALETTE, strict=False):
        _draw_lines(above, shown, "theorem2-information", name, label, colour, "")
    above.set_xlabel("iteration")
    above.set_ylabel("mutual information / log N")
    _draw_lines(below, shown, "theorem1-squared-gradient", "", "measured", PALETTE[0], "o")
    _draw_lines(below, shown, "theorem1-bound", "", "the proof's bound, ~ 1/√K", LIGHT["grey"], "")
    below.set_xscale("log")
    below.set_yscale("log")
    for axis in (below.xaxis, below.yaxis):  # a scale brings formatters of its own
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
        axis.set_minor_locator(NullLocator())
    below.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))  # it may span less than a power of ten
    below.set_xticks(sorted(set(shown.of("theorem1-squared-gradient")["x"])))
    below.set_ylabel("mean squared gradient")
    below.set_xlabel("iterations K, each with its own step size")
    for axes in (above, below):
        finish(axes)
    add_legend(figure, above, below, columns=2)
    return figure


def _draw_lines(axes: Axes, shown: Shown, quantity: str, algorithm: str, label: str, colour: str, marker: str) -> None:
    for count, (_, rows) in enumerate(shown.of(quantity, algorithm).groupby(["seed", "index"])):
        curve = rows.sort_values("x")
        named = label if count == 0 else "_nolegend_"
        axes.plot(
            curve["x"], curve["value"], color=colour, marker=marker or None, markersize=4, linewidth=1.3, label=named
        )
