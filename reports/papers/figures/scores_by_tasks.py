"""What each meta-policy scores above MAML on each group of tasks, a panel a suite: a dot a seed, a bar the mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.colours import INK, Style
from reports.figures.drawing import draw_panels
from reports.papers.figures.studies import Shown

GROUPS = {
    "poorly-adapted tasks": "poor",
    "other validation tasks": "other\nvalidation",
    "critical tasks": "critical",
    "non-critical training tasks": "non-critical\ntraining",
    "test tasks": "test",
}
BASE = "maml-vpg"
#: of the way from one group to the next, which all methods share
WITHIN = 0.8


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    compared = [name for name in shown.algorithms if name != BASE]
    width = min(0.18, WITHIN / max(1, len(compared)))

    def draw_panel(axes: Axes, suite: str) -> None:
        for number, name in enumerate(compared):
            for place, group in enumerate(GROUPS):
                gains = gains_of(shown, suite, name, group)
                across = place + (number - (len(compared) - 1) / 2) * width
                label = shown.names[name] if place == 0 else "_nolegend_"
                style = styles[name]
                axes.plot([across] * len(gains), gains, linestyle="", marker=style.marker, markersize=3.4,
                          color=style.colour, label=label)  # fmt: skip
                if len(gains) > 1:
                    middle = float(np.mean(gains))
                    axes.plot(
                        [across - 0.44 * width, across + 0.44 * width], [middle, middle], color=INK, linewidth=1.4
                    )
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_xticks(np.arange(len(GROUPS) - 1) + 0.5, minor=True)
        axes.tick_params(axis="x", which="minor", length=0)
        axes.grid(False, axis="x", which="major")
        axes.grid(True, axis="x", which="minor")  # between the groups
        axes.set_xticks(range(len(GROUPS)), list(GROUPS.values()), fontsize=7)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_title(shown.title(suite))
        axes.set_ylabel("score above MAML's")

    return draw_panels(shown.suites, draw_panel, legend_columns=2)


def gains_of(shown: Shown, suite: str, algorithm: str, group: str) -> np.ndarray:
    """[seed], of those that both have."""
    sides = [
        shown.of(f"score on the {group}", name, suite).groupby("seed")["value"].mean() for name in (algorithm, BASE)
    ]
    return (sides[0] - sides[1]).dropna().to_numpy()
