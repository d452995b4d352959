"""`metarl leaderboard`: runs what is missing, longest first, then writes the report."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.commands.report import check_output, render
from benchmarks.commands.text_table import text_table
from benchmarks.execution.executor import Executor, LocalExecutor
from benchmarks.execution.progress import as_time, make_display
from benchmarks.execution.worker import RunOutcome
from benchmarks.planning.fitting import LeftOut
from benchmarks.planning.time_estimates import estimated_seconds, learn_rates, makespan
from benchmarks.specs.run_spec import RunSpec
from benchmarks.verification.proofs import by_terms, standing_for
from reports.scores.cautions import FailedRun
from results.files import StoreError
from results.store import Store, StoredRun

INTERRUPTED = 130


@dataclass(frozen=True)
class RunOptions:
    """Where to read and write, and how many runs at a time."""

    results: Path
    output: Path
    workers: int
    force: bool = False


def run_leaderboard(specs: Sequence[RunSpec], options: RunOptions, title: str, left_out: Sequence[LeftOut] = ()) -> int:
    """Carries out the plan and writes its report; returns the command's exit code.  Raises StoreError.

    left_out: what the report names as not run.
    """
    store = Store(options.results)
    check_output(options.output)
    outcomes, code = run_plan(specs, store, options)
    if code == INTERRUPTED:
        return code
    runs = stored_runs(specs, store)
    if runs:
        page = render(runs, options.output, title, failed=failed_runs(outcomes), left_out=left_out)
        print(f"report: {page}")
    return code


def show_plan(specs: Sequence[RunSpec], options: RunOptions) -> int:
    """`--dry-run`: each run that is missing, its expected time, and the whole."""
    store = Store(options.results, read_only=True)
    intact = store.finished(skip_corrupt=True)
    missing, learned = missing_runs(specs, store, intact, options.force), learn_rates(intact)
    seconds = [estimated_seconds(spec, learned) for spec in missing]
    rows = [(spec.suite, spec.algorithm, f"seed {spec.seed}", f"{spec.budget:,} steps", f"about {as_time(time)}")
            for spec, time in zip(missing, seconds, strict=True)]  # fmt: skip
    print("\n".join(text_table(rows)))
    print(
        f"{len(missing)} of {len(specs)} runs are missing: about {as_time(sum(seconds))} of one core, "
        f"{as_time(makespan(seconds, options.workers))} with {options.workers} workers"
    )
    return 0


def run_plan(
    specs: Sequence[RunSpec], store: Store, options: RunOptions, executor: Executor | None = None
) -> tuple[list[tuple[RunSpec, RunOutcome]], int]:
    """Runs what is missing; returns how each of those ended, and the exit code.

    Raises StoreError, before anything runs, if a finished run of the plan is damaged.
    """
    intact = store.finished(skip_corrupt=True)
    missing, learned = missing_runs(specs, store, intact, options.force), learn_rates(intact)
    if not missing:
        print(f"all {len(specs)} runs are stored in {store.root}")
        return [], 0
    expected = {spec.label: estimated_seconds(spec, learned) for spec in missing}
    return run_jobs(missing, expected, store, options, executor)


def run_jobs(
    missing: Sequence[Any],
    expected: Mapping[str, float],
    store: Store,
    options: RunOptions,
    executor: Executor | None = None,
    what: str = "runs",
) -> tuple[list[tuple[Any, RunOutcome]], int]:
    """Carries out runs or measurements that are missing; returns how each ended, and the exit code.

    expected: seconds, by label.
    """
    # the longest first, so that no core is idle at the end
    ordered = sorted(missing, key=lambda spec: -expected[spec.label])
    with make_display(expected, options.workers) as display:
        outcomes = (executor or LocalExecutor(options.workers)).run(ordered, store.root, display, options.force)
    failed = [(spec, ended) for spec, ended in outcomes if ended.status == "failed"]
    _print_failures(failed, store)
    ended = sum(outcome.status in ("finished", "stored") for _, outcome in outcomes)
    print(f"{ended} of {len(missing)} missing {what} finished; results: {store.root}")
    if len(outcomes) < len(missing) or any(outcome.status == "interrupted" for _, outcome in outcomes):
        print("stopped; the same command goes on from the checkpoints", file=sys.stderr)
        return outcomes, INTERRUPTED
    if any(outcome.refused for _, outcome in failed):
        return outcomes, 2
    return outcomes, 1 if failed else 0


def missing_runs(specs: Sequence[RunSpec], store: Store, intact: Sequence[StoredRun], force: bool) -> list[RunSpec]:
    """The runs that have not finished, by today's code or one proven equal to it (all of them if forced).

    Raises StoreError for one that is not `intact`.
    """
    if force:
        return list(specs)
    paths, standing = {run.path for run in intact}, by_terms(intact)
    missing = []
    for spec in specs:
        identity = spec.identity()
        folder = store.folder(identity)
        if not folder.finished:
            if standing_for(identity, standing) is None:
                missing.append(spec)
        elif folder.path not in paths:
            starts = (f"{folder.path}/", f"{folder.path} ")
            own = [problem for problem in store.problems if any(start in problem for start in starts)]
            raise StoreError(own[0] if own else f"{folder.path} is damaged; run it again with --force")
    return missing


def stored_runs(specs: Sequence[RunSpec], store: Store) -> list[StoredRun]:
    """The finished ones of the plan, made by today's code or by one proven equal to it."""
    finished = store.finished(skip_corrupt=True)
    for problem in store.problems:
        print(f"metarl: left out: {problem}", file=sys.stderr)
    standing = by_terms(finished)
    planned = {run.path for spec in specs if (run := standing_for(spec.identity(), standing)) is not None}
    return [run for run in finished if run.path in planned]


def failed_runs(outcomes: Sequence[tuple[RunSpec, RunOutcome]]) -> list[FailedRun]:
    """What the report says of runs that did not finish."""
    return [FailedRun(spec.suite, spec.algorithm, spec.seed, ended.error)
            for spec, ended in outcomes if ended.status == "failed"]  # fmt: skip


def _print_failures(failed: Sequence[tuple[RunSpec, RunOutcome]], store: Store) -> None:
    if not failed:
        return
    rows = [(spec.suite, spec.algorithm, f"seed {spec.seed}", _last_line(ended.error)) for spec, ended in failed]
    print(f"{len(failed)} runs failed:", *text_table(rows), sep="\n", file=sys.stderr)
    if any(not ended.refused for _, ended in failed):
        print(f"tracebacks are in each run's run.json under {store.root}", file=sys.stderr)


def _last_line(error: str) -> str:
    return (error.strip().splitlines() or ["no error was recorded"])[-1]
