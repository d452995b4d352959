"""From names to runs: benchmark, suites, algorithms, seeds, profile and settings become a list of `RunSpec`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from inspect import get_annotations
from pathlib import Path
from typing import Any

from algorithms.catalogue import algorithms as known_algorithms
from algorithms.catalogue import parents_of, source_of
from benchmarks.planning.definition import find_definition
from benchmarks.planning.fitting import LeftOut, misfit
from benchmarks.planning.misspelt_rules import misspelt_rules
from benchmarks.planning.profiles import Profile, find_profile
from benchmarks.planning.tuned_values import TunedCell
from benchmarks.planning.tuning_choice import TuningChoice
from benchmarks.specs.code_digest import code_digest
from benchmarks.specs.loose_suites import source_of_suite
from benchmarks.specs.own_code import find_own, load_algorithm
from benchmarks.specs.parents import check_shares
from benchmarks.specs.recorded_code import name_source
from benchmarks.specs.run_spec import RunSpec, planned_suite, with_parents_code
from benchmarks.specs.trial_spec import FIRST_TUNING_SEED
from environments.catalogue import suites as known_suites
from environments.discovery import ClassEntry
from environments.suite import DataMissing, Suite
from environments.suite_declaration import check_declaration
from environments.typed_options import UsageError, former_names, make_options, nearest

#: stands for every algorithm in a setting `all.option=value`
ALL = "all"


@dataclass(frozen=True)
class Setting:
    """One `--set algorithm.option=value`; from Python the value may be of the option's own type."""

    algorithm: str
    option: str
    value: Any


@dataclass(frozen=True)
class Cell:
    """One suite and algorithm.  `spec`: its run with seed 0.

    `sources`: what each value is by, under the names of the spec's fields and `configuration.<option>`.
    """

    spec: RunSpec
    sources: Mapping[str, str]


class Plan(list[RunSpec]):
    """The runs, seed by seed; the cells that they are of; those that do not fit, which are left out; notes, each a
    sentence on unequal tuning, or on a name in a profile of one's own that is nobody's; and the terms, the words by
    which a command names the plan's benchmark and profile, which may be files.
    """

    def __init__(
        self,
        cells: Iterable[Cell] = (),
        seeds: int = 1,
        left_out: Iterable[LeftOut] = (),
        notes: Iterable[str] = (),
        terms: Iterable[str] = (),
    ) -> None:
        self.cells, self.left_out, self.notes = tuple(cells), tuple(left_out), tuple(notes)
        self.terms = tuple(terms)
        super().__init__(replace(cell.spec, seed=seed) for seed in range(seeds) for cell in self.cells)

    def require_runs(self) -> None:
        """Raises UsageError if every cell is left out."""
        if not self and self.left_out:
            count = len(self.left_out) - 1
            others = f", and {count} more cell{'s' if count > 1 else ''}" if count else ""
            raise UsageError(f"there is nothing to run: left out is {self.left_out[0]}{others}")


def make_plan(
    benchmark: str = "quick",
    suites: Sequence[str] | None = None,
    algorithms: Sequence[str] | None = None,
    seeds: int | None = None,
    profile: str | None = None,
    settings: Iterable[str | Setting] = (),
    tuned: bool | Path = True,
    budget: int | None = None,
) -> Plan:
    """The runs of a benchmark, seed by seed; each argument that is given replaces the definition's own.

    benchmark, profile: names, or files FILE.toml.  suites: names, or files FILE.py[:CLASS], with options or without.
    algorithms: names, or what else `find_algorithm` takes.  seeds: how many, from 0.
    settings: texts `algorithm.option=value`, where the algorithm may be `all` (those that have the option).
    tuned: whether options take the values that `metarl tune` found, which go before the profile's and behind settings;
    or the folder that has them.  budget: environment steps of training, in place of the profile's.
    Raises UsageError for whatever names nothing or is not valid, offering the nearest name, for data that a suite
    cannot run on, and for a suite on which no result could stand (`suite_declaration`).
    """
    definition = find_definition(benchmark)
    chosen = find_profile(profile or definition.profile)
    found = [find_own(text) for text in _unique(algorithms or definition.algorithms)]
    parsed = [each if isinstance(each, Setting) else parse_setting(each) for each in settings]
    _check_loose(found)
    _check_settings(parsed, found)
    count = chosen.seeds if seeds is None else seeds
    if count < 1:
        raise UsageError(f"the number of seeds must be at least 1, got {count}")
    if count > FIRST_TUNING_SEED:
        raise UsageError(
            f"seeds from {FIRST_TUNING_SEED} on are those of tuning, so there are at most as many; got {count}"
        )
    cells, left_out = list[Cell](), list[LeftOut]()
    chosen_suites = list({
        suite.full_name: suite for suite in (planned_suite(text) for text in suites or definition.suites)
    }.values())  # fmt: skip
    ready = list[Suite]()
    for suite in chosen_suites:
        check_declaration(suite)
        try:
            suite.check_data()
        except DataMissing as missing:
            if suites:
                raise
            left_out.append(LeftOut(suite.full_name, "every algorithm", str(missing)))
        else:
            ready.append(suite)
    terms = ("--benchmark", benchmark, "--profile", profile or definition.profile)
    choice = TuningChoice(definition.name, chosen, tuned, terms)
    for suite in ready:
        for entry in found:
            reason = misfit(entry, suite)
            if reason is None:
                cells.append(_cell(definition.name, chosen, suite, entry, parsed, choice, budget))
            elif algorithms or not entry.load().scripted:  # nobody asked for a definition's scripted references
                left_out.append(LeftOut(suite.full_name, entry.name, reason))
    own = misspelt_rules(chosen, found) if (profile or definition.profile).endswith(".toml") else ()
    return Plan(cells, count, left_out, (*own, *choice.notes()), terms)


def _cell(
    benchmark: str,
    profile: Profile,
    suite: Suite,
    entry: ClassEntry,
    settings: Sequence[Setting],
    choice: TuningChoice,
    budget: int | None,
) -> Cell:
    cell, sources = profile.settings(benchmark, suite.name, entry.name)
    if budget is not None:
        cell, sources["budget"] = replace(cell, budget=budget), "asked for"
    if cell.budget < 1:
        raise UsageError(f"profile {profile.name}: the budget of {suite.name} must be at least 1")
    parents = {
        role: _cell(benchmark, profile, suite, parent, settings, choice, budget).spec
        for role, parent in parents_of(entry).items()
    }
    by_profile = {option: (value, sources.pop(f"config.{option}")) for option, value in cell.config.items()}
    spec = RunSpec(
        suite=suite.full_name,
        algorithm=entry.name,
        source=source_of(entry),
        configuration={},
        adaptation_steps=cell.adaptation_steps,
        trajectories=cell.trajectories,
        adaptations=cell.adaptations,
        evaluations=cell.evaluations,
        budget=cell.budget,
        seed=0,
        checkpoint_every=cell.checkpoint_every,
        profile=profile.name,
        benchmark=benchmark,
        code=with_parents_code(
            code_digest(entry, known_suites()[suite.name]),
            {role: parent.code or parent.code_now() for role, parent in parents.items()},
        ),
        suite_source=source_of_suite(suite.name),
        parents=parents,
    )
    profiles = {
        option: value for option, (value, source) in resolve_options(entry, by_profile).items()
        if source in {given for _, given in by_profile.values()}
    }  # fmt: skip
    tuned = choice.values(suite, entry, spec, profiles)
    options = resolve_options(entry, by_profile, settings, tuned)
    check_shares(entry.name, list(parents), {option: value for option, (value, _) in options.items()})
    note = None
    if tuned is not None and any(source == tuned.source for _, source in options.values()):
        without = resolve_options(entry, by_profile, (), tuned)
        note = tuned.note(sorted(option for option, (value, _) in options.items() if value != without[option][0]))
    spec = replace(
        spec,
        configuration=_plain({option: value for option, (value, _) in options.items()}),
        tuning=note,
    )
    return Cell(spec, sources | {f"configuration.{option}": source for option, (_, source) in options.items()})


def resolve_options(
    found: ClassEntry,
    by_profile: Mapping[str, tuple[Any, str]],
    settings: Iterable[Setting] = (),
    tuned: TunedCell | None = None,
) -> dict[str, tuple[Any, str]]:
    """Each option's value and what it is by: the algorithm's own default, the profile's, a tuned one, or a setting; the
    last wins.

    by_profile: likewise, of which an option that the algorithm has not is left alone.  Raises UsageError, naming the
    tuned file if an option of its own is none of the algorithm's or has a value that it refuses.
    """
    cls = found.load().Config
    known = [field.name for field in fields(cls)]
    given = {option: pair for option, pair in by_profile.items() if option in {*known, *former_names(cls)}}
    if tuned is not None:
        _made(cls, tuned.values, f"{tuned.source}: algorithm {found.name}")
        given |= {option: (value, tuned.source) for option, value in tuned.values.items()}
    for setting in settings:
        if setting.algorithm == found.name or (setting.algorithm == ALL and setting.option in known):
            given[setting.option] = setting.value, f"--set {setting.algorithm}.{setting.option}={setting.value}"
    resolved = asdict(_made(cls, {option: value for option, (value, _) in given.items()}, f"algorithm {found.name}"))
    return {
        option: (resolved[option], given[option][1] if option in given else default_of(cls, option)) for option in known
    }


def _made(cls: type, values: Mapping[str, Any], owner: str) -> Any:
    """As `make_options`; raises UsageError also for a number that no array holds."""
    try:
        return make_options(cls, values, owner)
    except OverflowError as error:
        raise UsageError(f"{owner}: an option is too large: {error}") from None


def default_of(cls: type, field: str) -> str:
    """Whose default a dataclass's field has."""
    return f"default of {next(each.__qualname__ for each in cls.__mro__ if field in get_annotations(each))}"


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(values))  # tuples become the lists that a stored record holds


def parse_setting(text: str) -> Setting:
    """The parts of `algorithm.option=value`.  Raises UsageError."""
    match = re.fullmatch(r"([\w-]+)\.(\w+)=(.*)", text.strip())
    if match is None:
        raise UsageError(f"setting {text!r} is not of the form algorithm.option=value, as in promp.clip=0.2")
    return Setting(*match.groups())


def check_name(entry: ClassEntry) -> None:
    """Raises UsageError if the class, which is none of ours, has the name of one of ours."""
    if source_of(entry) and entry.name in known_algorithms():
        taken = known_algorithms()[entry.name].module
        place = entry.path if entry.module.startswith("loose_") else f"class {entry.class_name}"
        raise UsageError(f"{place}: the name {entry.name!r} is taken by {taken}; give the class another")


def _check_loose(found: Sequence[ClassEntry]) -> None:
    for entry in found:
        check_name(entry)
        load_algorithm(entry)
        name_source(source_of(entry))
    names = [entry.name for entry in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two of the algorithms are named {name!r}")


def _check_settings(settings: Sequence[Setting], found: Sequence[ClassEntry]) -> None:
    found = list(_with_parents(found))
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


def _with_parents(found: Iterable[ClassEntry]) -> Iterator[ClassEntry]:
    for entry in found:
        yield entry
        yield from _with_parents(parents_of(entry).values())


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text.strip() for text in texts))
