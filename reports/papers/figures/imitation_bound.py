"""GMPS's Theorem A.1: the adapted policy's cost and the expert's, with the bounds on it where both sides are known."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.colours import INK, LINE, PALETTE, Style
from reports.figures.drawing import draw_panels
from reports.papers.figures.studies import Shown

#: quantity, its name in the legend, its marker and its colour
DRAWN = (
    ("a1-cost", "cost of the adapted policy", "o", PALETTE[0]),
    ("a1-expert-cost", "the expert's", "D", INK),
    ("a1-printed-bound", "bound as printed", "^", PALETTE[1]),
    ("a1-corrected-bound", "bound as corrected", "v", PALETTE[2]),
    ("a1-variation-bound", "bound by the total variation", "s", PALETTE[4]),
)
LARGEST = "a1-largest-cost"


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """A panel a suite: means over tasks and seeds.  Where no method learned, against what is in the rows' `x`."""

    def draw_panel(axes: Axes, suite: str) -> None:
        rows = shown.values[shown.values["suite"] == suite]
        if set(rows["algorithm"]) == {""}:
            _along(axes, shown, suite)
        else:
            _by_training(axes, shown, suite)
        axes.set_title(suite.replace("[", "\n").rstrip("]"), fontsize=8.5)
        axes.set_ylabel("cost over the horizon")
        if (rows["quantity"] == LARGEST).any():  # bounds there are hundreds of times the largest cost
            axes.set_yscale("log")
        else:
            axes.yaxis.set_major_locator(MaxNLocator(6))

    return draw_panels(shown.suites, draw_panel, legend_columns=3)


def _along(axes: Axes, shown: Shown, suite: str) -> None:
    """The counterexample: how much more often the learned policy takes the costly action."""
    for number, (quantity, label, marker, colour) in enumerate(DRAWN):
        means = shown.of(quantity, "", suite).groupby("x")["value"].mean()
        # the bound by the total variation is the cost itself here, which must be seen over it
        wide: dict[str, Any] = (
            {"linewidth": 4.0, "alpha": 0.5} if quantity == "a1-variation-bound" else {"linewidth": 1.3}
        )
        axes.plot(means.index, means.to_numpy(), marker=marker, markersize=4, color=colour, label=label,
                  zorder=9 - number, **wide)  # fmt: skip
    axes.set_xlabel("how much more often the costly action is taken")


def _by_training(axes: Axes, shown: Shown, suite: str) -> None:
    """Each method after its first and its last round; the largest cost that there is stands as a line."""
    places = [
        (name, int(index))
        for name in shown.algorithms
        for index in sorted(set(shown.of("a1-cost", name, suite)["index"]))
    ]
    for number, (quantity, label, marker, colour) in enumerate(DRAWN):
        for place, (name, index) in enumerate(places):
            rows = shown.of(quantity, name, suite)
            means = rows[rows["index"] == index].groupby("seed")["value"].mean()
            across = [place + (number - (len(DRAWN) - 1) / 2) * 0.13] * len(means)
            axes.plot(across, means.to_numpy(), linestyle="", marker=marker, markersize=5, color=colour,
                      label=label if place == 0 else "_nolegend_")  # fmt: skip
    largest = shown.of(LARGEST, None, suite)["value"]
    if len(largest):
        axes.axhline(float(largest.mean()), color=INK, linestyle="--", linewidth=1.2, label="largest cost: the horizon")
    for place in range(1, len(places)):
        axes.axvline(place - 0.5, color=LINE, linewidth=0.8)
    methods = {name: "\n".join(wrap(shown.names[name], 10, break_long_words=False)) for name in shown.algorithms}
    names = [f"{methods[name]}\n{f'{index} rounds' if index else 'untrained'}" for name, index in places]
    axes.set_xticks(range(len(places)), names, fontsize=7)
    axes.set_xlim(-0.5, len(places) - 0.5)
