"""What commands do with a plan of runs and studies: say what is missing, carry it out, find what is stored of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.commands.text_table import text_table
from benchmarks.conformance.own_suites import refuse_spoilt_suites
from benchmarks.execution.executor import Executor, LocalExecutor
from benchmarks.execution.parents import standing_run
from benchmarks.execution.progress import as_time, make_display
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.job import AnyJob, J, Job
from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.time_estimates import learn_rates, makespan
from benchmarks.specs.trial_spec import TrialSpec
from benchmarks.verification.proofs import by_terms, standing_for
from reports.scores.cautions import FailedRun, shortened
from reports.text.numbers import plural
from results.files import StoreError
from results.store import S, Store, Stored, StoredRun, StoredStudy

INTERRUPTED = 130
#: the shipped results
SHIPPED = Path(__file__).parent.parent.parent / "results" / "reference"


@dataclass(frozen=True)
class RunOptions:
    """Where to read and write, how many jobs at a time, and what carries them out: nothing given, this machine."""

    results: Path
    output: Path
    workers: int
    force: bool = False
    make_executor: Callable[[], Executor] | None = None

    def executor(self) -> Executor:
        return LocalExecutor(self.workers) if self.make_executor is None else self.make_executor()


def missing(jobs: Sequence[J], store: Store, force: bool = False) -> list[J]:
    """The jobs that have not finished, by today's code or one proven equal to it (all of them if forced).

    What a kill left beside those that have finished is removed.  Raises StoreError naming all that are damaged.
    """
    if force:
        return list(jobs)
    intact = _read(jobs, store)
    paths, standing = {stored.path for stored in intact}, by_terms(intact)
    found, problems = [], dict[Path, str]()
    for job in jobs:
        identity = job.identity()
        folder = store.folder(identity)
        try:
            finished = folder.finished
        except StoreError as error:
            problems[folder.path] = str(error)
            continue
        if not finished:
            if standing_for(identity, standing) is None:
                found.append(job)
        elif folder.path not in paths:
            starts = (f"{folder.path}/", f"{folder.path} ")
            own = [problem for problem in store.problems if any(start in problem for start in starts)]
            problems[folder.path] = own[0] if own else f"{folder.path} is damaged; run it again with --force"
        else:
            folder.sweep()
    if problems:
        first, *others = problems
        more = f"; damaged too: {', '.join(map(str, others))}" if others else ""
        raise StoreError(f"{problems[first]}{more}")
    return found


def with_parents(jobs: Sequence[AnyJob], store: Store) -> list[AnyJob]:
    """The jobs behind those missing runs that they begin with, each of which is there once."""
    found: dict[str, AnyJob] = {}
    for job in jobs:
        parents = list(job.parent_runs.values())
        absent = [run for run in parents if standing_run(run, store) is None]
        for each in [*with_parents(absent, store), job]:
            found.setdefault(store.folder(each.identity()).path.as_posix(), each)
    # parents first, each group in the order given
    return sorted(found.values(), key=lambda job: not child_of(job))


def parents_of(jobs: Sequence[AnyJob], store: Store) -> list[AnyJob]:
    """Of `with_parents`, the runs that are no job of the list."""
    return [job for job in with_parents(jobs, store) if child_of(job)]


def planned(jobs: Sequence[Job[S]], store: Store) -> list[S]:
    """The finished ones of the plan, made by today's code or by one proven equal to it; names damaged records."""
    finished = _read(jobs, store)
    print_left_out_records(store)
    standing = by_terms(finished)
    paths = {stored.path for job in jobs if (stored := standing_for(job.identity(), standing)) is not None}
    return [stored for stored in finished if stored.path in paths]


def show_plan(jobs: Sequence[AnyJob], options: RunOptions) -> int:
    """`--dry-run`: each job that is missing, its expected time, and the whole."""
    store = Store(options.results, read_only=True)
    absent = missing(jobs, store, options.force)
    needed = with_parents(absent, store)
    seconds = list(expected_seconds(needed, store).values())
    rows = [(*job.names, f"seed {job.seed}", f"{job.size:,} {job.unit}", f"about {as_time(time)}", child_of(job))
            for job, time in zip(needed, seconds, strict=True)]  # fmt: skip
    print("\n".join(line.rstrip() for line in text_table(rows)))
    are = "is" if len(jobs) == 1 else "are"
    print(
        f"{len(absent)} of {_counted(jobs)} {are} missing{_parents_text(needed, len(absent))}: "
        f"about {as_time(sum(seconds))} of one core, "
        f"{as_time(makespan(seconds, options.workers))} with {plural(options.workers, 'worker')}"
    )
    return 0


def run_plan(
    jobs: Sequence[AnyJob], store: Store, options: RunOptions, executor: Executor | None = None
) -> tuple[list[tuple[AnyJob, RunOutcome]], int]:
    """Carries out what is missing, after the runs that this begins with; returns how each ended, and the exit code.

    Raises, before anything runs, StoreError if a finished record of the plan is damaged, and UsageError for a suite of
    one's own that breaks a rule.
    """
    absent = missing(jobs, store, options.force)
    if not absent:
        stored = f"the {_noun(jobs)} is" if len(jobs) == 1 else f"all {_counted(jobs)} are"
        print(f"{stored} stored in {store.root}")
        return [], 0
    refuse_spoilt_suites(job.suite_text for job in absent if isinstance(job, RunSpec))
    needed = with_parents(absent, store)
    expected = expected_seconds(needed, store)
    # what others wait for, then the longest, so that no core is idle at the end
    ordered = sorted(needed, key=lambda job: (not child_of(job), -expected[job.label]))
    with make_display(expected, options.workers) as display:
        outcomes = (executor or options.executor()).run(ordered, store.root, display, options.force)
    failed = [(job, ended) for job, ended in outcomes if ended.status == "failed"]
    _print_failures(failed, store)
    ended = sum(outcome.status in ("finished", "stored") for _, outcome in outcomes)
    print(f"{ended} of {len(needed)} missing {_noun(needed)} finished; results: {store.root}")
    if len(outcomes) < len(needed) or any(outcome.status == "interrupted" for _, outcome in outcomes):
        print("stopped; the same command goes on from the checkpoints", file=sys.stderr)
        return outcomes, INTERRUPTED
    if any(outcome.bad_input for _, outcome in failed):
        return outcomes, 2
    return outcomes, 1 if failed else 0


def expected_seconds(jobs: Sequence[AnyJob], store: Store) -> dict[str, float]:
    """By label, as what is stored here lets expect, else what is shipped."""
    learned = learn_rates(_shipped(jobs)) | learn_rates(_read(jobs, store))
    return {job.label: job.expected_seconds(learned) for job in jobs}


def failed_runs(outcomes: Sequence[tuple[AnyJob, RunOutcome]]) -> list[FailedRun]:
    """What the report says of jobs that did not finish."""
    return [FailedRun(*job.names, job.seed, ended.error) for job, ended in outcomes if ended.status == "failed"]


def print_left_out_records(store: Store) -> None:
    """Those that were damaged when the store was last read."""
    for problem in store.problems:
        print(f"metarl: left out: {problem}", file=sys.stderr)


def _read(jobs: Sequence[Job[S]], store: Store) -> list[S]:
    """What is stored of the jobs' kinds and intact."""
    return store.read(*dict.fromkeys(job.kind for job in jobs), skip_corrupt=True)


def _shipped(jobs: Sequence[AnyJob]) -> list[Stored]:
    """Of each suite and algorithm the shipped run with seed 0 of every configuration: a sample takes little reading."""
    store = Store(SHIPPED, read_only=True)
    cells = {job.names: job for job in jobs if job.kind is StoredRun}
    return [stored for job in cells.values() for stored in store.alike({**job.identity(), "seed": 0})]


def child_of(job: AnyJob) -> str:
    """Whose parent it is, and in which role; empty for a job of the plan's own."""
    return getattr(job, "child", "")


def _parents_text(needed: Sequence[AnyJob], absent: int) -> str:
    count = sum(bool(child_of(job)) for job in needed)
    return f", which {'begins' if absent == 1 else 'begin'} with {count} more" if count else ""


def _noun(jobs: Sequence[AnyJob]) -> str:
    """What the jobs are; in the singular where there is one."""
    studies = sum(job.kind is StoredStudy for job in jobs)
    if len(jobs) == 1:
        return "study" if studies else "run"
    return " and ".join(["runs"] * (studies < len(jobs)) + ["studies"] * (studies > 0))


def _counted(jobs: Sequence[AnyJob]) -> str:
    return f"{len(jobs)} {_noun(jobs)}"


def _print_failures(failed: Sequence[tuple[AnyJob, RunOutcome]], store: Store) -> None:
    if not failed:
        return
    rows = [(*job.names, _which(job), _last_line(ended.error)) for job, ended in failed]
    print(f"{_counted([job for job, _ in failed])} failed:", *text_table(rows), sep="\n", file=sys.stderr)
    if any(not ended.refused for _, ended in failed):
        print(f"tracebacks are in each one's run.json under {store.root}", file=sys.stderr)


def _which(job: AnyJob) -> str:
    """What tells it from others of its suite and algorithm."""
    trial = f"trial {job.trial} " if isinstance(job, TrialSpec) else ""
    return f"{trial}seed {job.seed}"


def _last_line(error: str) -> str:
    return shortened((error.strip().splitlines() or ["no error was recorded"])[-1])
