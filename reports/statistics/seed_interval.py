"""The interval of one algorithm's score over seeds, and how often it covers by simulation."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from scipy import stats

LEVEL = 0.95
COVERAGE = Path(__file__).with_name("coverage.json")
_TRIMMED = 0.25  # share of the tasks left out at either end, as in the interquartile mean


def seed_interval(scores: np.ndarray, level: float = LEVEL) -> tuple[float, float] | None:
    """Student's t interval of the interquartile mean of scores [seed, task]; None with one seed.

    Its middle is the interquartile mean of all scores and its error the standard error of the seeds' own ones, over
    tasks: all tasks of a seed share one meta-policy, and the tasks are the same for every seed.  So it speaks of more
    seeds on these tasks, and of no other tasks.  Raises ValueError for scores that are not finite or not [seed, task].
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"scores must be [seed, task], finite and not empty, got shape {values.shape}")
    if len(values) < 2:
        return None
    return _around(float(middle_means(values.ravel())), middle_means(values), level)


def mean_interval(scores: np.ndarray, level: float = LEVEL) -> tuple[float, float] | None:
    """Student's t interval of the mean over seeds of scores [seed] or [seed, task]; None with one seed."""
    values = np.asarray(scores, dtype=np.float64)
    means = values if values.ndim == 1 else values.mean(axis=1)
    return None if means.size < 2 else _around(float(means.mean()), means, level)


def printed_coverage(seeds: int) -> tuple[float, float] | None:
    """The least and the largest share of simulations in which `seed_interval` covered at 95 %; None with one seed.

    Over the kinds of seeds' luck that docs/statistics.md names, with tasks that differ as in the shipped runs.  Between
    the simulated numbers of seeds, that of the next lower one.
    """
    known = [count for count in _covered() if count <= seeds]
    return _covered()[max(known)] if known else None


def middle_means(scores: np.ndarray) -> np.ndarray:
    """Mean over the last axis without its lowest and highest quarter, each rounded down to whole scores."""
    tasks = scores.shape[-1]
    cut = int(_TRIMMED * tasks)
    middle = np.sort(scores, axis=-1)[..., cut : tasks - cut]
    lowest = middle[..., :1]
    return np.asarray((lowest + (middle - lowest).mean(axis=-1, keepdims=True))[..., 0])  # exact for equal scores


def _around(middle: float, seeds: np.ndarray, level: float) -> tuple[float, float]:
    spread = float((seeds - seeds[0]).std(ddof=1))  # exactly 0 for equal scores
    half = _quantile(level, seeds.size - 1) * spread / seeds.size**0.5
    return middle - half, middle + half


@cache
def _quantile(level: float, freedom: int) -> float:
    return float(stats.t.ppf((1 + level) / 2, freedom))


@cache
def _covered() -> dict[int, tuple[float, float]]:
    table = json.loads(COVERAGE.read_text())
    return {
        int(seeds): (min(shares.values()), max(shares.values())) for seeds, shares in table["seed interval"].items()
    }
