"""Learning curves over processor time instead of environment steps."""

from __future__ import annotations

import numpy as np

from reports.scores.entries import AlgorithmScores
from reports.scores.reading import read_learning_curve
from results.store import StoredRun

#: points of the curves' mean; learning curves have about ten
GRID = 200


def means_over_equal_time(first: AlgorithmScores, second: AlgorithmScores) -> tuple[np.ndarray, np.ndarray] | str:
    """Means of the learning curves after adaptation, [seed, task] of each, up to the time of the fastest run.

    Time is the processor's in training, evaluations not counted, so that other work on the machine weighs little.
    Between evaluations curves are straight.  In place of means, the reason why there are none.
    """
    kinds = {(run.run["provenance"]["cpu"], run.run["provenance"]["threads"]) for run in (*first.runs, *second.runs)}
    if len(kinds) > 1:
        return "their runs were made on processors of different kinds"
    curves = []
    for entry in (first, second):
        own = [curve for run in entry.runs if (curve := _curve(run)) is not None]
        if len(own) < len(entry.runs):
            return f"{entry.algorithm}: no learning curve or no times are stored"
        curves.append(own)
    end = min(seconds[-1] for own in curves for seconds, _ in own)
    grid = np.linspace(0, end, GRID)
    ours, others = (np.stack([_mean(grid, *curve) for curve in own]) for own in curves)
    return ours, others


def _curve(run: StoredRun) -> tuple[np.ndarray, np.ndarray] | None:
    """Processor seconds [point] and returns after adaptation [point, task]."""
    curve = read_learning_curve(run)
    if curve is None or len(curve.points) < 2 or not len(run.times):
        return None
    spent = np.concatenate([[0.0], run.times["process_seconds"].to_numpy().cumsum()])
    if curve.iterations[-1] >= len(spent) or not spent[-1] > 0:
        return None
    return spent[curve.iterations], curve.values[:, 1]


def _mean(grid: np.ndarray, seconds: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """[task]: mean over the grid of the curve through these points."""
    return np.stack([np.interp(grid, seconds, task).mean() for task in returns.T])
