"""Sums up scores over seeds and tasks: mean, both standard deviations, interquartile mean and its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.bootstrap import RESAMPLES, interquartile_mean, iqm_intervals


@dataclass(frozen=True)
class Summary:
    """The scores of one entry at one adaptation step, or at one place of its learning curve."""

    mean: float  # over seeds and tasks
    std_seeds: float | None  # sample standard deviation of the seeds' means over tasks; None for one seed
    std_tasks: float | None  # sample standard deviation of the tasks' means over seeds; None for one task
    iqm: float  # over all (seed, task) pairs
    interval: tuple[float, float] | None  # 95 % bootstrap interval of the iqm over seeds; None for one seed
    seeds: int
    tasks: int

    def lies_above(self, other: Summary) -> bool | None:
        """Whether the intervals lie apart, this one above; None where one of the two has no interval."""
        if self.interval is None or other.interval is None:
            return None
        return self.interval[0] > other.interval[1]


def summarise(scores: np.ndarray, *key: str, resamples: int = RESAMPLES) -> tuple[Summary, ...]:
    """One summary a point.

    scores: [point, seed, task], each the mean over a task's episodes.  key: names whose scores these are.
    Raises ValueError for an empty array and for scores that are not finite.
    """
    if scores.ndim != 3 or scores.size == 0:
        raise ValueError(f"{'/'.join(key)}: scores must be [point, seed, task] and not empty, got {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError(f"{'/'.join(key)}: scores must be finite")
    points, seeds, tasks = scores.shape
    intervals = iqm_intervals(scores, *key, resamples=resamples) if seeds > 1 else [None] * points
    return tuple(
        Summary(
            mean=float(point.mean()),
            std_seeds=_spread(point.mean(axis=1)),
            std_tasks=_spread(point.mean(axis=0)),
            iqm=interquartile_mean(point),
            interval=None if interval is None else (float(interval[0]), float(interval[1])),
            seeds=seeds,
            tasks=tasks,
        )
        for point, interval in zip(scores, intervals, strict=True)
    )


def _spread(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1)) if values.size > 1 else None
