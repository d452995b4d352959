"""`metarl compare --tune`: as many trials for the newcomer as its opponents had, then its runs with what they chose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.commands.jobs import RunOptions, child_of, missing, parents_of
from benchmarks.commands.rates import rates
from benchmarks.commands.text_table import text_table
from benchmarks.commands.tune import print_untunable, refuse_unwritable_cells, run_tuning
from benchmarks.execution.progress import as_time
from benchmarks.planning.plan import Plan
from benchmarks.planning.profiles import find_profile
from benchmarks.planning.tuned_values import (
    SHIPPED,
    papers_folders,
    places_of_trials,
    shipped_folder,
    sibling_of,
    tuned_cell,
)
from benchmarks.specs.job import AnyJob
from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.time_estimates import makespan
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.tune_plan import TunePlan, plan_tuning
from benchmarks.tuning.tuning import Tuning
from environments.typed_options import UsageError
from reports.text.numbers import plural
from results.reference_scores import REFERENCE_ACCESS
from results.store import Store, StoredRun

#: why a suite is left out
UNTUNED = "opponents that are stored there were not tuned"


@dataclass(frozen=True)
class NewcomerTuning:
    """What is tried of one algorithm before it is compared.

    into: where the values go.  replan: the comparison's runs, with the values that lie there by then.
    """

    plan: TunePlan
    into: Path
    replan: Callable[[], Plan]

    def run(self, options: RunOptions) -> int:
        """Carries the trials out; returns the exit code."""
        cells: dict[str, list[str]] = {}
        for cell in self.plan.cells:
            cells.setdefault(_in_words(cell.effort), []).append(cell.spec.suite)
        tried = "; ".join(f"{effort} on {', '.join(suites)}" for effort, suites in cells.items())
        print(f"tuning {self.plan.cells[0].spec.algorithm}, without a test task: {tried}", flush=True)
        return run_tuning(self.plan, replace(options, output=self.into, force=False))


def plan_newcomer(
    benchmark: str, efforts: Mapping[str, Effort | None], algorithm: str, profile: str, into: Path,
    replan: Callable[[], Plan],
) -> NewcomerTuning:  # fmt: skip
    """efforts: as `opponents_effort` gives them; a suite that takes a sibling's values is tuned on that sibling, as its
    opponents were.  profile: a name, or a file.

    Raises UsageError if nothing can be tuned.
    """
    own: dict[str, Effort] = {}
    folders = places_of_trials(into, shipped_folder(benchmark))
    name = find_profile(profile).name
    for suite, effort in efforts.items():
        if effort is not None:
            tuned = sibling_of(name, suite, (into, SHIPPED)) or suite
            own[tuned] = max(own.get(tuned, effort), effort, key=_runs)
    untuned = {suite: UNTUNED for suite, effort in efforts.items() if effort is None and suite not in own}
    try:
        if not own:
            raise UsageError(
                f"there is nothing to tune on {', '.join(untuned)}: {UNTUNED}; --trials N tunes all the same"
            )
        plan = plan_tuning(benchmark, list(own), [algorithm], profile, Effort(), folders, own)
    except UsageError as error:
        raise UsageError(f"{error}; leave --tune out to compare it with the values that it has") from None
    return NewcomerTuning(replace(plan, suites={**plan.suites, **untuned}), into, replan)


def opponents_effort(
    runs: Iterable[StoredRun], specs: Sequence[RunSpec], trials: int | None
) -> dict[str, Effort | None]:
    """By suite, the most that any stored opponent had on the same board, as its record says; the usual where none is
    stored; None where none of those that are was tuned.

    trials: how many of a sampler's, in place of any other number, and of none.  What is scripted or knows test tasks is
    no opponent.
    """
    names, usual = {spec.algorithm for spec in specs}, Effort()
    terms = {_terms(spec.identity()) for spec in specs}
    found: dict[str, list[Mapping[str, Any]]] = {}  # what opponents' records say, nothing of those that are not tuned
    for run in runs:
        description = run.run["description"]
        reference = run.scripted or REFERENCE_ACCESS & set(description["access"])
        on_its_board = run.profile == specs[0].profile and _terms(run.identity) in terms
        if run.algorithm not in names and on_its_board and not reference:
            found.setdefault(run.suite, []).append(_said(run, description.get("tuning") or {}))
    efforts = {spec.suite: _most(found[spec.suite]) if spec.suite in found else usual for spec in specs}
    if trials is None:
        return efforts
    whole = {suite: effort or usual for suite, effort in efforts.items()}
    return {suite: Effort(trials, effort.seeds, fresh_tasks=effort.fresh_tasks) for suite, effort in whole.items()}


def show_comparison(specs: Sequence[RunSpec], tuning: NewcomerTuning | None, options: RunOptions) -> int:
    """`--dry-run`: the trials and runs that are missing, how long each takes, and the whole.

    An algorithm that has never run is taken to learn as fast as the middle one of those that are stored or shipped of
    the suite.  Values that are not chosen yet count as runs that are missing.  Raises UsageError as `run_tuning` does.
    """
    store = Store(options.results, read_only=True)
    trials: list[AnyJob] = []
    if tuning is not None:
        refuse_unwritable_cells(tuning.plan, tuning.into)
        print_untunable(tuning.plan, tuning.into)
        progress = Tuning([*tuning.plan.cells], store, lambda cell, outcome: None)
        trials = [*progress.next_round()]
        specs = specs if trials else tuning.replan()
    runs: list[AnyJob] = [*missing(specs, store, options.force or bool(trials))]
    parents = parents_of([*trials, *runs], store)
    learned, by = rates([*parents, *trials, *runs], store)
    whole, rows = list[float](), list[tuple[str, ...]]()
    for of, jobs in (("", parents), (" of trials", trials), ("", runs)):
        groups: dict[tuple[str, ...], list[float]] = {}
        for job in jobs:
            groups.setdefault((*job.names, child_of(job)), []).append(job.expected_seconds(learned))
        for (*names, child), seconds in groups.items():
            said = "; ".join(filter(None, (child, by.get((names[0], names[1])))))
            rows.append((*names, plural(len(seconds), "run") + of, f"about {as_time(sum(seconds))} of one core", said))
            whole += seconds
    print("\n".join(text_table(rows)), end="\n" * bool(rows))
    first = f"{plural(len(trials), 'run')} of trials and " if tuning is not None else ""
    are = "is" if len(specs) == 1 and tuning is None else "are"
    begin = f", which begin{'s' if are == 'is' else ''} with {len(parents)} more" if parents else ""
    print(f"{first}{len(runs)} of {plural(len(specs), 'run')} {are} missing{begin}: "
          f"about {as_time(sum(whole))} of one core, "
          f"{as_time(makespan(whole, options.workers))} with {plural(options.workers, 'worker')}; "
          "checking the rules and drawing the page come on top")  # fmt: skip
    return 0


def _terms(identity: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a board's runs have alike."""
    return identity["suite"], identity["budget"], tuple(sorted(identity["protocol"].items()))


def _said(run: StoredRun, tuning: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the run's record holds of its tuning; where the file of these trials is there, what that says, since records
    have not always named the profile whose best trials they were.
    """
    if not tuning:
        return tuning
    shipped = (
        tuned_cell(str(run.profile), run.suite, run.algorithm, [folder]) for folder in (SHIPPED, *papers_folders())
    )
    return next((cell.note() for cell in shipped if cell and cell.digest == tuning.get("digest")), tuning)


def _most(records: Iterable[Mapping[str, Any]]) -> Effort | None:
    """The effort of most runs of trials, those included that chose what was tried."""

    def runs(record: Mapping[str, Any]) -> tuple[int, int]:
        stages = [record, *([record["origin"]] if record.get("origin") else [])]
        return sum(stage["trials"] * stage["seeds"] for stage in stages), record["trials"]

    most = max(filter(None, records), key=runs, default=None)
    if most is None:
        return None
    origin = (most.get("origin") or {}).get("profile")
    return Effort(most["trials"], most["seeds"], origin=origin, fresh_tasks=most.get("fresh_tasks", 0))


def _runs(effort: Effort) -> tuple[bool, int, int]:
    """What makes one suite's effort more than its sibling's."""
    return effort.origin is not None, effort.trials * effort.seeds, effort.trials


def _in_words(effort: Effort) -> str:
    origin = f", the best of {effort.origin}," if effort.origin else ""
    fresh = f", scored on {effort.fresh_tasks} fresh tasks" if effort.fresh_tasks else ""
    return f"{plural(effort.trials, 'trial')} of {plural(effort.seeds, 'seed')}{origin}{fresh}"
