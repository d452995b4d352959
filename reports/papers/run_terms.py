"""With what runs were run, by the names that a paper's settings use, and the runs that they begin with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reports.scores.entries import AlgorithmScores
from results.published_settings import FACTS


@dataclass(frozen=True)
class Behind:
    """An entry that a table, a claim or a figure shows, and on which of the paper's suites, by id."""

    suite: str
    entry: AlgorithmScores


@dataclass(frozen=True)
class RunTerms:
    """An entry's own terms or, as its record has them, those of a run that it begins with, such as its expert's."""

    algorithm: str
    entry: AlgorithmScores
    parent: Mapping[str, Any] | None = None  # what the entry's identity has of that run

    def value(self, option: str) -> Any:
        """Of an option, `protocol.<name>` or fact; None where the record has none."""
        if option == "seeds":
            return len(self.entry.seeds)  # each begins with a run of its own seed
        if option == "iterations":
            own = self.parent is None and self.entry.trained
            return max(run.done["iterations"] for run in self.entry.runs) if own else None
        description = self.entry.runs[0].run["description"]
        if option in FACTS and option in description:  # a suite's own facts may have an option's name, as stocks' tasks
            return description[option]
        group, _, name = option.rpartition(".")
        identity = self.entry.identity if self.parent is None else self.parent
        return identity[group or "configuration"].get(name)


def terms_of(entry: AlgorithmScores) -> Iterator[RunTerms]:
    """The entry's own, and of every run that it begins with."""
    yield RunTerms(entry.algorithm, entry)
    for parent in parents_in(entry.identity):
        yield RunTerms(parent["algorithm"], entry, parent)


def parents_in(identity: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What an identity has of each run that its run begins with, and of those that these begin with."""
    for parent in identity["parents"]:
        yield parent
        yield from parents_in(parent)
