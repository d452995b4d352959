"""Learning curves against the steps of meta-training alone: what an expert's training took is not counted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.colours import Style
from reports.figures.drawing import Look, draw_panels, draw_summaries, steps_axis
from reports.papers.figures.learning_curves import DRAWN as DRAWN
from reports.papers.figures.learning_curves import no_closer
from reports.papers.figures.scores import Panel, Panels, title_of
from reports.text.numbers import NONE, decimals_for, number, short_count
from reports.text.table import Table
from results.published import PaperFigure


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
        steps_axis(axes, "environment steps of meta-training alone")
        no_closer(axes)
        axes.set_ylabel(f"{panel.metric} after adaptation,\ninterquartile mean")
        axes.set_title(title_of(panel), fontsize=8.5)

    return draw_panels(panels, draw_panel, legend_columns=3)


def numbers(figure: PaperFigure, panels: Panels) -> Table:
    """What each had spent, and its curve where the first of them ends: straight between its points."""
    rows: list[tuple[str, ...]] = []
    for panel in panels:
        curves = {entry.algorithm: entry.curve for entry in panel.entries if entry.curve is not None}
        own = {name: np.array(curve.environment_steps) - curve.environment_steps[0] for name, curve in curves.items()}
        shared = min((float(steps[-1]) for steps in own.values() if len(steps) > 1), default=0.0)
        for name, curve in curves.items():
            values = [summary.iqm for summary in curve.after]
            there, last = float(np.interp(shared, own[name], values)), values[-1]
            decimals = decimals_for((there, last))
            trained = len(own[name]) > 1
            rows.append((
                panel.suite.printed,
                panel.names[name],
                panel.found.name,
                short_count(int(curve.environment_steps[0])) if trained else NONE,
                short_count(int(own[name][-1])) if trained else NONE,
                f"{number(there, decimals)} at {short_count(int(shared))}" if trained else NONE,
                number(last, decimals),
            ))  # fmt: skip
    title = (
        f"{figure.place}: {figure.title}; ours: interquartile means over seeds and validation tasks, after adaptation"
    )
    columns = (
        "Environment",
        "Method",
        "Our runs",
        "Its expert's steps",
        "Its own",
        "At equal steps of its own",
        "At its end",
    )
    return Table(title, columns, tuple(rows))
