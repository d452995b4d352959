"""Mutual information as a share of log N along XMRL-G's own training, a panel for each suite and a line for a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.colours import LIGHT, Style
from reports.figures.drawing import draw_panels
from reports.papers.figures.studies import Shown
from reports.text.numbers import plural

SHARE, STEP_SIZE = "metric information_share", "metric posterior_step_size"


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


def said(shown: Shown) -> list[str]:
    """How often the information rises in what is drawn, and of the steps that set its scale anew."""
    rises = [steps for steps in _rises(shown) if len(steps)]
    if not rises:
        return []
    every, again = np.concatenate(rises).T
    whole = sum(bool(steps[:, 0].all()) for steps in rises)
    found = (
        f"From one meta-iteration to the next the information rises in {every.sum()} of {plural(len(every), 'step')}; "
        f"it rises in every step of {whole} of {plural(len(rises), 'training')}"
    )
    if not again.any():
        return [found]
    return [
        found,
        f"{again.sum()} of the steps {'comes' if again.sum() == 1 else 'come'} after a meta-iteration that quartered "
        "the lower level's step size: there the "
        "meta-parameter's standard deviation is set anew, and the curve begins again near where it began",
        f"Of the other {plural((~again).sum(), 'step')} {(every & ~again).sum()} rise",
    ]


def _rises(shown: Shown) -> Iterator[np.ndarray]:
    """Of each training, bool [step, 2]: whether the information rises, and whether its scale was set anew."""
    for suite in shown.suites:
        for name in shown.algorithms:
            sizes = dict(iter(shown.of(STEP_SIZE, name, suite).groupby("seed")))
            for seed, rows in shown.of(SHARE, name, suite).groupby("seed"):
                curve = rows.set_index("index")["value"].sort_index()
                own = sizes[seed].set_index("index")["value"].reindex(curve.index) if seed in sizes else 0 * curve
                yield np.stack([np.diff(curve) > 0, np.diff(own) < 0], axis=1)
