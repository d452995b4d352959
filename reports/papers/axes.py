"""Where ours leave the vertical axis that a paper prints: its curves are pictures, whose ends alone are in its text."""

from __future__ import annotations

from collections.abc import Iterable

from reports.papers.evidence import Evidence
from reports.papers.figures.scores import panels_of
from reports.papers.figures.studies import shown_of
from reports.text.numbers import number
from results.published import PaperFigure


def beyond_axes(figure: PaperFigure, evidence: Evidence) -> list[str]:
    """A sentence for each panel of ours that reaches beyond the printed axis."""
    said = []
    for suite, what, values in _drawn(figure, evidence):
        low, high = figure.axes[suite]
        least, most = min(values), max(values)
        if least < low or most > high:
            said.append(
                f"ours leave the printed axis on {evidence.paper.printed(suite)} ({what}): they run from "
                f"{number(least, 2)} to {number(most, 2)}, it from {number(low, 2)} to {number(high, 2)}"
            )
    return said


def _drawn(figure: PaperFigure, evidence: Evidence) -> Iterable[tuple[str, str, list[float]]]:
    """The paper's suite, which of our panels, and what is drawn in it."""
    if not figure.axes:
        return
    if figure.axis_of:
        shown = shown_of(figure, evidence)
        for suite in shown.suites if shown is not None else ():
            mine = next((s.id for s in evidence.paper.suites if s.base == suite.partition("[")[0]), "")
            assert shown is not None
            values = [float(v) for name in shown.algorithms for v in _means(shown.of(figure.axis_of, name, suite))]
            if mine in figure.axes and values:
                yield mine, suite, values
    elif not figure.measured_by:
        for panel in panels_of(figure, evidence):
            if panel.printed_axis is None:
                continue
            curves = figure.kind == "learning-curves"
            values = [
                summary.iqm
                for entry in panel.entries
                for summary in ((entry.curve.after if entry.curve else ()) if curves else entry.steps)
            ]
            if values:
                yield panel.suite.id, panel.found.name, values


def _means(rows: object) -> list[float]:
    """The mean at each index: tasks and seeds are averaged in a figure."""
    import pandas as pd

    assert isinstance(rows, pd.DataFrame)
    return rows.groupby("index")["value"].mean().tolist()
