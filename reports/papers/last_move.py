"""Whether the difference of two methods was still moving at the end of their learning curves."""

from __future__ import annotations

import numpy as np

from reports.papers.parts import Moved
from reports.scores.entries import AlgorithmScores
from reports.scores.reading import read_learning_curve
from reports.statistics.mean_difference import compare_means

#: of training, at least
STRETCH = 0.25


def last_move(*entries: AlgorithmScores) -> Moved | None:
    """How much the difference of two methods changed from the last evaluation before `STRETCH` to the end.

    The mean over validation tasks after adaptation; each seed's own change is one value, and the two methods' changes
    are compared as scores are, so that the interval takes the noise of both evaluations in.  None for anything but two
    methods and where either has no two such evaluations.
    """
    if len(entries) != 2:
        return None
    first, second = (_changes(entry) for entry in entries)
    if first is None or second is None or first[1] != second[1]:
        return None
    key = (entries[0].suite, *(entry.algorithm for entry in entries), "last stretch")
    found = compare_means(first[0], second[0], *key)
    return Moved(first[1], found.effect, found.interval)


def _changes(entry: AlgorithmScores) -> tuple[np.ndarray, float] | None:
    """Each seed's change [seed], and over which share of training; None where its curves do not say."""
    changes, shares = list[float](), set[float]()
    for run in entry.runs:
        curve = read_learning_curve(run)
        if curve is None or not curve.points[-1]:
            return None
        before = [number for number, point in enumerate(curve.points) if point <= (1 - STRETCH) * curve.points[-1]]
        if not before:
            return None
        shares.add(1 - curve.points[before[-1]] / curve.points[-1])
        values = curve.values[:, 1].mean(axis=1)
        changes.append(float(values[-1] - values[before[-1]]))
    return (np.array(changes), shares.pop()) if len(shares) == 1 else None
