"""The meta-gradient's relative standard deviation along training, above the return at the same points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from reports.figures.colours import Style
from reports.figures.drawing import Look, add_legend, draw_curve, finish, steps_axis
from reports.papers.figures.studies import Shown

PANELS = (
    ("relative-deviation", "relative std of the\nmeta-gradient (mean\nover coordinates)", "log"),
    ("norm-deviation", "std of the meta-gradient\nover its norm", "from 0"),
    ("return", "return after adaptation", "linear"),
)


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """Means over seeds; thin lines are the seeds."""
    figure = Figure(figsize=(4.8, 6.4), layout="constrained")
    grid = figure.subplots(len(PANELS), 1, sharex=True)
    for axes, (quantity, label, scale) in zip(grid, PANELS, strict=True):
        for algorithm in shown.algorithms:
            style = styles[algorithm]
            table = shown.of(quantity, algorithm).pivot_table("value", "x", "seed")
            for seed in table if table.shape[1] > 1 else ():
                axes.plot(table.index, table[seed], color=style.colour, linewidth=0.7, alpha=0.35)
            look = Look(style, shown.names[algorithm], size=4)
            draw_curve(axes, table.index.to_numpy(), table.mean(axis=1).to_numpy(), None, look)
        axes.set_ylabel(label)
        if scale == "log":  # a ratio without an upper end: one coordinate whose mean is near 0 makes it thousands
            axes.set_yscale("log")
        elif scale == "from 0":
            axes.set_ylim(bottom=0, top=float(np.nanmax(shown.of(quantity)["value"])) * 1.08)
        finish(axes)
    steps_axis(grid[-1])
    add_legend(figure, grid[0], columns=3)
    return figure
