"""`metarl tune`: tries configurations of algorithms on validation tasks and writes down which is best."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.commands.jobs import INTERRUPTED, RunOptions, child_of, parents_of, run_plan
from benchmarks.commands.rates import rates
from benchmarks.commands.text_table import text_table
from benchmarks.execution.executor import Executor, Watcher
from benchmarks.execution.progress import as_time
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome
from benchmarks.planning.fitting import print_left_out
from benchmarks.planning.tuned_values import shipped_folder, sibling_of, writes_shipped, written_folder
from benchmarks.specs.job import AnyJob, J
from benchmarks.specs.loose_suites import is_source
from benchmarks.specs.own_code import find_own
from benchmarks.specs.time_estimates import makespan
from benchmarks.specs.trial_spec import TrialSpec
from benchmarks.tuning.cell import configurations_beside
from benchmarks.tuning.document import Outcome, refuse_unwritable, write_outcome
from benchmarks.tuning.scores import configuration_score
from benchmarks.tuning.tune_plan import TunePlan
from benchmarks.tuning.tuning import CellProgress, Tuning
from reports.text.numbers import plural
from results.store import Store


def default_folder(algorithms: Sequence[str], benchmark: str = "", others: Iterable[str] = ()) -> Path:
    """The package's folder for algorithms of its own where it can be written to, else one below the working one.

    others: what else was named, of which a file of one's own has no place in the package either.
    """
    ours = writes_shipped(find_own(text) for text in algorithms)
    ours = ours and not any(is_source(text) or text.endswith(".toml") for text in others)
    return shipped_folder(benchmark) if ours else written_folder(benchmark)


def show_tuning(plan: TunePlan, options: RunOptions) -> int:
    """`--dry-run`: of each cell, the trials that are missing and their expected time; and the whole.

    Raises UsageError as `run_tuning` does.
    """
    refuse_unwritable_cells(plan, options.output)
    print_untunable(plan, options.output)
    store = Store(options.results, read_only=True)
    rows, whole = [], list[float]()
    tuning = Tuning([*plan.cells], store, lambda cell, outcome: None)
    tuning.next_round()
    parents = parents_of([trial for each in tuning.cells for trial in each.missing], store)
    learned, by = rates([*parents, *(each.cell.trials_of([0])[0] for each in tuning.cells)], store)
    for parent in parents:
        whole.append(parent.expected_seconds(learned))
        rows.append((*parent.names, "1 run", f"seed {parent.seed}", f"about {as_time(whole[-1])}", child_of(parent)))
    for each in tuning.cells:
        cell = each.cell
        sample = cell.trials_of([0])[0]
        left = [*each.missing, *[sample] * each.unasked]
        seconds = [trial.expected_seconds(learned) for trial in left]
        whole += seconds
        count = len(each.asked) + each.unasked // cell.effort.seeds
        guess = by.get((sample.names[0], sample.names[1]))
        about = f"about {as_time(sum(seconds))}" + (f" ({guess})" if guess else "")
        effort = f"{plural(count, 'trial')} x {plural(cell.effort.seeds, 'seed')}"
        rows.append((cell.spec.suite, cell.spec.algorithm, effort,
                     f"{plural(len(left), 'run')} missing", about, ", ".join(cell.space)))  # fmt: skip
    print("\n".join(text_table(rows)))
    are = "is" if len(whole) == 1 else "are"
    print(
        f"{plural(len(whole), 'run')} on {plural(len(tuning.cells), 'cell')} {are} missing: "
        f"about {as_time(sum(whole))} of one core, "
        f"{as_time(makespan(whole, options.workers))} with {plural(options.workers, 'worker')}; profile {plan.profile}"
    )
    return 0


def run_tuning(plan: TunePlan, options: RunOptions, executor: Executor | None = None) -> int:
    """Carries out the trials and writes each cell's choice below `options.output`; returns the exit code.

    1: every trial of a cell failed, or one was killed or could not be written, which the same command runs again;
    nothing is written of such a cell.  2: one was refused as bad input.  Raises StoreError, and before the first trial
    UsageError where what is chosen could not be written (`refuse_unwritable`).
    """
    refuse_unwritable_cells(plan, options.output)
    print_untunable(plan, options.output)
    store, failed = Store(options.results), list[str]()

    def choose(cell: CellProgress, outcome: Outcome | None) -> None:
        spec = cell.cell.spec
        if outcome is None:
            failed.append(cell.cell.label)
            print(f"{cell.cell.label}: every trial failed, so that nothing is chosen", file=sys.stderr)
            return
        outcome = replace(outcome, others=configurations_beside(cell.cell.trials_of(range(len(outcome.values))), store))
        path = write_outcome(options.output, plan.profile, spec.suite, spec.algorithm, outcome)
        print("\n".join([*_as_lines(cell.cell.label, outcome), f"  written to {path}"]), flush=True)

    tuning = Tuning(plan.cells, store, choose)
    telling = _Telling(executor or options.executor(), tuning)
    while trials := tuning.next_round():
        outcomes, code = run_plan(trials, store, options, telling)
        if code == INTERRUPTED:
            return code
        missing = {trial.label for each in tuning.cells for trial in each.missing}
        if any(ended.bad_input and job.label in missing for job, ended in outcomes):
            return 2  # the same command would be again
        if missing:
            count = plural(len(missing), "trial")
            print(f"{count} did not end, so that nothing is chosen there; the same command goes on", file=sys.stderr)
            return 1
    return 1 if failed else 0


def refuse_unwritable_cells(plan: TunePlan, folder: Path) -> None:
    """Raises UsageError as `refuse_unwritable` does for the first cell of which nothing could be written."""
    for cell in plan.cells:
        refuse_unwritable(folder, plan.profile, cell.spec.suite, cell.spec.algorithm, cell.setting)


class _Telling:
    """An executor that tells the tuning of every trial as soon as it has ended."""

    def __init__(self, executor: Executor, tuning: Tuning) -> None:
        self._executor, self._tuning = executor, tuning

    def run(self, jobs: Sequence[J], root: Path, watcher: Watcher, force: bool = False) -> list[tuple[J, RunOutcome]]:
        return self._executor.run(jobs, root, _Both(watcher, self._tuning), force)


class _Both:
    """A watcher beside whom the tuning is told."""

    def __init__(self, watcher: Watcher, tuning: Tuning) -> None:
        self._watcher, self._tuning = watcher, tuning

    def started(self, job: AnyJob) -> None:
        self._watcher.started(job)

    def progressed(self, job: AnyJob, progress: Progress) -> None:
        self._watcher.progressed(job, progress)

    def ended(self, job: AnyJob, ended: RunOutcome) -> None:
        self._watcher.ended(job, ended)
        if isinstance(job, TrialSpec):
            self._tuning.note(job, ended)

    def stopping(self) -> None:
        self._watcher.stopping()

    def tick(self) -> None:
        self._watcher.tick()


def print_untunable(plan: TunePlan, folder: Path) -> None:
    """Suites that are not tuned, what they take instead, cells that are left out, and notes on others.

    folder: of tuned values.
    """
    for suite, reason in plan.suites.items():
        sibling = sibling_of(plan.profile, suite, (folder,))
        instead = f"the values tuned on its sibling {sibling}" if sibling else "the profile's values"
        print(f"not tuned: {suite}: {reason}; it takes {instead}")
    print_left_out(plan.left_out, plan.notes)


def _as_lines(label: str, outcome: Outcome) -> list[str]:
    scores = [configuration_score(each) for each in outcome.scores]
    lost = sum(not math.isfinite(score) for score in scores)
    also = f", {lost} of which failed" if lost else ""
    rows = [("  chosen", *_row(outcome, scores, outcome.chosen)), ("  paper's", *_row(outcome, scores, 0))]
    if outcome.profile:
        rows.append(("  profile's", *_row(outcome, scores, outcome.profile)))
    return [f"{label}: trial {outcome.chosen} of {len(scores)}{also}", *text_table(rows)]


def _row(outcome: Outcome, scores: Sequence[float], index: int) -> tuple[str, str, str]:
    values = ", ".join(f"{name} {value}" for name, value in outcome.values[index].items())
    score = f"{scores[index]:.4g}" if math.isfinite(scores[index]) else "failed"
    return f"trial {index}", score, values
