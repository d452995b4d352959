"""The score on training tasks less that on test tasks, a panel for each suite: a dot a seed, a bar the mean."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.colours import INK, Style
from reports.figures.drawing import draw_panels
from reports.papers.figures.studies import Shown


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    def draw_panel(axes: Axes, suite: str) -> None:
        for place, name in enumerate(shown.algorithms):
            gaps = shown.of("generalisation gap", name, suite).groupby("seed")["value"].mean()
            style = styles[name]
            axes.plot(gaps.to_numpy(), [place] * len(gaps), linestyle="", marker=style.marker, markersize=4,
                      color=style.colour, label=shown.names[name])  # fmt: skip
            if len(gaps) > 1:
                axes.plot([float(gaps.mean())] * 2, [place - 0.3, place + 0.3], color=INK, linewidth=1.4)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks([])
        axes.set_ylim(len(shown.algorithms) - 0.4, -0.6)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_title(shown.title(suite))
        axes.set_xlabel("training less test")

    return draw_panels(shown.suites, draw_panel, legend_columns=2)
