"""Learning curves as papers show them: the return after adaptation against environment steps, an expert's included."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.chart import AN_EXPERTS_TOO, TRAINING
from reports.figures.colours import Style
from reports.figures.drawing import Look, draw_panels, draw_summaries, steps_axis
from reports.papers.figures.scores import Panel, Panels, title_of

DRAWN = "interquartile means over seeds and validation tasks, as bands their 95 % intervals over seeds"
#: of the largest return, that an axis spans at least
LEAST_SPAN = 0.25


def draw(panels: Panels, styles: Mapping[str, Style]) -> Figure:
    """Interquartile mean over seeds and validation tasks, with its 95 % interval where there are several seeds."""

    guided = any(panel.guided for panel in panels)

    def draw_panel(axes: Axes, panel: Panel) -> None:
        shown = (*panel.entries, *panel.experts)
        curves = [(entry, entry.curve) for entry in shown if entry.curve is not None]
        end = max((curve.environment_steps[-1] for _, curve in curves), default=1.0)
        for entry, curve in curves:
            look = Look(styles[entry.algorithm], panel.names[entry.algorithm], size=4)
            draw_summaries(axes, np.array(curve.environment_steps), curve.after, end, look)
        steps_axis(axes, AN_EXPERTS_TOO if guided else TRAINING)
        no_closer(axes)
        axes.set_ylabel(f"{panel.metric} after adaptation,\ninterquartile mean")
        axes.set_title(title_of(panel), fontsize=8.5)

    return draw_panels(panels, draw_panel, legend_columns=3)


def no_closer(axes: Axes) -> None:
    """Keeps an axis from showing the noise of curves that hardly differ as if it were learning."""
    low, high = axes.get_ylim()
    missing = LEAST_SPAN * max(abs(low), abs(high)) - (high - low)
    if missing > 0:
        axes.set_ylim(low - missing / 2, high + missing / 2)
