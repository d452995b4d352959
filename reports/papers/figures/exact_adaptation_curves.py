"""Exact returns of tabular policies after each exact adaptation, without sampling."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.colours import Style
from reports.figures.drawing import Look, add_legend, draw_curve, finish, panel_grid
from reports.papers.figures.studies import Shown

#: methods that the measurement names otherwise
MEASURED_AS = {"maml-vpg": "maml"}


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """A panel for each suite, a line for each of the figure's algorithms: means over tasks."""
    figure, grid = panel_grid(len(shown.suites))
    for axes, suite in zip(grid, shown.suites, strict=True):
        for name in shown.figure.algorithms:
            values = shown.of("return after k steps", MEASURED_AS.get(name, name), suite)
            means = values.groupby("index")["value"].mean()
            look = Look(styles[name], shown.names.get(name, name), size=6)
            draw_curve(axes, means.index.to_numpy(), means.to_numpy(), None, look)
        axes.set_title(shown.title(suite))
        axes.set_xlabel("adaptation steps")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        finish(axes)
    for axes in grid[::2]:
        axes.set_ylabel("exact discounted return")
    add_legend(figure, grid[0], columns=4)
    return figure
