"""What meta-training costs each method beside its environment steps: processor time, gradients, Hessian products.

For a method that explains, also how many training tasks it saw and whether anything stood out; for one that augments,
how often the mutual information that it ascends rises from one meta-iteration to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.colours import INK, Style
from reports.figures.drawing import draw_panels
from reports.papers.figures.scores import Panel, Panels, title_of
from reports.papers.times import one_processor, times_of
from reports.scores.entries import AlgorithmScores
from reports.text.numbers import NONE, decimals_for, number
from reports.text.table import Table
from results.published import PaperFigure

if TYPE_CHECKING:
    import pandas as pd

#: steps for which processor time is shown
_STEPS = 1000
#: metrics that count the work of a meta-iteration that augments, and their columns
_COUNTED = {"gradients": "Gradients in an augmenting iteration", "hessian_products": "Hessian products in one"}
_EXPLAINED = {"explained_tasks": "Training tasks explained", "explanation_p": "p of equal weights, by seed"}
_ASCENDED = {"mutual_information": "Steps in which the information rises"}


def draw(panels: Panels, styles: Mapping[str, Style]) -> Figure:
    """A dot a seed, a bar the mean, of processor time; none where several kinds of processor made the runs."""

    def draw_panel(axes: Axes, panel: Panel) -> None:
        for place, (entry, times) in enumerate(_timed(panel).items()):
            style = styles[entry.algorithm]
            axes.plot(times, [place] * len(times), linestyle="", marker=style.marker, markersize=4,
                      color=style.colour, label=panel.names[entry.algorithm])  # fmt: skip
            axes.plot([float(times.mean())] * 2, [place - 0.3, place + 0.3], color=INK, linewidth=1.4)
        axes.set_yticks([])
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.set_xlabel(f"processor seconds for {_STEPS:,} steps")
        axes.set_title(title_of(panel), fontsize=8.5)

    return draw_panels(panels, draw_panel, legend_columns=3)


def numbers(figure: PaperFigure, panels: Panels) -> Table:
    rows: list[tuple[str, ...]] = []
    for panel in panels:
        times = _timed(panel)
        for entry in panel.entries:
            own = times.get(entry)
            rows.append((
                panel.suite.printed,
                panel.names[entry.algorithm],
                panel.found.name,
                NONE if own is None else _range(own),
                *(_mean(entry, metric) for metric in _COUNTED),
                ", ".join(f"{count:g}" for count in sorted(set(_values(entry, "explained_tasks")))) or NONE,
                _by_seed(entry, "explanation_p"),
                *(_rises(entry, metric) for metric in _ASCENDED),
            ))  # fmt: skip
    columns = ("Environment", "Method", "Our runs", f"Processor seconds for {_STEPS:,} steps")
    title = f"{figure.place}: {figure.title}; means over seeds, and from the least to the most of them"
    return Table(title, (*columns, *_COUNTED.values(), *_EXPLAINED.values(), *_ASCENDED.values()), tuple(rows))


def _timed(panel: Panel) -> dict[AlgorithmScores, np.ndarray]:
    """By what trains and has its times stored, seconds a seed; empty if they are of several kinds of processor."""
    found = {entry: times_of("seconds-per-step", entry) for entry in panel.entries}
    timed = {entry: _STEPS * times for entry, times in found.items() if not isinstance(times, str)}
    return timed if one_processor([*timed]) else {}


def _values(entry: AlgorithmScores, metric: str) -> list[float]:
    """Of each run that has the metric, its mean over meta-iterations."""
    own = [table.loc[table["metric"] == metric, "value"] for table in _tables(entry)]
    return [float(values.mean()) for values in own if len(values)]


def _tables(entry: AlgorithmScores) -> list[pd.DataFrame]:
    """Of each run what its training recorded."""
    return [run.training for run in entry.runs]


def _mean(entry: AlgorithmScores, metric: str) -> str:
    values = _values(entry, metric)
    return _range(np.array(values)) if values else NONE


def _by_seed(entry: AlgorithmScores, metric: str) -> str:
    return ", ".join(f"{value:.2g}" for value in _values(entry, metric)) or NONE


def _rises(entry: AlgorithmScores, metric: str) -> str:
    """From one meta-iteration to the next, of all seeds."""
    curves = [table.loc[table["metric"] == metric].sort_values("iteration")["value"] for table in _tables(entry)]
    steps = np.concatenate([np.diff(curve) > 0 for curve in curves])
    return f"{steps.sum()} of {len(steps)}" if len(steps) else NONE


def _range(values: np.ndarray) -> str:
    decimals = decimals_for(values)
    low, mean, high = (number(value, decimals) for value in (values.min(), values.mean(), values.max()))
    return mean if low == high else f"{mean} ({low} to {high})"
