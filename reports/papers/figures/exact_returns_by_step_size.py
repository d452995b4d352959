"""Exact returns after policy-gradient steps of each size, beside one-time adaptation, which has no step size."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from reports.figures.colours import Style
from reports.figures.drawing import draw_panels
from reports.papers.figures.exact_adaptation_curves import NAMES_IN_STUDY, label_returns
from reports.papers.figures.studies import Shown

BY_SIZE = "return after k steps by step size"
#: adaptation steps shown, with their lines
LINES = {1: "-", 4: ":"}
#: lines of those without a step size, which one colour may share
LEVEL_LINES = ("--", "-.")


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """A panel for each suite: lines over the step size, level ones for what has none."""
    return draw_panels(shown.suites, lambda axes, suite: _draw_panel(axes, shown, suite, styles), legend_columns=2)


def _draw_panel(axes: Axes, shown: Shown, suite: str, styles: Mapping[str, Style]) -> None:
    level_lines = cycle(LEVEL_LINES)
    for name in shown.figure.algorithms:
        in_study, label, style = NAMES_IN_STUDY.get(name, name), shown.names.get(name, name), styles[name]
        by_size = shown.of(BY_SIZE, in_study, suite)
        rows = by_size if len(by_size) else shown.of("return after k steps", in_study, suite)
        for step, line in LINES.items():
            means = rows[rows["index"] == step].groupby("x")["value"].mean()
            said = f"{label}, {step} step{'s' * (step > 1)}"
            if len(by_size):
                (drawn,) = axes.plot(means.index, means, color=style.colour, linestyle=line, label=said)
                drawn.set(marker=style.marker, markersize=4)
            elif len(means) and step == min(LINES):
                axes.axhline(means.mean(), color=style.colour, linestyle=next(level_lines), linewidth=1.3, label=said)
    axes.set_title(shown.title(suite))
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.set_xlabel("step size of the policy gradient")
    label_returns(axes)
