"""Bias and variance of Hessian estimates on enumerated MDPs, and their variance on a robot, by estimator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reports.figures.colours import INK, PALETTE, Style
from reports.figures.drawing import finish
from reports.papers.figures.studies import Shown

#: estimators in the order of a reader's interest; others follow
NAMES = {
    "log-probability": "MAML: log π · A",
    "lvc": "LVC",
    "dice": "DiCE",
    "tmaml": "TMAML, corrected",
    "tmaml-first-order": "TMAML, corrected,\nwith a first-order baseline",
    "tmaml-printed": "TMAML, as printed",
}
#: biases of rounding alone are drawn here
FLOOR = 1e-17
PANELS = (
    ("hessian-bias", "bias of the Hessian\n(relative, exact)"),
    ("hessian-variance", "variance of the Hessian\n(relative, exact)"),
    ("product-variance", "variance of Hessian-vector\nproducts on a robot, sampled"),
)


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """A dot for each MDP, or group of repeats; a bar at their median."""
    panels = [(quantity, label) for quantity, label in PANELS if len(shown.of(quantity))]
    present = set(shown.values["algorithm"])
    kinds = [kind for kind in NAMES if kind in present] + sorted(present - set(NAMES))
    figure = Figure(figsize=(2.5 * len(panels) + 1.9, 0.42 * len(kinds) + 1.0), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (quantity, label) in zip(grid, panels, strict=True):
        for place, kind in enumerate(kinds):
            _draw_kind(axes, place, shown.of(quantity, kind)["value"].to_numpy(), PALETTE[place % len(PALETTE)])
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(label)
        finish(axes)
    grid[0].set_yticks(range(len(kinds)), [NAMES.get(kind, kind) for kind in kinds])
    grid[0].invert_yaxis()
    return figure


def _draw_kind(axes: Axes, place: int, values: np.ndarray, colour: str) -> None:
    values = np.maximum(values, FLOOR)
    offsets = np.linspace(-0.22, 0.22, len(values))
    axes.plot(values, place + offsets, linestyle="", marker="o", markersize=3, color=colour, alpha=0.6)
    middle = float(np.median(values)) if len(values) else np.nan
    axes.plot([middle, middle], [place - 0.32, place + 0.32], color=INK, linewidth=1.6)
