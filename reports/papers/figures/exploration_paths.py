"""Paths in the plane before and after adaptation to each of four corners, a column for each method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from reports.figures.colours import INK, PALETTE, Style
from reports.figures.drawing import finish
from reports.papers.figures.studies import Shown

LIMIT = 4.5  # of the plane that is shown


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """Paths of the first seed; each goal has its colour.  Discs: the regions in which a corner pays."""
    seed = int(shown.values["seed"].min())
    rows = shown.values[shown.values["seed"] == seed]
    steps = sorted(
        {int(name.split("-")[1]) for name in rows["quantity"] if name.startswith("path-") and name[5:].isdigit()}
    )
    width = 2.3 * len(shown.algorithms) + 0.4
    figure = Figure(figsize=(width, 2.45 * len(steps) + 0.3), layout="constrained")
    grid = figure.subplots(len(steps), len(shown.algorithms), squeeze=False, sharex=True, sharey=True)
    kept, radius = shown.study.configuration["paths"], shown.study.configuration["radius"]
    for line, step in zip(grid, steps, strict=True):
        for axes, algorithm in zip(line, shown.algorithms, strict=True):
            own = rows[(rows["algorithm"] == algorithm) & (rows["quantity"] == f"path-{step}")]
            _draw_plane(axes, radius)
            for colour, (_, path) in zip(PALETTE, own.groupby("task", sort=True), strict=False):
                points = path.sort_values("index")[["x", "value"]].to_numpy().reshape(kept, -1, 2)
                _draw_paths(axes, points, colour)
            if step == steps[0]:
                axes.set_title(shown.names[algorithm])
            finish(axes)
        when = "before adaptation" if step == 0 else f"after {step} adaptation steps"
        line[0].set_ylabel(when)
    figure.supxlabel(f"seed {seed}; a colour for each goal, {kept} episodes of each; dots: where they end", fontsize=8)
    return figure


def _draw_plane(axes: Axes, radius: float) -> None:
    for across in (-2.0, 2.0):
        for up in (-2.0, 2.0):
            colour = PALETTE[(across > 0) + 2 * (up > 0)]
            axes.add_patch(Circle((across, up), radius, facecolor=colour, alpha=0.08, linewidth=0))
            axes.plot([across], [up], marker="*", markersize=9, color=colour, markeredgecolor=INK, markeredgewidth=0.5)
    axes.set_xlim(-LIMIT, LIMIT)
    axes.set_ylim(-LIMIT, LIMIT)
    axes.set_aspect("equal")
    axes.set_xticks([-4, -2, 0, 2, 4])
    axes.set_yticks([-4, -2, 0, 2, 4])


def _draw_paths(axes: Axes, points: np.ndarray, colour: str) -> None:
    for path in points:
        axes.plot(path[:, 0], path[:, 1], color=colour, linewidth=0.7, alpha=0.75)
        axes.plot([path[-1, 0]], [path[-1, 1]], marker="o", markersize=2.5, color=colour)
