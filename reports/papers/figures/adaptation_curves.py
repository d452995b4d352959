"""Adaptation curves as papers show them: the return on test tasks against the number of adaptation steps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from reports.figures.colours import LINE, Style
from reports.papers.figures.scores import Panel


def draw(axes: Axes, panel: Panel, styles: Mapping[str, Style]) -> None:
    """Interquartile mean over seeds and test tasks, with its 95 % interval; a band spans the paper's own axis."""
    if panel.printed_axis is not None:
        axes.axhspan(*panel.printed_axis, color=LINE, alpha=0.35, linewidth=0, label="range of the paper's axis")
    offsets = np.linspace(-0.5, 0.5, len(panel.entries)) * min(0.3, 0.06 * (len(panel.entries) - 1))
    for entry, offset in zip(panel.entries, offsets, strict=True):
        style = styles[entry.algorithm]
        iqms = np.array([summary.iqm for summary in entry.steps])
        low, high = np.array([summary.interval or (summary.iqm, summary.iqm) for summary in entry.steps]).T
        axes.errorbar(
            np.arange(len(iqms)) + offset,
            iqms,
            yerr=np.maximum([iqms - low, high - iqms], 0),  # a percentile interval may end short of the estimate
            color=style.colour,
            linestyle="--" if style.dashed else "-",
            linewidth=1.3,
            elinewidth=1.3,
            capsize=2.5,
            marker=style.marker,
            markersize=4.5,
            label=panel.names[entry.algorithm],
        )
    last = max(len(entry.steps) for entry in panel.entries) - 1
    axes.set_xlabel("adaptation steps")
    axes.set_ylabel(f"{panel.entries[0].metric.replace('_', ' ')} on test tasks")
    axes.set_xticks(range(last + 1))
    axes.set_xlim(-0.4, last + 0.4)
