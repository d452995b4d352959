"""Which test tasks each algorithm does well on: a cell for each algorithm and task."""

from __future__ import annotations

import numpy as np
import seaborn
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from reports.scores.boards import SuiteScores
from reports.text.numbers import decimals_for, finite_range, number

#: steps of the colour scale: as many as can be told apart
_SHADES = 9
_NUMBERED = 8  # up to so many tasks the cells hold their numbers


def task_heat_map(board: SuiteScores) -> Figure:
    """Means over seeds and episodes after the last adaptation step; the lighter the higher (viridis)."""
    tasks = max((entry.tasks for entry in board.entries), key=len)
    scores = np.full((len(board.entries), len(tasks)), np.nan)
    for row, entry in enumerate(board.entries):
        for task, score in zip(entry.tasks, entry.scores[-1].mean(axis=0), strict=True):
            if task in tasks:  # an entry that may not be compared may have been scored on others
                scores[row, tasks.index(task)] = score
    low, high = finite_range([float(np.nanmin(scores)), float(np.nanmax(scores))])
    bounds = np.linspace(low, high, _SHADES + 1)
    figure = Figure(figsize=(9.9, 1.35 + 0.27 * len(board.entries)), layout="constrained")
    axes = figure.subplots()
    decimals = decimals_for([low, high])
    texts = [[number(float(score), decimals) if np.isfinite(score) else "" for score in row] for row in scores]
    seaborn.heatmap(
        scores,
        ax=axes,
        cmap=ListedColormap(seaborn.color_palette("viridis", _SHADES)),
        norm=BoundaryNorm(bounds, _SHADES),
        annot=np.array(texts) if len(tasks) <= _NUMBERED else None,
        fmt="",
        annot_kws={"fontsize": 8},
        linewidths=0.4,
        linecolor="none",
        xticklabels=list(tasks),
        yticklabels=[board.drawn(entry) for entry in board.entries],
        cbar_kws={"label": board.metric, "pad": 0.01, "ticks": bounds[:: _SHADES // 3]},
    )
    bar = figure.axes[-1]
    bar.set_yticklabels([number(float(bound), decimals) for bound in bounds[:: _SHADES // 3]])
    bar.collections[-1].set_rasterized(False)
    axes.tick_params(length=0)
    axes.tick_params(axis="x", labelrotation=0 if len(tasks) <= _NUMBERED else 90, labelsize=7.5)
    axes.tick_params(axis="y", labelrotation=0)
    axes.set_xlabel("test task")
    axes.grid(False)
    return figure
