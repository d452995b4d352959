"""Draws a paper's figures from what is stored, and gathers the numbers behind them.

What a kind of figure shows is a file of its own, `reports/papers/figures/<kind>.py` with the kind's dashes as
underscores, with a function `draw(data, styles) -> Figure`, `numbers(figure, panels) -> Table` where those of test
scores are not what it shows, and `DRAWN`, the statistics that its caption names, or for a study `said(shown) ->
list[str]`, what its caption says of the rows, sentences without their full stop.  data, by its type there: `Panels` of
comparable runs or, where a figure is drawn from a study, `Shown`, the study's rows.  A new kind needs that file and no
other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, get_type_hints

from matplotlib.figure import Figure

from reports.figures.colours import Style
from reports.figures.drawing import make_drawing
from reports.figures.figure_files import Drawing
from reports.papers.evidence import Evidence
from reports.papers.figures.scores import Panels, panels_of
from reports.papers.figures.studies import Shown, shown_of, study_table
from reports.papers.tables import figure_table
from reports.text.table import Table
from results.published import PaperFigure


def draw_figure(
    figure: PaperFigure, evidence: Evidence, styles: Mapping[str, Style]
) -> tuple[Table | None, Drawing | None]:
    """The numbers and the drawing; None where nothing of it is stored, or while nothing draws its kind."""
    draw = _drawer(figure)
    data: Any = None
    numbers, caption = None, ""
    if figure.measured_by:
        data = shown_of(figure, evidence)
        if data is not None:
            whose = "Not in the paper" if figure.ours else f"{figure.place} of the paper, as measured here"
            numbers, caption = study_table(data), f"{whose}: {figure.title} ({data.study.terms})"
            own = getattr(_module(figure), "said", None)
            caption += "" if own is None else "".join(f". {sentence}" for sentence in own(data))
    elif draw is not None and not figure.measurement:  # that of a study which nobody has made is no run's
        data = panels_of(figure, evidence)
        whose = figure.place if figure.ours else f"{figure.place} of the paper"
        own = getattr(_module(figure), "numbers", None)
        numbers = figure_table(figure, evidence) if own is None else own(figure, data) if data else None
        drawn = getattr(_module(figure), "DRAWN", "")
        caption = f"{whose}, from our runs: {figure.title}"
        caption += f". Drawn: {drawn}; verdicts compare means" * bool(drawn)
    if draw is None or not data:
        return numbers, None
    return numbers, make_drawing(figure.id, caption, lambda: draw(data, styles))


def _drawer(figure: PaperFigure) -> Callable[[Any, Mapping[str, Style]], Figure] | None:
    """None if nothing draws its kind, or from other data than this figure's."""
    module = _module(figure)
    if module is None:
        return None
    draw = module.draw
    data, *_ = get_type_hints(draw).values()
    return draw if data == (Shown if figure.measured_by else Panels) else None


def _module(figure: PaperFigure) -> ModuleType | None:
    """Of its kind."""
    module = f"reports.papers.figures.{figure.kind.replace('-', '_')}"
    return None if find_spec(module) is None else import_module(module)
