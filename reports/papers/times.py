"""What runs spent: processor time for each environment step of training, and the share of sampling, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.scores.entries import AlgorithmScores


def times_of(quantity: str, entry: AlgorithmScores) -> np.ndarray | str:
    """[seed], each of a run's whole training, evaluations not counted; a reason in place of them.

    quantity: "seconds-per-step" of the processor, or "sampling-share", that of the collector in wall time.
    """
    if any(not len(run.times) for run in entry.runs):
        return f"{entry.algorithm}: no times are stored"
    if quantity == "sampling-share":
        spent = [(run.times["sampling_seconds"].sum(), run.times["wall_seconds"].sum()) for run in entry.runs]
    else:
        spent = [(run.times["process_seconds"].sum(), run.done["environment_steps"]) for run in entry.runs]
    if not all(whole > 0 for _, whole in spent):
        return f"{entry.algorithm}: it does not train"
    return np.array([part / whole for part, whole in spent])


def one_processor(entries: Sequence[AlgorithmScores]) -> str | None:
    """The kind of processor that made all of these runs, with as many threads; None if there were several."""
    kinds = {(run.run["provenance"]["cpu"], run.run["provenance"]["threads"]) for e in entries for run in e.runs}
    return str(next(iter(kinds))[0]) if len(kinds) == 1 else None


def spread_of(quantity: str, entry: AlgorithmScores) -> str:
    """How much single meta-iterations differ: where nine tenths of them lie, all seeds together."""
    values = []
    for run in entry.runs:
        times = run.times
        if quantity == "sampling-share":
            values.append(times["sampling_seconds"] / times["wall_seconds"])
        else:
            values.append(times["process_seconds"] / np.diff(times["environment_steps"], prepend=0))
    low, high = np.quantile(np.concatenate(values), [0.05, 0.95])
    return f"{entry.algorithm}'s single meta-iterations {low:.3g} to {high:.3g}"
