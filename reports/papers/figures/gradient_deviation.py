"""The meta-gradient's relative standard deviation along training, above the return at the same points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.figures.colours import Style
from reports.figures.drawing import finish
from reports.papers.figures.studies import Shown
from reports.text.numbers import short_count

PANELS = (
    ("relative-deviation", "relative std of the\nmeta-gradient (mean\nover coordinates)", False),
    ("norm-deviation", "std of the meta-gradient\nover its norm", True),
    ("return", "return after adaptation", False),
)


def draw_measured(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """Means over seeds; thin lines are the seeds."""
    figure = Figure(figsize=(4.8, 6.4), layout="constrained")
    grid = figure.subplots(len(PANELS), 1, sharex=True)
    for axes, (quantity, label, from_zero) in zip(grid, PANELS, strict=True):
        for algorithm in shown.algorithms:
            style = styles[algorithm]
            table = shown.of(quantity, algorithm).pivot_table("value", "x", "seed")
            for seed in table if table.shape[1] > 1 else ():
                axes.plot(table.index, table[seed], color=style.colour, linewidth=0.7, alpha=0.35)
            axes.plot(
                table.index,
                table.mean(axis=1),
                color=style.colour,
                linestyle="--" if style.dashed else "-",
                marker=style.marker,
                markersize=4,
                label=shown.names[algorithm],
            )
        axes.set_ylabel(label)
        if from_zero:
            axes.set_ylim(bottom=0, top=float(np.nanmax(shown.of(quantity)["value"])) * 1.08)
        finish(axes)
    grid[-1].set_xlabel("environment steps of meta-training")
    grid[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
    grid[-1].xaxis.set_major_locator(MaxNLocator(6))
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, handlelength=2.6)
    return figure
