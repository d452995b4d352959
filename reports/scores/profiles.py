"""Performance profiles of boards and across them: computed once, for figures and tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.scores.across import Across
from reports.scores.boards import SuiteScores
from reports.scores.entries import CURVE_RESAMPLES
from reports.statistics.performance_profile import PerformanceProfile, performance_profile
from reports.text.numbers import finite_range

_THRESHOLDS = 41


@dataclass(frozen=True)
class Profiles:
    """by_label: the profile of each entry of a board, or of each label across boards."""

    thresholds: np.ndarray
    by_label: dict[str, PerformanceProfile]


def board_profiles(board: SuiteScores) -> Profiles:
    """Over the board's own scores after the last adaptation step."""
    finals = [entry.scores[-1] for entry in board.entries]
    low, high = finite_range([float(end) for scores in finals for end in (scores.min(), scores.max())])
    thresholds = np.linspace(low - 0.02 * (high - low), high, _THRESHOLDS)
    return Profiles(
        thresholds,
        {
            entry.label: performance_profile(
                {board.suite: scores}, thresholds, entry.algorithm, "profile", resamples=CURVE_RESAMPLES
            )
            for entry, scores in zip(board.entries, finals, strict=True)
        },
    )


def across_profiles(across: Across) -> Profiles:
    """Over normalised scores of all boards with a scale, boards weighing alike."""
    thresholds = np.linspace(-0.25, 1.1, _THRESHOLDS)  # fixed, as the ceilings are
    return Profiles(
        thresholds,
        {
            label: performance_profile(scores, thresholds, label, "profile", resamples=CURVE_RESAMPLES)
            for label, scores in across.strata.items()
        },
    )
