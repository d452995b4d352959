"""How long trials and runs of what has perhaps never run will take, and what that is guessed by."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.commands.report import reference_runs
from benchmarks.specs.job import AnyJob
from benchmarks.specs.time_estimates import LEARNING_TIMES, Learned, Rate, learn_rates
from results.store import Store, StoredRun, StoredTrial


def rates(jobs: Sequence[AnyJob], store: Store) -> tuple[Learned, dict[tuple[str, str], str]]:
    """Seconds a step of training by suite and algorithm, and in words what those are by that were not measured.

    An algorithm that has never run is taken to learn as fast as the middle one of those that are stored or shipped of
    the suite and learn something there.
    """
    shipped = learn_rates(reference_runs(job.names[0] for job in jobs))
    measured = shipped | learn_rates(store.read(StoredRun, StoredTrial, skip_corrupt=True))
    learned, by = dict(measured), {}
    for suite, algorithm in dict.fromkeys((job.names[0], job.names[1]) for job in jobs):
        if (suite, algorithm) in measured:
            continue
        others = [rate.seconds for (name, _), rate in measured.items() if name == suite and rate.seconds > 0]
        if algorithm in LEARNING_TIMES:
            by[suite, algorithm] = "a guess: it has not run there"
        elif others:
            learned[suite, algorithm] = Rate(median(others), 0.0)
            one = "the one algorithm" if len(others) == 1 else f"the middle one of {len(others)} algorithms"
            by[suite, algorithm] = f"as {one} took there"
        else:
            by[suite, algorithm] = "a guess: nothing is stored of the suite"
    return learned, by
