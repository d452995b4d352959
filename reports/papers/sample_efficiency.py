"""Quantities of sample efficiency, from learning curves after adaptation: by all environment steps, or by those of
meta-training alone, which leave out what the training of another run took that a run begins with, as of an expert.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reports.scores.entries import AlgorithmScores
from reports.scores.reading import read_learning_curve

#: of the way from where the mean curve begins to its best
LEVEL = 0.9

#: quantities that are numbers of steps and no scores
IN_STEPS = ("steps-to-level", "meta-training-to-level")

Pair = tuple[np.ndarray, np.ndarray]  # [seed] of either side


@dataclass(frozen=True)
class SeedCurve:
    """Of one seed, means over the validation tasks after adaptation."""

    steps: np.ndarray  # [point], rising
    values: np.ndarray  # [point]


def at_equal_meta_training(first: AlgorithmScores, second: AlgorithmScores) -> Pair | str:
    """The curves' values after the most steps of meta-training that all runs of both have."""
    both = _both(first, second, meta_training=True)
    if isinstance(both, str):
        return both
    shared = min(float(curve.steps[-1]) for side in both for curve in side)
    ours, others = (np.array([np.interp(shared, curve.steps, curve.values) for curve in side]) for side in both)
    return ours, others


def steps_to_level(first: AlgorithmScores, second: AlgorithmScores, meta_training: bool) -> Pair | str:
    """Environment steps until each run's curve has reached LEVEL of the first side's progress.

    A run that never does counts as if it did so at the longest curve's end: so none gains by ending early.
    """
    both = _both(first, second, meta_training)
    if isinstance(both, str):
        return both
    mean = np.mean([curve.values for curve in both[0]], axis=0)
    if mean.max() <= mean[0]:
        return f"{first.algorithm}: its learning curve does not rise, so there is no level to reach"
    level = mean[0] + LEVEL * (mean.max() - mean[0])
    latest = max(float(curve.steps[-1]) for side in both for curve in side)
    ours, others = (np.array([_reached(curve, level, latest) for curve in side]) for side in both)
    return ours, others


def _reached(curve: SeedCurve, level: float, latest: float) -> float:
    """Steps at which the curve first reaches the level, straight between its points; `latest` where it never does."""
    above = np.flatnonzero(curve.values >= level)
    if not above.size:
        return latest
    place = int(above[0])
    if place == 0:
        return float(curve.steps[0])
    low, high = curve.values[place - 1], curve.values[place]
    share = (level - low) / (high - low)
    return float(curve.steps[place - 1] + share * (curve.steps[place] - curve.steps[place - 1]))


def _both(
    first: AlgorithmScores, second: AlgorithmScores, meta_training: bool
) -> tuple[list[SeedCurve], list[SeedCurve]] | str:
    """The curves of either side, or why there are none."""
    ours, others = _curves(first, meta_training), _curves(second, meta_training)
    if isinstance(ours, str):
        return ours
    return others if isinstance(others, str) else (ours, others)


def _curves(entry: AlgorithmScores, meta_training: bool) -> list[SeedCurve] | str:
    """Of each seed, or why there are none."""
    read = [read_learning_curve(run) for run in entry.runs]
    if any(curve is None or len(curve.points) < 2 for curve in read):
        return f"{entry.algorithm}: no learning curve is stored"
    if len({curve.points for curve in read if curve is not None}) > 1:
        return f"{entry.algorithm}: its runs were evaluated at different points"
    found = []
    for curve in read:
        assert curve is not None
        begun = curve.environment_steps[0] if meta_training else 0
        found.append(SeedCurve(curve.environment_steps - begun, curve.values[:, 1].mean(axis=-1)))
    return found


#: what a claim compares on both sides at once, by its quantity
COMPARED: dict[str, Callable[[AlgorithmScores, AlgorithmScores], Pair | str]] = {
    "at-equal-meta-training": at_equal_meta_training,
    "steps-to-level": lambda first, second: steps_to_level(first, second, meta_training=False),
    "meta-training-to-level": lambda first, second: steps_to_level(first, second, meta_training=True),
}
