"""A paper's measurements: which its data name, at the size that the profile chooses, and those that are missing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from algorithms.catalogue import algorithms
from benchmarks.commands.leaderboard import RunOptions, run_jobs
from benchmarks.commands.text_table import text_table
from benchmarks.execution.executor import Executor
from benchmarks.execution.progress import as_time
from benchmarks.execution.worker import RunOutcome
from benchmarks.planning.plan import Setting
from benchmarks.planning.profiles import find_profile
from benchmarks.specs.run_spec import known_suite
from benchmarks.specs.study_spec import MeasurementSpec, code_of, find_measurement, measurements, resolved, with_seeds
from benchmarks.verification.proofs import by_terms, standing_for
from environments.discovery import ClassEntry
from results.files import StoreError
from results.identity import base_name
from results.measured import StoredMeasurement, finished_measurements
from results.published import Paper
from results.store import Store


def measured_by(paper: Paper) -> list[str]:
    """Names of the measurements that its figures and claims rest on, in the file's order, whether they exist or not."""
    names = [figure.measured_by for figure in paper.figures] + [claim.measured_by for claim in paper.claims]
    return list(dict.fromkeys(filter(None, names)))


def plan_measurements(
    paper: Paper, profile: str, seeds: int | None, suites: Sequence[str] | None, settings: Iterable[Setting] = ()
) -> list[MeasurementSpec]:
    """One for each measurement of the paper that exists and each seed.

    suites: full names in place of the measurement's own of the same base; one that has none of them is left out.
    Raises UsageError.
    """
    chosen, planned = find_profile(profile), list[MeasurementSpec]()
    settings = list(settings)
    for name in measured_by(paper):
        if name not in measurements():
            print(f"metarl: left out, since there is no such measurement yet: {name}", file=sys.stderr)
            continue
        found = find_measurement(name)
        values = dict(found.load().profiles.get(chosen.name, {}))
        values |= {setting.option: setting.value for setting in settings if setting.algorithm == name}
        configuration = _that_exist(found, resolved(found, values), suites)
        if configuration is not None:
            code = code_of(name, configuration)
            planned.append(MeasurementSpec(name, configuration, 0, chosen.name, paper.name, code))
    return list(with_seeds(planned, chosen.seeds if seeds is None else seeds))


def _that_exist(
    found: ClassEntry, configuration: dict[str, Any], suites: Sequence[str] | None
) -> dict[str, Any] | None:
    """The configuration with the chosen suites and without algorithms that do not exist; None if nothing is left."""
    own = [known_suite(name) for name in configuration["suites"]]
    if suites is not None:
        bases = {suite.name for suite in own}
        own = [known_suite(name) for name in suites if base_name(name) in bases]
    kept = [name for name in configuration["algorithms"] if name in algorithms()]
    absent = sorted(set(configuration["algorithms"]) - set(kept))
    if absent:
        print(f"metarl: {found.name} without {', '.join(absent)}: no such algorithms yet", file=sys.stderr)
    if (configuration["suites"] and not own) or (configuration["algorithms"] and not kept):
        return None
    return {**configuration, "suites": [suite.full_name for suite in own], "algorithms": kept}


def missing_measurements(specs: Sequence[MeasurementSpec], store: Store, force: bool) -> list[MeasurementSpec]:
    """Those that have not finished, by today's code or one proven equal to it.

    Raises StoreError, before anything is measured, for one that is damaged.
    """
    if force:
        return list(specs)
    stored, problems = finished_measurements(store)
    intact, standing, missing = {entry.path for entry in stored}, by_terms(stored), []
    for spec in specs:
        identity = spec.identity()
        folder = store.folder(identity)
        if not folder.finished:
            if standing_for(identity, standing) is None:
                missing.append(spec)
        elif folder.path not in intact:
            own = [problem for problem in problems if str(folder.path) in problem]
            raise StoreError(own[0] if own else f"{folder.path} is damaged; measure it again with --force")
    return missing


def show_measurements(specs: Sequence[MeasurementSpec], options: RunOptions) -> None:
    """`--dry-run`: each measurement that is missing and its expected time."""
    missing = missing_measurements(specs, Store(options.results, read_only=True), options.force)
    seconds = [spec.make().seconds() for spec in missing]
    rows = [
        ("measurement", spec.name, f"seed {spec.seed}", f"{spec.budget} parts", f"about {as_time(time)}")
        for spec, time in zip(missing, seconds, strict=True)
    ]
    if rows:
        print("\n".join(text_table(rows)))
    print(f"{len(missing)} of {len(specs)} measurements are missing: about {as_time(sum(seconds))} of one core")


def run_measurements(
    specs: Sequence[MeasurementSpec], store: Store, options: RunOptions, executor: Executor | None = None
) -> tuple[list[tuple[Any, RunOutcome]], int]:
    """Measures what is missing; returns how each of those ended, and the exit code.  Raises StoreError."""
    missing = missing_measurements(specs, store, options.force)
    if not missing:
        print(f"all {len(specs)} measurements are stored in {store.root}")
        return [], 0
    expected = {spec.label: spec.make().seconds() for spec in missing}
    return run_jobs(missing, expected, store, options, executor, "measurements")


def planned_of(specs: Sequence[MeasurementSpec], store: Store) -> list[StoredMeasurement]:
    """The finished ones of the plan, made by today's code or by one proven equal to it."""
    stored = stored_measurements(store)
    standing = by_terms(stored)
    planned = {entry.path for spec in specs if (entry := standing_for(spec.identity(), standing)) is not None}
    return [entry for entry in stored if entry.path in planned]


def stored_measurements(store: Store) -> list[StoredMeasurement]:
    """Every finished one; damaged ones are named and left out."""
    stored, problems = finished_measurements(store)
    for problem in problems:
        print(f"metarl: left out: {problem}", file=sys.stderr)
    return stored
