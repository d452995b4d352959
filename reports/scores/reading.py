"""Reads a run's scores into arrays, and refuses what would give a wrong number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from results.files import StoreError

if TYPE_CHECKING:
    from results.store import StoredRun

#: of scores, so that no sum of their squares is infinite
LARGEST = 1e60


@dataclass(frozen=True)
class TaskScores:
    """One run's scores on the test tasks: values [step, task], means over episodes, in the suite's metric.

    success: share of successful episodes after each step, [step]; zeros where the suite knows no success.
    """

    tasks: tuple[str, ...]
    values: np.ndarray
    success: np.ndarray


@dataclass(frozen=True)
class LearningCurve:
    """One run's evaluations on validation tasks: values [point, step, task], step 0 before and 1 after adaptation."""

    points: tuple[int, ...]
    environment_steps: np.ndarray  # int64 [point]
    iterations: np.ndarray  # int64 [point], meta-iterations done
    values: np.ndarray


def name_of(run: StoredRun) -> str:
    """How messages name a run: by algorithm, suite, digest and seed, never by where it happens to be stored."""
    return f"{run.algorithm} on {run.suite} ({run.digest[:12]}), seed {run.seed}"


def read_test_scores(run: StoredRun) -> TaskScores:
    """Raises StoreError, naming the run, for scores that are not finite and for a step, task or episode that misses."""
    rows = run.columns("scores")
    on_test = rows["split"] == "test"
    if not on_test.any():
        raise StoreError(f"{name_of(run)} holds no score on test tasks; run it again with --force")
    columns = {name: rows[name][on_test] for name in ("step", "task", "episode", "success", run.metric)}
    episodes, (steps, tasks) = _table(run, columns, "test", ["step", "task", "episode"])
    expected = _adaptation_steps(run)
    if steps != tuple(range(len(steps))) or len(steps) != expected + 1:  # never as many as a record may claim
        raise StoreError(f"{name_of(run)} was scored at steps {steps}, not 0 to {expected}; run it again with --force")
    step = columns["step"]  # 0, 1, ..., as checked
    success = np.bincount(step, columns["success"]) / np.bincount(step)
    return TaskScores(tasks, episodes.mean(axis=2), success)


def read_learning_curve(run: StoredRun) -> LearningCurve | None:
    """None for a run that recorded no evaluation.  Raises StoreError as `read_test_scores` does."""
    rows = run.columns("learning")
    if not rows["point"].size:
        return None
    values, (points, _) = _table(run, rows, "validation", ["point", "step", "task"])
    first = np.unique(rows["point"], return_index=True)[1]
    environment_steps, iterations = (rows[name][first] for name in ("environment_steps", "iteration"))
    if run.identity["evaluations"] and run.done["environment_steps"] != environment_steps[-1]:
        # the counts of older records have no digest, the curve has
        raise StoreError(
            f"{name_of(run)} ended after {run.done['environment_steps']:,} environment steps by its done.json, after "
            f"{environment_steps[-1]:,} by its learning curve: one of them is damaged; run it again with --force"
        )
    return LearningCurve(points, environment_steps, iterations, values[:, [0, -1]])


def _adaptation_steps(run: StoredRun) -> int:
    return int(run.identity["protocol"]["adaptation_steps"])


def _table(
    run: StoredRun, columns: Mapping[str, np.ndarray], split: str, axes: list[str]
) -> tuple[np.ndarray, list[tuple]]:
    """The metric as an array over the three columns named in `axes`, and the values of the first two, sorted.

    Raises StoreError unless every combination is there exactly once, with a finite score.
    """
    scores = columns[run.metric].astype(np.float64)
    places, values = zip(*(pd.factorize(columns[axis], sort=True) for axis in axes), strict=True)
    shape = tuple(len(found) for found in values)
    if math.prod(shape) > 1_000_000 + 10 * len(scores):  # an array of these would take all memory
        raise StoreError(
            f"{name_of(run)} has {len(scores)} scores for {split} at {shape} places; run it again with --force"
        )
    counts = np.zeros(shape, dtype=np.int64)
    np.add.at(counts, places, 1)
    if (counts != 1).any():
        first = next(zip(*np.nonzero(counts != 1), strict=True))
        where = ", ".join(f"{axis} {found[place]}" for axis, found, place in zip(axes, values, first, strict=True))
        raise StoreError(
            f"{name_of(run)} has {counts[first]} scores instead of one for {split} {where}; run it again with --force"
        )
    wrong = np.flatnonzero(~(np.abs(scores) < LARGEST))
    if wrong.size:
        where = ", ".join(f"{axis} {columns[axis][wrong[0]]}" for axis in axes)
        raise StoreError(
            f"{name_of(run)} has a {run.metric.replace('_', ' ')} of {scores[wrong[0]]} for {split} {where}, and so no "
            f"score; run it again, or leave it out of the report"
        )
    table = np.empty(shape)
    table[places] = scores
    return table, [tuple(found.tolist()) for found in values[:2]]
