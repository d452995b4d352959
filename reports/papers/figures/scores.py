"""What a paper's figures of scores show: a panel for each set of comparable runs on each of their environments."""

from __future__ import annotations

from dataclasses import dataclass

from reports.papers.evidence import Comparable, Evidence
from reports.scores.boards import FLOOR
from reports.scores.entries import AlgorithmScores
from reports.text.numbers import plural, short_count, span
from results.published import PaperFigure, PaperSuite


@dataclass(frozen=True)
class Panel:
    suite: PaperSuite
    found: Comparable
    entries: tuple[AlgorithmScores, ...]
    names: dict[str, str]  # what the paper calls each algorithm
    printed_axis: tuple[float, float] | None  # ends of the paper's vertical axis

    @property
    def metric(self) -> str:
        return self.entries[0].metric.replace("_", " ")


Panels = tuple[Panel, ...]


def panels_of(figure: PaperFigure, evidence: Evidence) -> Panels:
    """For each environment the set that has most of the methods, and the one nearest to the paper's setting.

    The floor is shown wherever it is stored: what lies on it has learned nothing.
    """
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


def title_of(panel: Panel) -> str:
    """What the paper calls the environment, over the terms of our runs."""
    found = panel.found
    seeds = plural(span(len(entry.seeds) for entry in panel.entries), "seed")
    options = found.suite.partition("[")[2].rstrip("]")
    setting = f"horizon {found.horizon}" if not options or options.startswith("horizon=") else options
    return f"{panel.suite.printed}\n{setting}, {short_count(found.budget)} steps, {seeds}"
