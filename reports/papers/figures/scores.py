"""A paper's figures from our runs: a panel for each set of comparable runs on each of the figure's environments.

What a kind of figure shows is drawn by a file of its own, `reports/paper_figure_<kind>.py` with the kind's dashes as
underscores, which defines `draw(axes, panel, styles)`.  A new kind needs that file and nothing else.  Figures of
measurements are drawn by `paper_measured_figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.colours import Style
from reports.figures.drawing import Drawing, finish, make_drawing, panel_grid
from reports.papers.evidence import Comparable, Evidence
from reports.scores.entries import Entry
from reports.text.numbers import short_count
from results.published import PaperFigure, PaperSuite

FLOOR = "random-init"  # drawn wherever it is stored: what lies on it has learned nothing


@dataclass(frozen=True)
class Panel:
    suite: PaperSuite
    found: Comparable
    entries: tuple[Entry, ...]
    names: dict[str, str]  # what the paper calls each algorithm
    printed_axis: tuple[float, float] | None  # ends of the paper's vertical axis


Draw = Callable[[Axes, Panel, Mapping[str, Style]], None]


def drawer(kind: str) -> Draw | None:
    """The function that draws such panels; None while nothing does."""
    module = f"reports.papers.figures.{kind.replace('-', '_')}"
    return getattr(import_module(module), "draw", None) if find_spec(module) is not None else None


def panels_of(figure: PaperFigure, evidence: Evidence) -> tuple[Panel, ...]:
    """For each environment the set that has most of the methods, and the one nearest to the paper's setting."""
    panels = []
    for identifier in figure.suites:
        suite = evidence.paper.suite(identifier)
        chosen = (evidence.best(suite, figure.algorithms), evidence.nearest(suite, figure.algorithms))
        for found in {id(found): found for found in chosen if found is not None}.values():
            shown = [name for name in (*figure.algorithms, FLOOR) if name in found.entries]
            panels.append(
                Panel(
                    suite,
                    found,
                    tuple(found.entries[name] for name in dict.fromkeys(shown)),
                    {name: evidence.paper.printed(name) for name in shown},
                    figure.axes.get(identifier),
                )
            )
    return tuple(panels)


def draw_figure(figure: PaperFigure, evidence: Evidence, styles: Mapping[str, Style]) -> Drawing | None:
    """None where nothing that it shows has been run or measured."""
    draw, panels = drawer(figure.kind), panels_of(figure, evidence)
    if draw is None or not panels:
        return None
    caption = f"{figure.place} of the paper, from our runs: {figure.title}"
    return make_drawing(figure.id, caption, lambda: _grid(panels, draw, styles))


def _grid(panels: tuple[Panel, ...], draw: Draw, styles: Mapping[str, Style]) -> Figure:
    drawn, grid = panel_grid(len(panels))
    handles: dict[str, Artist] = {}
    for axes, panel in zip(grid, panels, strict=True):
        draw(axes, panel, styles)
        axes.set_title(f"{panel.suite.printed}\n{_terms(panel)}", fontsize=8.5)
        finish(axes)
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(str(label), handle)
    drawn.legend(handles.values(), handles, loc="outside lower center", ncols=3, handlelength=2.6)
    return drawn


def _terms(panel: Panel) -> str:
    found = panel.found
    seeds = sorted({len(entry.seeds) for entry in panel.entries})
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]}"
    options = found.suite.partition("[")[2].rstrip("]")
    setting = f"horizon {found.horizon}" if not options or options.startswith("horizon=") else options
    return f"{setting}, {short_count(found.budget)} steps, {count} seed{'' if count == '1' else 's'}"
