"""Results across suites: normalised scores summed up, and how often one algorithm scores higher than another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.normalised import normalise
from reports.statistics.aggregate import Aggregate, Estimate, aggregate
from reports.statistics.improvement import probability_of_improvement


@dataclass(frozen=True)
class Improvement:
    """How often `first` scores higher than `second`, at least half the time, over the suites that have both."""

    first: str  # labels
    second: str
    probability: Estimate
    suites: int


@dataclass(frozen=True)
class Across:
    """`strata` and `aggregates` are by label, the highest interquartile mean first."""

    suites: tuple[str, ...]  # with references
    unscaled: tuple[str, ...]  # without
    algorithms: dict[str, str]  # whose label it is
    strata: dict[str, dict[str, np.ndarray]]  # normalised scores [seed, task] by suite
    aggregates: dict[str, Aggregate]
    incomplete: dict[str, tuple[str, ...]]  # labels left out, and on which suites they have no comparable score
    improvements: tuple[Improvement, ...]


def compare_across(boards: Iterable[SuiteScores]) -> Across:
    """Sums up what is comparable on every suite that has references.

    A label that misses on one of them is left out: its numbers would be of other suites than the others' are.
    """
    boards = tuple(boards)
    scores = {board.suite: {entry.label: entry for entry in board.competing} for board in boards}
    algorithms = {label: entry.algorithm for found in scores.values() for label, entry in found.items()}
    scaled = {
        suite: {label: normalise(entry.scores[-1], suite) for label, entry in found.items()}
        for suite, found in scores.items()
    }
    suites = tuple(suite for suite, found in scaled.items() if any(values is not None for values in found.values()))
    strata: dict[str, dict[str, np.ndarray]] = {}
    for suite in suites:
        for label, values in scaled[suite].items():
            if values is not None:
                strata.setdefault(label, {})[suite] = values
    missing = {label: tuple(suite for suite in suites if suite not in found) for label, found in strata.items()}
    aggregates = {
        label: aggregate(found, label, "across") for label, found in sorted(strata.items()) if not missing[label]
    }
    ranked = dict(sorted(aggregates.items(), key=lambda item: (-item[1].iqm.value, item[0])))
    return Across(
        suites,
        tuple(suite for suite in scores if suite not in suites),
        algorithms,
        {label: strata[label] for label in ranked},
        ranked,
        {label: lacking for label, lacking in sorted(missing.items()) if lacking},
        _improvements(scores),
    )


def _improvements(scores: dict[str, dict[str, AlgorithmScores]]) -> tuple[Improvement, ...]:
    """Every pair of labels that share a suite.  Scores are compared within a task, so no reference is needed."""
    found = []
    for first, second in combinations(sorted({label for entries in scores.values() for label in entries}), 2):
        shared = [suite for suite, entries in scores.items() if first in entries and second in entries]
        left, right = ({suite: scores[suite][label].scores[-1] for suite in shared} for label in (first, second))
        if shared:
            # worked out in the labels' order, so that who is first changes no draw
            estimate = probability_of_improvement(left, right, first, second, "improvement")
            better = Improvement(first, second, estimate, len(shared))
            found.append(better if estimate.value >= 0.5 else _turned(better))
    return tuple(found)


def _turned(found: Improvement) -> Improvement:
    value, interval = found.probability.value, found.probability.interval
    turned = None if interval is None else (1 - interval[1], 1 - interval[0])
    return Improvement(found.second, found.first, Estimate(1 - value, turned), found.suites)
