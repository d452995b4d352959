"""What a meta-iteration costs in processor time, relative to the plainest method at equal samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores

if TYPE_CHECKING:
    from results.store import StoredRun

#: whose meta-iteration is 1
YARDSTICK = "maml-vpg"


@dataclass(frozen=True)
class Cost:
    """Of one entry: medians over the meta-iterations of a run, then over its runs."""

    entry: AlgorithmScores
    environment_steps: float  # of a meta-iteration
    process_seconds: float  # of a meta-iteration, evaluations not counted
    lowest: float  # process seconds of the fastest seed's, and of the slowest's
    highest: float
    sampling: float  # share of wall time spent in the collector
    relative: float | None  # to YARDSTICK's; None where none ran at equal samples on a processor of this kind


def costs_of(board: SuiteScores) -> tuple[Cost, ...]:
    """The trained entries with times, cheapest first; empty where none may be held against YARDSTICK's.

    Two entries compare if a meta-iteration of theirs takes equally many environment steps, under one budget and
    protocol, in one version of the suite and on one kind of processor.
    """
    measured = [cost for entry in board.entries if (cost := _measure(entry)) is not None]
    yardsticks = {_terms(cost): cost for cost in reversed(measured) if cost.entry.algorithm == YARDSTICK}
    if not any(cost.entry.algorithm != YARDSTICK and _terms(cost) in yardsticks for cost in measured):
        return ()
    related = [_related(cost, yardsticks.get(_terms(cost))) for cost in measured]
    return tuple(sorted(related, key=lambda cost: (cost.relative is None, cost.relative or 0.0, cost.entry.label)))


def _measure(entry: AlgorithmScores) -> Cost | None:
    """None for what has not trained, or whose record holds no processor time."""
    runs = [run for run in entry.runs if len(run.times)]
    if not runs:
        return None
    seconds = [float(run.times["process_seconds"].median()) for run in runs]
    if not all(second > 0 for second in seconds):
        return None
    steps = median(_steps(run) for run in runs)
    shares = [float(run.times["sampling_seconds"].sum() / run.times["wall_seconds"].sum()) for run in runs]
    return Cost(entry, steps, median(seconds), min(seconds), max(seconds), median(shares), None)


def _steps(run: StoredRun) -> float:
    return float(np.median(np.diff(run.times["environment_steps"].to_numpy(), prepend=0)))


def _terms(cost: Cost) -> tuple[Any, ...]:
    """What must agree for two costs to be compared."""
    identity = cost.entry.identity
    processors = {(run.run["provenance"]["cpu"], run.run["provenance"]["threads"]) for run in cost.entry.runs}
    protocol = tuple(sorted(identity["protocol"].items()))
    return (
        cost.environment_steps,
        identity["budget"],
        protocol,
        identity["suite_digest"],
        frozenset(processors) if len(processors) == 1 else cost.entry.digest,
    )


def _related(cost: Cost, yardstick: Cost | None) -> Cost:
    if yardstick is None:
        return cost
    return replace(cost, relative=cost.process_seconds / yardstick.process_seconds)
