"""Results across the boards of one profile: normalised scores summed up, and how often one is higher than another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.normalised import board_scale
from reports.statistics.aggregate import Aggregate, Estimate, aggregate
from reports.statistics.improvement import probability_of_improvement


@dataclass(frozen=True)
class Improvement:
    """How often `first` scores higher than `second`, at least half the time, over the boards that have both."""

    first: str  # labels
    second: str
    probability: Estimate
    boards: int


@dataclass(frozen=True)
class Across:
    """`strata` and `aggregates` are by label, the highest interquartile mean first."""

    profile: str
    boards: tuple[SuiteScores, ...]
    scaled: tuple[str, ...]  # names of the boards with a floor and a ceiling
    unscaled: tuple[str, ...]  # of those without
    algorithms: dict[str, str]  # whose label it is
    strata: dict[str, dict[str, np.ndarray]]  # normalised scores [seed, task] by board
    aggregates: dict[str, Aggregate]
    incomplete: dict[str, tuple[str, ...]]  # labels left out, and on which boards they have no score
    improvements: tuple[Improvement, ...]
    mean_ranks: dict[str, float]  # by label, of what is ranked on every board

    def entries(self, label: str) -> list[AlgorithmScores]:
        """Those behind the label's numbers, one a board."""
        return [entry for board in self.boards for entry in board.entries if entry.label == label]


def by_profile(boards: Iterable[SuiteScores]) -> dict[str, tuple[SuiteScores, ...]]:
    """The boards of each profile, those of most boards first."""
    found: dict[str, list[SuiteScores]] = {}
    for board in boards:
        found.setdefault(board.profile, []).append(board)
    return {profile: tuple(found[profile]) for profile in sorted(found, key=lambda name: (-len(found[name]), name))}


def compare_across(profile: str, boards: Sequence[SuiteScores]) -> Across:
    """Sums up what every board of the profile has that has a floor and a ceiling.

    A label that misses on one of them is left out: its numbers would be of other suites than the others' are.
    """
    scores = {board.name: {entry.label: entry for entry in board.tested} for board in boards}
    algorithms = {label: entry.algorithm for found in scores.values() for label, entry in found.items()}
    scales = {board.name: scale for board in boards if (scale := board_scale(board)) is not None}
    strata: dict[str, dict[str, np.ndarray]] = {}
    for name, scale in scales.items():
        for label, entry in scores[name].items():
            strata.setdefault(label, {})[name] = scale.normalise(entry.scores[-1])
    missing = {label: tuple(name for name in scales if name not in found) for label, found in strata.items()}
    aggregates = {
        label: aggregate(found, label, "across") for label, found in sorted(strata.items()) if not missing[label]
    }
    ranked = dict(sorted(aggregates.items(), key=lambda item: (-item[1].iqm.value, item[0])))
    return Across(
        profile,
        tuple(boards),
        tuple(scales),
        tuple(name for name in scores if name not in scales),
        algorithms,
        {label: strata[label] for label in ranked},
        ranked,
        {label: lacking for label, lacking in sorted(missing.items()) if lacking},
        _improvements(scores),
        mean_ranks(boards),
    )


def mean_ranks(boards: Sequence[SuiteScores]) -> dict[str, float]:
    """By label the mean over the boards of its rank by interquartile mean, the best first; none that misses on one."""
    ranks: dict[str, list[int]] = {}
    for board in boards:
        for entry in board.learned:
            ranks.setdefault(entry.label, []).append(board.rank(entry) or 0)
    means = {label: sum(found) / len(found) for label, found in ranks.items() if len(found) == len(boards)}
    return dict(sorted(means.items(), key=lambda item: (item[1], item[0])))


def _improvements(scores: dict[str, dict[str, AlgorithmScores]]) -> tuple[Improvement, ...]:
    """Every pair of labels that share a board.  Scores are compared within a task, so no reference is needed."""
    found = []
    for first, second in combinations(sorted({label for entries in scores.values() for label in entries}), 2):
        shared = [name for name, entries in scores.items() if first in entries and second in entries]
        left, right = ({name: scores[name][label].scores[-1] for name in shared} for label in (first, second))
        if shared:
            # worked out in the labels' order, so that who is first changes no draw
            estimate = probability_of_improvement(left, right, first, second, "improvement")
            better = Improvement(first, second, estimate, len(shared))
            found.append(better if estimate.value >= 0.5 else _turned(better))
    return tuple(found)


def _turned(found: Improvement) -> Improvement:
    value, interval = found.probability.value, found.probability.interval
    turned = None if interval is None else (1 - interval[1], 1 - interval[0])
    return Improvement(found.second, found.first, Estimate(1 - value, turned), found.boards)
