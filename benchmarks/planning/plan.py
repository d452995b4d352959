"""From names to runs: benchmark, suites, algorithms, seeds, profile and settings become a list of `RunSpec`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from algorithms.catalogue import algorithms as known_algorithms
from algorithms.catalogue import find_algorithm
from benchmarks.planning.definition import find_definition
from benchmarks.planning.profiles import find_profile
from benchmarks.specs.code_digest import code_digest
from benchmarks.specs.run_spec import RunSpec, known_suite
from environments.catalogue import suites as known_suites
from environments.discovery import ClassEntry
from environments.typed_options import UsageError, former_names, make_options, nearest

#: stands for every algorithm in a setting `all.option=value`
ALL = "all"


@dataclass(frozen=True)
class Setting:
    """One `--set algorithm.option=value`."""

    algorithm: str
    option: str
    value: str


def make_plan(
    benchmark: str = "quick",
    suites: Sequence[str] | None = None,
    algorithms: Sequence[str] | None = None,
    seeds: int | None = None,
    profile: str | None = None,
    settings: Iterable[str] = (),
) -> list[RunSpec]:
    """The runs of a benchmark, seed by seed; each argument that is given replaces the definition's own.

    suites: names with options.  algorithms: names, or `path.py[:Class]`.  seeds: how many, from 0.
    settings: texts `algorithm.option=value`, where the algorithm may be `all` (those that have the option).
    Raises UsageError for whatever names nothing or is not valid, offering the nearest name, and for data that a suite
    cannot run on.
    """
    definition = find_definition(benchmark)
    chosen = find_profile(profile or definition.profile)
    found = [find_algorithm(text) for text in _unique(algorithms or definition.algorithms)]
    parsed = [parse_setting(text) for text in settings]
    _check_loose(found)
    _check_settings(parsed, found)
    count = chosen.seeds if seeds is None else seeds
    if count < 1:
        raise UsageError(f"the number of seeds must be at least 1, got {count}")
    cells: list[RunSpec] = []
    chosen_suites = [known_suite(text) for text in _unique(suites or definition.suites)]
    for suite in chosen_suites:
        suite.check_data()
    for suite in chosen_suites:
        for entry in found:
            cell = chosen.settings(benchmark, suite.name, entry.name)
            if cell.budget < 1:
                raise UsageError(f"profile {chosen.name}: the budget of {suite.name} must be at least 1")
            cells.append(
                RunSpec(
                    suite=suite.full_name,
                    algorithm=entry.name,
                    source=source_of(entry),
                    configuration=configuration(entry, cell.config, parsed),
                    adaptation_steps=cell.adaptation_steps,
                    trajectories=cell.trajectories,
                    adaptations=cell.adaptations,
                    evaluations=cell.evaluations,
                    budget=cell.budget,
                    seed=0,
                    checkpoint_every=cell.checkpoint_every,
                    profile=chosen.name,
                    benchmark=benchmark,
                    code=code_digest(entry, known_suites()[suite.name]),
                )
            )
    return [replace(cell, seed=seed) for seed in range(count) for cell in cells]


def configuration(found: ClassEntry, defaults: Any, settings: Iterable[Setting] = ()) -> dict[str, Any]:
    """The algorithm's whole configuration as plain values: its own defaults, the profile's, then the settings."""
    cls = found.load().Config
    known = {field.name for field in fields(cls)}
    values = {option: value for option, value in defaults.items() if option in known | former_names(cls).keys()}
    for setting in settings:
        if setting.algorithm == found.name or (setting.algorithm == ALL and setting.option in known):
            values[setting.option] = setting.value
    resolved = make_options(cls, values, f"algorithm {found.name}")
    return json.loads(json.dumps(asdict(resolved)))  # tuples become the lists that a stored record holds


def parse_setting(text: str) -> Setting:
    """The parts of `algorithm.option=value`.  Raises UsageError."""
    match = re.fullmatch(r"([\w-]+)\.(\w+)=(.*)", text.strip())
    if match is None:
        raise UsageError(f"setting {text!r} is not of the form algorithm.option=value, as in promp.clip=0.2")
    return Setting(*match.groups())


def source_of(found: ClassEntry) -> str | None:
    """`path.py:Class` of an algorithm from a file outside the packages, None for any other."""
    if found.path is None or not found.module.startswith("loose_"):
        return None
    return f"{found.path.resolve()}:{found.class_name}"


def _check_loose(found: Sequence[ClassEntry]) -> None:
    for entry in found:
        if source_of(entry) and entry.name in known_algorithms():
            taken = known_algorithms()[entry.name].module
            raise UsageError(f"{entry.path}: the name {entry.name!r} is taken by {taken}; give the class another")
    names = [entry.name for entry in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two of the algorithms are named {name!r}")


def _check_settings(settings: Sequence[Setting], found: Sequence[ClassEntry]) -> None:
    for setting in settings:
        if setting.algorithm == ALL:
            options = {field.name for entry in found for field in fields(entry.load().Config)}
            if setting.option not in options:
                renamed = {old: new for entry in found for old, new in former_names(entry.load().Config).items()}
                named = renamed.get(setting.option)
                hint = f"it is named {named!r} now" if named else nearest(setting.option, options)
                raise UsageError(f"no algorithm here has an option {setting.option!r}; {hint}")
        elif setting.algorithm not in [entry.name for entry in found]:
            hint = nearest(setting.algorithm, [ALL, *(entry.name for entry in found)])
            raise UsageError(f"setting {setting.option}: no {setting.algorithm!r} is among those to run; {hint}")


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text.strip() for text in texts))
