"""What a paper's figures of scores show: a panel for each set of comparable runs on each of their environments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports.papers.evidence import Comparable, Evidence
from reports.papers.run_terms import parents_in
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
    experts: tuple[AlgorithmScores, ...] = ()  # those of the figure's methods that runs of the entries begin with

    @property
    def metric(self) -> str:
        return self.entries[0].metric.replace("_", " ")

    @property
    def guided(self) -> bool:
        """Whether an entry's steps hold those of an expert's training."""
        return any(entry.identity["parents"] for entry in self.entries)


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
            entries = tuple(found.entries[name] for name in dict.fromkeys(shown))
            stored = [e for each in evidence.of(suite) for e in (*each.entries.values(), *each.others)]
            experts = tuple(e for e in stored if e.algorithm in figure.algorithms and _begun_with(entries, e))
            names = {name: evidence.paper.printed(name) for name in (*shown, *(e.algorithm for e in experts))}
            panels.append(Panel(suite, found, entries, names, figure.axes.get(identifier), experts))
    return tuple(panels)


def _begun_with(entries: Iterable[AlgorithmScores], other: AlgorithmScores) -> bool:
    """Whether a run of one of them begins with such a run as the other's, whose smaller budget sets it apart."""
    return any(
        all(other.identity[key] == entry.identity[key] for key in ("suite", "suite_digest", "split_digest"))
        and all(other.identity[key] == value for key, value in parent.items() if key != "role")
        for entry in entries
        for parent in parents_in(entry.identity)
    )


def title_of(panel: Panel) -> str:
    """What the paper calls the environment, over the terms of our runs."""
    found = panel.found
    seeds = plural(span(len(entry.seeds) for entry in panel.entries), "seed")
    options = found.suite.partition("[")[2].rstrip("]")
    setting = f"horizon {found.horizon}" if not options or options.startswith("horizon=") else options
    return f"{panel.suite.printed}\n{setting}, {short_count(found.budget)} steps, {seeds}"
