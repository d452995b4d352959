"""Mutual information as a share of log N along XMRL-G's own training, a panel for each suite and a line for a seed."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.colours import LIGHT, Style
from reports.figures.drawing import draw_panels
from reports.papers.figures.studies import Shown

SHARE = "metric information_share"


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    def draw_panel(axes: Axes, suite: str) -> None:
        for name in shown.algorithms:
            for count, (_, rows) in enumerate(shown.of(SHARE, name, suite).groupby("seed")):
                curve = rows.sort_values("index")
                style, label = styles[name], shown.names[name] if count == 0 else "_nolegend_"
                axes.plot(curve["index"], curve["value"], color=style.colour, marker=style.marker, markersize=3,
                          linewidth=1.2, label=label)  # fmt: skip
        for share in (0.1, 0.9):
            axes.axhline(share, color=LIGHT["grey"], linewidth=0.8, linestyle=":")
        axes.set_ylim(-0.03, 1.03)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_title(shown.title(suite))
        axes.set_xlabel("meta-iteration")
        axes.set_ylabel("information / log N")

    return draw_panels(shown.suites, draw_panel, legend_columns=2)
