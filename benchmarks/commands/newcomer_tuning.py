"""`metarl compare --tune`: as many trials for the newcomer as its opponents had, then its runs with what they chose."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.commands.jobs import RunOptions, missing
from benchmarks.commands.report import reference_runs
from benchmarks.commands.text_table import text_table
from benchmarks.commands.tune import run_tuning
from benchmarks.execution.progress import as_time
from benchmarks.planning.plan import Plan
from benchmarks.planning.tuned_values import SHIPPED, sibling_of
from benchmarks.specs.job import AnyJob
from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.time_estimates import Learned, learn_rates, makespan
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.tune_plan import TunePlan, plan_tuning
from benchmarks.tuning.tuning import Tuning
from environments.typed_options import UsageError
from results.store import Store, StoredRun, StoredTrial


@dataclass(frozen=True)
class NewcomerTuning:
    """What is tried of one algorithm before it is compared.

    into: where the values go.  replan: the comparison's runs, with the values that lie there by then.
    """

    plan: TunePlan
    effort: Effort
    into: Path
    replan: Callable[[], Plan]

    def run(self, options: RunOptions) -> int:
        """Carries the trials out; returns the exit code."""
        cells = ", ".join(cell.spec.suite for cell in self.plan.cells)
        print(f"tuning {self.plan.cells[0].spec.algorithm} on validation tasks of {cells}: {self.effort.trials} trials "
              f"of {self.effort.seeds} seeds each", flush=True)  # fmt: skip
        return run_tuning(self.plan, replace(options, output=self.into, force=False))


def plan_newcomer(
    benchmark: str, suites: Sequence[str], algorithm: str, profile: str, effort: Effort, into: Path,
    replan: Callable[[], Plan],
) -> NewcomerTuning:  # fmt: skip
    """suites: full names; one that takes a sibling's values is tuned on that sibling, as its opponents were.

    Raises UsageError if nothing can be tuned.
    """
    own = list(dict.fromkeys(sibling_of(profile, suite, (into, SHIPPED)) or suite for suite in suites))
    try:
        return NewcomerTuning(plan_tuning(benchmark, own, [algorithm], profile, effort), effort, into, replan)
    except UsageError as error:
        raise UsageError(f"{error}; leave --tune out to compare it with the values that it has") from None


def opponents_effort(runs: Iterable[StoredRun], specs: Sequence[RunSpec], trials: int | None) -> Effort:
    """The most that any stored opponent had on these suites in this profile, else the usual.  trials: in its place."""
    suites, names = {spec.suite for spec in specs}, {spec.algorithm for spec in specs}
    spent = [
        (int(record["trials"]), int(record["seeds"]))
        for run in runs
        if run.suite in suites and run.algorithm not in names and run.profile == specs[0].profile
        if (record := run.run["description"].get("tuning"))
    ]
    usual = Effort()
    most = max(spent, key=lambda effort: (math.prod(effort), effort), default=(usual.trials, usual.seeds))
    return Effort(most[0] if trials is None else trials, most[1])


def show_comparison(specs: Sequence[RunSpec], tuning: NewcomerTuning | None, options: RunOptions) -> int:
    """`--dry-run`: the trials and runs that are missing, how long each takes, and the whole.

    An algorithm that has never run is taken to learn as fast as the middle one of those that are stored or shipped of
    the suite.  Values that are not chosen yet count as runs that are missing.
    """
    store = Store(options.results, read_only=True)
    trials: list[AnyJob] = []
    if tuning is not None:
        progress = Tuning([*tuning.plan.cells], store, lambda cell, outcome: None)
        trials = [*progress.next_round()]
        specs = specs if trials else tuning.replan()
    runs: list[AnyJob] = [*missing(specs, store, options.force or bool(trials))]
    learned, by = _rates([*trials, *runs], store)
    whole = list[float]()
    for kind, jobs in (("trials", trials), ("runs", runs)):
        groups: dict[tuple[str, ...], list[float]] = {}
        for job in jobs:
            groups.setdefault(job.names, []).append(job.expected_seconds(learned))
        rows = [
            (*names, f"{len(seconds)} {'runs of trials' if kind == 'trials' else 'runs'}",
             f"about {as_time(sum(seconds))} of one core", by.get((names[0], names[1]), ""))
            for names, seconds in groups.items()
        ]  # fmt: skip
        print("\n".join(text_table(rows)), end="\n" * bool(rows))
        whole += [second for own in groups.values() for second in own]
    first = f"{len(trials)} runs of trials and " if tuning is not None else ""
    print(f"{first}{len(runs)} of {len(specs)} runs are missing: about {as_time(sum(whole))} of one core, "
          f"{as_time(makespan(whole, options.workers))} with {options.workers} workers; "
          "checking the rules and drawing the page come on top")  # fmt: skip
    return 0


def _rates(jobs: Sequence[AnyJob], store: Store) -> tuple[Learned, dict[tuple[str, str], str]]:
    """Seconds a step of training by suite and algorithm, and in words what those are by that were not measured."""
    shipped = learn_rates(reference_runs())
    learned = shipped | learn_rates(store.read(StoredRun, StoredTrial, skip_corrupt=True))
    by = {}
    for suite, algorithm in dict.fromkeys((job.names[0], job.names[1]) for job in jobs):
        others = [rate for (name, _), rate in learned.items() if name == suite]
        if (suite, algorithm) in learned:
            continue
        if others:
            learned[suite, algorithm] = median(others)
            by[suite, algorithm] = f"as the middle one of {len(others)} algorithms took there"
        else:
            by[suite, algorithm] = "a guess: nothing is stored of the suite"
    return learned, by
