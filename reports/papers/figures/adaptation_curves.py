"""Adaptation curves as papers show them: the return on test tasks against the number of adaptation steps."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.colours import LINE, Style
from reports.figures.drawing import Look, draw_panels, draw_steps
from reports.papers.figures.scores import Panel, Panels, title_of

DRAWN = "interquartile means over seeds and test tasks, as bars their 95 % intervals over seeds"


def draw(panels: Panels, styles: Mapping[str, Style]) -> Figure:
    """Interquartile mean over seeds and test tasks, with its 95 % interval; a band spans the paper's own axis."""

    def draw_panel(axes: Axes, panel: Panel) -> None:
        if panel.printed_axis is not None:
            axes.axhspan(*panel.printed_axis, color=LINE, alpha=0.35, linewidth=0, label="range of the paper's axis")
        looks = [Look(styles[entry.algorithm], panel.names[entry.algorithm], size=4.5) for entry in panel.entries]
        draw_steps(axes, panel.entries, looks, 0.3)
        axes.set_xlabel("adaptation steps")
        axes.set_ylabel(f"{panel.metric} on test tasks,\ninterquartile mean")
        axes.set_title(title_of(panel), fontsize=8.5)

    return draw_panels(panels, draw_panel, legend_columns=3)
