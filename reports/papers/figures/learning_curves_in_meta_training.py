"""Learning curves against the steps of meta-training alone: what an expert's training took is not counted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.colours import Style
from reports.figures.drawing import Look, draw_panels, draw_summaries, steps_axis
from reports.papers.figures.learning_curves import no_closer
from reports.papers.figures.scores import Panel, Panels, title_of


def draw(panels: Panels, styles: Mapping[str, Style]) -> Figure:
    """As `learning_curves`, each curve from the steps on that its run began with; a line marks where a guided one ends,
    since it has fewer to spend.
    """

    def draw_panel(axes: Axes, panel: Panel) -> None:
        curves = [(entry, entry.curve) for entry in panel.entries if entry.curve is not None]
        places = [np.array(curve.environment_steps) - curve.environment_steps[0] for _, curve in curves]
        end = max((float(steps[-1]) for steps in places), default=1.0)
        for (entry, curve), steps in zip(curves, places, strict=True):
            look = Look(styles[entry.algorithm], panel.names[entry.algorithm], size=4)
            draw_summaries(axes, steps, curve.after, end, look)
            if curve.environment_steps[0] > 0:
                axes.axvline(steps[-1], color=styles[entry.algorithm].colour, linestyle=":", linewidth=1, zorder=1)
        steps_axis(axes)
        axes.set_xlabel("environment steps of meta-training alone")
        no_closer(axes)
        axes.set_ylabel(f"{panel.metric}, after adaptation")
        axes.set_title(title_of(panel), fontsize=8.5)

    return draw_panels(panels, draw_panel, legend_columns=3)
