"""Optimality gaps without adaptation, after one-time adaptation and after a policy-gradient step, and their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.colours import INK, PALETTE, Style
from reports.figures import finish
from reports.paper_measured_figures import Shown

BARS = (
    ("no\nadaptation", "optimality gap", 0),
    ("policy-gradient\nstep", "optimality gap of a policy-gradient step from its meta-policy", 1),
    ("one-time\nAlg", "optimality gap", 1),
)
#: readings of Alg(3) that its equations leave open
BY_STATE = "-by-state"


def draw_measured(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """A panel for each suite and reading; lines are bounds at the paper's lambda."""
    (algorithm,) = shown.algorithms
    present = set(shown.of("optimality gap")["algorithm"])
    readings = [name for name in (algorithm, algorithm + BY_STATE) if name in present]
    panels = [
        (suite, reading) for reading in readings for suite in shown.suites if len(shown.of("bound", reading, suite))
    ]
    columns = min(2, len(panels))
    rows = ceil(len(panels) / columns)
    figure = Figure(figsize=(3.6 * columns, 2.7 * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (suite, reading) in zip(grid, panels, strict=False):
        _draw_panel(axes, shown, suite, reading, styles[algorithm].colour)
    for axes in grid[len(panels) :]:
        axes.remove()
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, handlelength=2.6)
    return figure


def _draw_panel(axes: Axes, shown: Shown, suite: str, reading: str, colour: str) -> None:
    def value(quantity: str, index: int | None = None) -> float | None:
        rows = shown.of(quantity, reading, suite)
        rows = rows if index is None else rows[rows["index"] == index]
        return float(rows["value"].mean()) if len(rows) else None

    heights = [value(quantity, index) for _, quantity, index in BARS]
    bars = [(label, height) for (label, _, _), height in zip(BARS, heights, strict=True) if height is not None]
    drawn = axes.bar(range(len(bars)), [height for _, height in bars], width=0.55, color=[PALETTE[5]] * len(bars))
    if bars and bars[-1][0] == BARS[-1][0]:
        drawn[-1].set_facecolor(colour)
    axes.bar_label(drawn, fmt="%.3g", fontsize=8, padding=2)
    lines = (("bound", "bound at the paper's λ", "-"), ("bound with the best comparators", "with the best comparators", "--"))
    top = max((height for _, height in bars), default=1.0)
    for quantity, label, dash in lines:
        height = value(quantity)
        if height is not None:
            axes.axhline(height, color=INK, linestyle=dash, linewidth=1.3, label=label)
            top = max(top, min(height, 3 * top))
    guaranteed = value("bound at the theorem's lambda")
    if guaranteed is not None:
        said = f"bound at the theorem's λ: {guaranteed:.3g}"
        axes.text(0.98, 0.97, said, transform=axes.transAxes, ha="right", va="top", fontsize=8)
        top *= 1.1
    axes.set_ylim(0, top * 1.15)
    axes.set_xticks(range(len(bars)), [label for label, _ in bars])
    axes.set_ylabel("optimality gap")
    options = suite.partition("[")[2].rstrip("]")
    name = shown.names.get(suite, suite) + (f", {options}" if options else "")
    axes.set_title(f"{name}\n{reading}" if reading.endswith(BY_STATE) else name, fontsize=8.5)
    finish(axes)
