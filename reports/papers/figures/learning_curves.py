"""Learning curves as papers show them: the return after adaptation against environment steps of meta-training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.figures.colours import Style
from reports.papers.figures.scores import Panel
from reports.text.numbers import short_count


def draw(axes: Axes, panel: Panel, styles: Mapping[str, Style]) -> None:
    """Interquartile mean over seeds and validation tasks, with its 95 % interval where there are several seeds."""
    curves = [(entry, entry.curve) for entry in panel.entries if entry.curve is not None]
    end = max((curve.environment_steps[-1] for _, curve in curves), default=1.0)
    for entry, curve in curves:
        style, after = styles[entry.algorithm], curve.after
        steps = np.array(curve.environment_steps)
        if len(after) == 1:  # it does not train: the same at any number of steps
            steps, after = np.array([0.0, end]), (after[0], after[0])
        axes.plot(
            steps,
            [summary.iqm for summary in after],
            color=style.colour,
            linestyle="--" if style.dashed else "-",
            linewidth=1.5,
            marker=style.marker,
            markersize=4,
            markevery=max(1, len(after) // 8),
            label=panel.names[entry.algorithm],
        )
        if all(summary.interval is not None for summary in after):
            low, high = np.array([summary.interval for summary in after]).T
            axes.fill_between(steps, low, high, color=style.colour, alpha=0.16, linewidth=0)
    axes.set_xlabel("environment steps of meta-training")
    axes.set_ylabel(f"{panel.entries[0].metric.replace('_', ' ')}, after adaptation")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
    axes.xaxis.set_major_locator(MaxNLocator(6))
