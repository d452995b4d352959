"""Exact returns of tabular policies after each exact adaptation, without sampling."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.colours import Style
from reports.figures.drawing import Look, draw_curve, draw_panels
from reports.papers.figures.studies import Shown

#: methods that the study names otherwise
NAMES_IN_STUDY = {"maml-vpg": "maml"}
#: baselines that adapt by the policy gradient, at the step size of a grid that is best for each number of steps
BEST_SIZE = ", best step size"
RANDOM = "random-init"


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """A panel for each suite, a line for each of the figure's algorithms: means over tasks."""

    def draw_panel(axes: Axes, suite: str) -> None:
        for name in shown.figure.algorithms:
            for in_study, label, dashes in _lines(shown, name):
                values = shown.of("return after k steps", in_study, suite)
                means = values.groupby("index")["value"].mean()
                look = Look(styles[name], label, dashes, size=6)
                draw_curve(axes, means.index.to_numpy(), means.to_numpy(), None, look)
        axes.set_title(shown.title(suite))
        axes.set_xlabel("adaptation steps")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        label_returns(axes)

    return draw_panels(shown.suites, draw_panel, legend_columns=2)


def _lines(shown: Shown, name: str) -> list[tuple[str, str, str]]:
    """What the study has of the algorithm: its name there, its label, its dashes."""
    in_study, label = NAMES_IN_STUDY.get(name, name), shown.names.get(name, name)
    first = f"{RANDOM}+{shown.figure.algorithms[0]}"  # adapted as the figure's own method is
    lines = [(first, f"{label}, adapted alike", "")] if name == RANDOM else []
    lines.append(
        (in_study + BEST_SIZE, f"{label}, {'policy gradient, ' * bool(lines)}best step size", ":" if lines else "")
    )
    present = set(shown.of("return after k steps")["algorithm"])
    return [line for line in lines if line[0] in present] or [(in_study, label, "")]


def label_returns(axes: Axes) -> None:
    """In a row's first panel."""
    place = axes.get_subplotspec()
    if place is not None and place.is_first_col():
        axes.set_ylabel("exact discounted return")
