"""From names to what is tuned: the cells of a plan that can be, and the reasons of those that cannot."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from algorithms.catalogue import find_algorithm
from benchmarks.execution.fresh_tasks import fresh_tasks
from benchmarks.planning.fitting import LeftOut
from benchmarks.planning.plan import make_plan
from benchmarks.planning.profiles import find_profile
from benchmarks.planning.tunable import untunable_algorithm, untunable_suite
from benchmarks.planning.tuned_file import LEAST_TRIALS
from benchmarks.planning.tuned_values import SHIPPED, tuned_suite
from benchmarks.specs.run_spec import RunSpec, known_suite
from benchmarks.tuning.cell import Effort, TuningCell, whole_space
from benchmarks.tuning.sweeps import sweep_space
from environments.discovery import ClassEntry
from environments.suite import Suite
from environments.typed_options import UsageError, nearest
from reports.text.numbers import plural

#: the profile whose values of the searched options are the papers'
PUBLISHED = "paper"
#: runs of one method on one suite: more cannot be meant, and would take all time before the first begins
MOST_RUNS = 10_000


@dataclass(frozen=True)
class TunePlan:
    """`suites` are not tuned, `left_out` are cells; each with one sentence on why.  `notes` are sentences on cells that
    have fewer trials than were asked for.
    """

    cells: Sequence[TuningCell]
    suites: Mapping[str, str]  # by full name
    left_out: Sequence[LeftOut]
    profile: str
    notes: Sequence[str] = ()


def plan_tuning(
    benchmark: str,
    suites: Sequence[str] | None,
    algorithms: Sequence[str] | None,
    profile: str | None,
    effort: Effort,
    folders: Sequence[Path] = (SHIPPED,),
    by_suite: Mapping[str, Effort] = MappingProxyType({}),
) -> TunePlan:
    """The cells of a benchmark, each argument that is given in place of the definition's own.

    folders: with the tuned values of efforts' origins.  by_suite: by full name, what is tried in place of `effort`.
    A definition's algorithms that cannot be tuned are left out without a word.  Raises UsageError, also if nothing
    is left.
    """
    if effort.trials < 1 or effort.seeds < 1 or effort.points < 1:
        raise UsageError(f"trials, seeds and points must be at least 1, got {effort}")
    if effort.sweep is not None and effort.origin is not None:
        raise UsageError("--sweep and --best-of both say what is tried; give one of them")
    plan = make_plan(benchmark, suites, algorithms, 1, profile, tuned=False)
    origin = effort.origin or ""  # a name, or a file
    if origin.endswith(".toml"):
        effort = replace(effort, origin=find_profile(origin).name)
    if any(cell.spec.profile == effort.origin for cell in plan.cells):
        raise UsageError(
            f"--best-of {effort.origin} names the profile that is tuned, whose trials it would replace by fewer; "
            "name another one"
        )
    published = make_plan(benchmark, suites, algorithms, 1, PUBLISHED, tuned=False).cells
    cells, untunable, left_out, notes = list[TuningCell](), dict[str, str](), list(plan.left_out), list[str]()
    known = dict[str, None]()  # options that could be tried
    for cell, papers in zip(plan.cells, published, strict=True):
        spec = cell.spec
        suite, found = known_suite(spec.suite), find_algorithm(spec.source or spec.algorithm)
        reason = untunable_suite(suite) or _without_fresh_tasks(suite, effort.fresh_tasks)
        if reason is not None:
            untunable[spec.suite] = reason
            continue
        reason = (
            untunable_algorithm(found, suite, effort.fresh_tasks > 0)
            if effort.sweep is None
            else _without_grid(effort.sweep, found, suite)
        ) or _without_options(effort, found, suite)
        if reason is None:
            own = by_suite.get(spec.suite, effort)
            asked = origin if own.origin == effort.origin else own.origin
            ranked = None if own.origin is None else _ranked(own.origin, asked or "", spec, folders, benchmark)
            tuned = TuningCell(cell, papers, own, ranked)
            _refuse_endless(tuned)
            if own.origin is not None and tuned.candidates.most < own.trials:
                most = plural(tuned.candidates.most, "trial")
                notes.append(f"{tuned.label}: {most}, not {own.trials}: profile {own.origin} tried no more that ended")
            cells.append(tuned)
            known |= dict.fromkeys(whole_space(effort, found, suite))
        elif algorithms:
            left_out.append(LeftOut(spec.suite, spec.algorithm, reason))
    if not cells:
        whys = [f"{suite}: {why}" for suite, why in untunable.items()] + [str(each) for each in left_out]
        raise UsageError(f"there is nothing to tune: {'; '.join(whys) or 'no algorithm of the benchmark learns'}")
    for option in effort.options:
        if not any(option in cell.space for cell in cells):
            raise UsageError(f"--options {option}: nothing that is tuned has such an option; {nearest(option, known)}")
    return TunePlan(cells, untunable, left_out, cells[0].spec.profile, notes)


def check_trials(trials: int) -> None:
    """Raises UsageError for so few that methods would not have equally many."""
    if trials < LEAST_TRIALS:
        raise UsageError(
            f"--trials {trials} is too few: trial 0 has the paper's values and trial 1 the profile's, so that a method "
            f"where these are equal would have fewer trials than others; give {LEAST_TRIALS} or more"
        )


def _refuse_endless(cell: TuningCell) -> None:
    trials, seeds = cell.candidates.most, cell.effort.seeds
    if trials * seeds > MOST_RUNS:
        raise UsageError(
            f"{cell.label}: {plural(f'{trials:,}', 'trial')} of {plural(f'{seeds:,}', 'seed')} are "
            f"{trials * seeds:,} runs, and at most {MOST_RUNS:,} are made of one method on one suite; give fewer "
            "--points, --trials or --seeds"
        )


def _without_grid(paper: str, found: ClassEntry, suite: Suite) -> str | None:
    """One sentence if the paper prints none; it may print one for a reference, since no board takes what is found."""
    return None if sweep_space(paper, found, suite) else f"{paper} prints no grid for it"


def _without_fresh_tasks(suite: Suite, count: int) -> str | None:
    """What is wrong, before anything trains, if the suite cannot draw as many."""
    try:
        fresh_tasks(suite, count)
    except UsageError as error:
        return str(error)
    return None


def _without_options(effort: Effort, found: ClassEntry, suite: Suite) -> str | None:
    """One sentence if it has none of the options that are asked for."""
    space = whole_space(effort, found, suite)
    if not effort.options or space.keys() & set(effort.options):
        return None
    asked = " or ".join(map(repr, effort.options))
    return f"it has no option {asked} to try; it has {', '.join(space) or 'none'}"


def _ranked(origin: str, asked: str, spec: RunSpec, folders: Sequence[Path], benchmark: str) -> list[Mapping[str, Any]]:
    """Values of the profile's trials that did not fail, the highest score first, of equal ones the earlier.

    asked: the profile as a command takes it.  Raises UsageError.
    """
    for folder in folders:
        content = tuned_suite(folder, origin, spec.suite)
        if content is not None and spec.algorithm in content.algorithms:
            ended = [trial for trial in content.algorithms[spec.algorithm].trials if math.isfinite(trial.score)]
            trials = sorted(ended, key=lambda trial: -trial.score)
            return [trial.values for trial in trials]  # options read the text "none" as what they take by it
    find_profile(asked)  # a misspelt one gets the nearest name
    source = spec.source or spec.algorithm
    named = os.path.relpath(source) if "/" in source else source
    words = ["metarl", "tune", named, "--benchmark", benchmark, "--suites", spec.suite_text, "--profile", asked]
    raise UsageError(
        f"{spec.algorithm} has no trials of profile {origin} on {spec.suite}; `{shlex.join(words)}` makes them"
    )
