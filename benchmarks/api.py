"""The door for Python: run a cell, or load stored results, as tidy DataFrames.

    from benchmarks.api import load_results, run_cell

`docs/python.md` has examples.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from operator import index
from pathlib import Path
from typing import Any

from algorithms.algorithm import Algorithm
from benchmarks.commands.jobs import missing, planned, with_parents
from benchmarks.commands.report import REFERENCE
from benchmarks.conformance.own_suites import refuse_spoilt_suites
from benchmarks.execution.executor import Executor, LocalExecutor, Watcher
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.execution.progress import make_display
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome
from benchmarks.planning.interactive import named, refuse_changed_code
from benchmarks.planning.plan import Setting, make_plan
from benchmarks.planning.profiles import find_profile
from benchmarks.specs.job import AnyJob
from benchmarks.specs.own_code import find_own
from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.trial_spec import FIRST_TUNING_SEED
from benchmarks.verification.proofs import with_proofs
from environments.typed_options import UsageError, nearest
from reports.scores.frames import Results, rliable_scores
from results.store import Store, StoredRun

__all__ = ["Results", "RunFailed", "UsageError", "load_results", "rliable_scores", "run_cell"]


class RunFailed(RuntimeError):
    """Runs of a cell failed; the text ends with the first one's traceback."""


def run_cell(
    suite: str,
    algorithm: str | type[Algorithm],
    *,
    seeds: int | Iterable[int] | None = None,
    profile: str = "quick",
    options: Mapping[str, Any] | None = None,
    tuned: bool | Path = True,
    budget: int | None = None,
    workers: int = 0,
    results: str | Path | None = None,
    progress: bool = False,
) -> Results:
    """Runs one algorithm on one suite, as `metarl leaderboard` would, and returns its scores and learning curves.

    suite: a name, with options as in `half-cheetah-velocity[horizon=100]`.
    algorithm: a name, `path.py[:Class]`, `package.module:Class`, or a class, which may be defined in this session.
    seeds: how many, from 0, or which; the profile's number if None.
    profile: how much a run samples.  options: of the algorithm, in place of the profile's, as in {"clip": 0.2}.
    tuned: whether its other options take the values that `metarl tune` found; or the folder that has them.  Where they
    were found under other terms, such as another budget, they are not taken, and a warning says so.
    budget: environment steps of training, in place of the profile's.
    workers: 0 runs in this process and leaves torch's threads and the global random generators as they were; n runs
    in n processes, for which a script needs `if __name__ == "__main__":`.
    results: the store's folder, where finished runs are not run again and interrupted ones resume; if None, nothing is
    kept but what is returned.  progress: show it on the standard error.

    Raises UsageError for bad input, or if the algorithm says that it does not fit the suite; RunFailed once all runs
    have ended of which one failed; KeyboardInterrupt if interrupted; StoreError if the store is damaged.
    """
    if not isinstance(workers, int) or workers < 0:
        raise UsageError(f"workers must be a whole number of at least 0, got {workers!r}")
    with named(algorithm, workers) as text, _store(results) as store:
        specs = _specs(suite, text, seeds, profile, options or {}, tuned, budget)
        refuse_changed_code(specs[0])
        _run(with_parents(missing(specs, store), store), store, workers, progress)
        found = Results(tuple(with_proofs(planned(specs, store))))
        _ = found.scores, found.learning, found.training  # read before a temporary store goes
    return found


def load_results(
    folder: str | Path | None = None,
    suites: str | Sequence[str] | None = None,
    algorithms: str | Sequence[str] | None = None,
    profile: str | None = None,
) -> Results:
    """The finished runs of a store as tables; damaged ones are left out, each with a warning that names it.

    folder: the store's; `./results` if None; the text "reference" stands for the shipped results (a folder of that
    name is Path("reference")).  suites (full names), algorithms, profile: only these, all if None.
    Raises UsageError if there is no such folder, or for a name of which it holds no run, offering the nearest.
    """
    root = REFERENCE if folder == "reference" else Path("results" if folder is None else folder)
    if not root.is_dir():
        raise UsageError(f'no folder {str(root)!r}; "reference" names the shipped results')
    store = Store(root, read_only=True)
    runs = store.finished(skip_corrupt=True)
    for problem in store.problems:
        warnings.warn(f"left out: {problem}", stacklevel=2)
    for kind, names in (("suite", suites), ("algorithm", algorithms), ("profile", profile)):
        if names is not None:
            runs = _only(runs, kind, [names] if isinstance(names, str) else list(names), root)
    return Results(tuple(runs))


def _only(runs: Sequence[StoredRun], kind: str, names: Sequence[str], root: Path) -> list[StoredRun]:
    def of(run: StoredRun) -> str:
        return run.run["description"]["profile"] if kind == "profile" else getattr(run, kind)

    present = {of(run) for run in runs}
    for name in names:
        if name not in present:
            raise UsageError(f"{root} holds no such run of {kind} {name!r}; {nearest(name, present)}")
    return [run for run in runs if of(run) in names]


def _specs(
    suite: str,
    algorithm: str,
    seeds: int | Iterable[int] | None,
    profile: str,
    options: Mapping[str, Any],
    tuned: bool | Path,
    budget: int | None,
) -> list[RunSpec]:
    name = find_own(algorithm).name
    settings = [Setting(name, option, value) for option, value in options.items()]
    if budget is not None and budget < 1:
        raise UsageError(f"the budget must be at least 1 environment step, got {budget}")
    plan = make_plan(
        suites=[suite], algorithms=[algorithm], seeds=1, profile=profile, settings=settings, tuned=tuned,
        budget=None if budget is None else int(budget),
    )  # fmt: skip
    plan.require_runs()
    for note in plan.notes:
        warnings.warn(note, stacklevel=3)
    return [replace(plan[0], seed=seed) for seed in _seeds(find_profile(profile).seeds if seeds is None else seeds)]


def _seeds(given: int | Iterable[int]) -> list[int]:
    try:
        chosen = list(range(given)) if isinstance(given, int) else [index(seed) for seed in given]
    except TypeError:  # text, a fraction, or no sequence
        chosen = []
    if not chosen or min(chosen) < 0 or len(set(chosen)) < len(chosen):
        raise UsageError(f"seeds must be how many, at least 1, or different ones of at least 0, got {given!r}")
    if max(chosen) >= FIRST_TUNING_SEED:
        raise UsageError(f"seeds must lie below {FIRST_TUNING_SEED}, where those of tuning begin, got {max(chosen)}")
    return chosen


@contextmanager
def _store(results: str | Path | None) -> Iterator[Store]:
    with tempfile.TemporaryDirectory(prefix="metarl-cell-") if results is None else nullcontext(results) as root:
        yield Store(Path(root))


def _run(specs: Sequence[AnyJob], store: Store, workers: int, progress: bool) -> None:
    """Raises as `run_cell` does."""
    if not specs:
        return
    refuse_spoilt_suites(spec.suite_text for spec in specs if isinstance(spec, RunSpec))
    expected = {spec.label: spec.expected_seconds({}) for spec in specs}
    executor: Executor = LocalExecutor(workers) if workers else InProcessExecutor()
    with make_display(expected, max(workers, 1)) if progress else nullcontext(_Silent()) as watcher:
        outcomes = executor.run(specs, store.root, watcher)
    failed = [(spec, ended) for spec, ended in outcomes if ended.status == "failed"]
    if failed:
        spec, ended = failed[0]
        if ended.bad_input:
            raise UsageError(ended.error)
        raise RunFailed(f"{len(failed)} of {len(specs)} runs failed; {spec.label}:\n{ended.error}")
    if len(outcomes) < len(specs) or any(ended.status == "interrupted" for _, ended in outcomes):
        raise KeyboardInterrupt


class _Silent(Watcher):
    def started(self, job: AnyJob) -> None: ...
    def progressed(self, job: AnyJob, progress: Progress) -> None: ...
    def ended(self, job: AnyJob, ended: RunOutcome) -> None: ...
    def stopping(self) -> None: ...
    def tick(self) -> None: ...
