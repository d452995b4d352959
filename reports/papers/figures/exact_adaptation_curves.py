"""Exact returns of tabular policies after each exact adaptation, without sampling."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.colours import Style
from reports.figures.drawing import finish, panel_grid
from reports.papers.figures.studies import Shown

#: methods that the measurement names otherwise
MEASURED_AS = {"maml-vpg": "maml"}


def draw_measured(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """A panel for each suite, a line for each of the figure's algorithms: means over tasks."""
    figure, grid = panel_grid(len(shown.suites))
    for axes, suite in zip(grid, shown.suites, strict=True):
        for name in shown.figure.algorithms:
            values = shown.of("return after k steps", MEASURED_AS.get(name, name), suite)
            means = values.groupby("index")["value"].mean()
            style = styles[name]
            axes.plot(
                means.index,
                means,
                color=style.colour,
                marker=style.marker,
                linestyle="--" if style.dashed else "-",
                label=shown.names.get(name, name),
            )
        options = suite.partition("[")[2]
        axes.set_title("\n".join(filter(None, [shown.names[suite], options.rstrip("]")])))
        axes.set_xlabel("adaptation steps")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        finish(axes)
    for axes in grid[::2]:
        axes.set_ylabel("exact discounted return")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, handlelength=2.6)
    return figure
