"""A trial's score, from its stored tables alone: there is nothing of a test task in them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.specs.trial_spec import FRESH
from results.store import StoredTrial


def trial_score(stored: StoredTrial) -> float:
    """Mean of the suite's metric over validation tasks and episodes, after the last adaptation step; over fresh tasks
    where it was scored on such."""
    scores, split = stored.scores, FRESH if "fresh_tasks" in stored.identity else "validation"
    last = scores[(scores["split"] == split) & (scores["step"] == scores["step"].max())]
    return float(last[stored.metric].mean())


def configuration_score(scores: Sequence[float]) -> float:
    """Mean over seeds; minus infinity, the worst, if a trial failed or its score is not finite."""
    return sum(scores) / len(scores) if scores and all(map(math.isfinite, scores)) else -math.inf


def best(scores: Sequence[float]) -> int | None:
    """The index of the highest score, the lowest of equal ones; None if none is finite."""
    index = max(range(len(scores)), key=lambda index: (scores[index], -index), default=None)
    return index if index is not None and math.isfinite(scores[index]) else None
