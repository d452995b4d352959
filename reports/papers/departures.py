"""Where our runs depart from a paper's setting, computed from its settings and the runs' own records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from reports.papers.evidence import Comparable
from reports.papers.study_evidence import ChosenStudy
from reports.scores.entries import AlgorithmScores
from results.identity import base_name
from results.published import Paper, PaperSuite
from results.published_claims import Claim
from results.published_settings import FACTS, Departure, Setting, SettingsTable, shown

#: where a paper's suite with its options stands
IN_OUR_TERMS = "its setting in our options"
#: between a suite's name and its horizon
WITH_HORIZON = " with horizon "


def departures_of_runs(paper: Paper, claim: Claim, found: Comparable, algorithms: Iterable[str]) -> list[Departure]:
    """Of the runs behind one part: each setting in which one of these algorithms has another value than printed."""
    entries = [found.entries[name] for name in algorithms]
    suite = paper.suite(claim.suite)
    said = _other_suite(suite, [found.suite], [f"{found.suite}{WITH_HORIZON}{found.horizon}"], algorithms)
    for table in paper.settings:
        for setting in _settings(table, claim.suite, [entry.algorithm for entry in entries]):
            ours = {
                entry.algorithm: value_of(setting.option, entry)
                for entry in entries
                if setting in table.holding(claim.suite, entry.algorithm)
            }
            said += _departed(setting, table, ours)
    return said


def departures_of_study(paper: Paper, claim: Claim, study: ChosenStudy) -> list[Departure]:
    """Of the study's one configuration, on those of its suites that the claim is about."""
    name, named = study.entries[0].name, suites_of(paper, claim)
    configuration = study.on(paper.suite(claim.suite).base) if claim.suite else study.configuration
    configured = _texts(configuration.get("suites"))
    bases = {base_name(text) for text in configured}
    suites = [suite for suite in paper.suites if suite.base in bases and (named is None or suite.id in named)]
    said = []
    for suite in suites:
        ours = [text for text in configured if base_name(text) == suite.base]
        said += _other_suite(suite, ours, ours, [name])
    algorithms = set(_texts(configuration.get("algorithms")))
    for table, setting in settings_of_study(paper, claim):
        of_suites = not setting.suites or {suite.id for suite in suites} & set(setting.suites)
        if of_suites and (not setting.algorithms or not algorithms or algorithms & set(setting.algorithms)):
            said += _departed(setting, table, {name: _configured(setting.option, configuration, study)})
    return said


def settings_of_study(paper: Paper, claim: Claim) -> list[tuple[SettingsTable, Setting]]:
    """What the claim's study can depart from: values that the paper prints of a suite that the claim is about.

    None where no table lists the study, for which the paper's data give the reason in `without_settings`.
    """
    named = suites_of(paper, claim)
    if named is not None and not named:
        return []
    return [
        (table, setting)
        for table in paper.settings
        if claim.measured_by in table.studies and _about(table.suites, named)
        for setting in table.rows
        if setting.value is not None and _about(setting.suites, named)
    ]


def suites_of(paper: Paper, claim: Claim) -> set[str] | None:
    """The paper's suites, by id, whose rows decide a claim on a study; None where rows of any do."""
    if claim.suite:
        return {claim.suite}
    bases = {base_name(test.suite) for test in claim.tests if test.judged}
    return None if "" in bases else {suite.id for suite in paper.suites if suite.base in bases}


def value_of(option: str, entry: AlgorithmScores) -> Any:
    """The value of a run's option, `protocol.<name>` or fact; None where the record has none."""
    identity, description = entry.identity, entry.runs[0].run["description"]
    if option == "seeds":
        return len(entry.seeds)
    if option == "iterations":
        return max(run.done["iterations"] for run in entry.runs) if entry.trained else None
    if option in description:
        return description[option]
    group, _, name = option.rpartition(".")
    return identity[group or "configuration"].get(name)


def merged(departures: Iterable[Departure]) -> tuple[Departure, ...]:
    """One for each setting, with the values of all parts."""
    by_setting: dict[tuple[str, str], dict[str, list[str]]] = {}
    settings: dict[tuple[str, str], Setting] = {}
    for departure in departures:
        key = (departure.place, departure.setting.name)
        settings[key] = departure.setting
        for value, names in departure.ours.items():
            by_setting.setdefault(key, {}).setdefault(value, []).extend(names)
    return tuple(
        Departure(settings[key], key[0], {value: tuple(sorted(set(names))) for value, names in _once(values).items()})
        for key, values in by_setting.items()
    )


def _once(values: dict[str, list[str]]) -> dict[str, list[str]]:
    """A suite that runs name with its horizon and a study without it is one value, since its full name decides both."""
    found = dict[str, list[str]]()
    for value, names in values.items():
        longer = next((other for other in values if other.startswith(f"{value}{WITH_HORIZON}")), value)
        found[longer] = [*found.get(longer, []), *names]
    return found


def _configured(option: str, configuration: dict[str, Any], study: ChosenStudy) -> Any:
    """The study's value of an option; None where it has none.  An option that is named as a fact of runs is another."""
    if option == "seeds":
        return len(study.seeds)
    return None if option in FACTS else configuration.get(option.rpartition(".")[2])


def _other_suite(suite: PaperSuite, ours: Sequence[str], texts: Sequence[str], names: Iterable[str]) -> list[Departure]:
    """Where none of our suites' full names is the paper's: other options, such as the horizon."""
    if not ours or suite.suite in ours:
        return []
    return [Departure(Setting("Suite", suite.suite), IN_OUR_TERMS, {", ".join(texts): tuple(names)})]


def _about(suites: Collection[str], named: Collection[str] | None) -> bool:
    return not suites or named is None or bool(set(suites) & set(named))


def _texts(value: Any) -> list[str]:
    """A list of an option's; a stranger's record may hold anything."""
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def _settings(table: SettingsTable, suite: str, algorithms: Sequence[str]) -> list[Setting]:
    return list(dict.fromkeys(setting for name in algorithms for setting in table.holding(suite, name)))


def _departed(setting: Setting, table: SettingsTable, ours: dict[str, Any]) -> list[Departure]:
    other: dict[str, list[str]] = {}
    for name, value in ours.items():
        if setting.departs(value):
            other.setdefault(shown(value), []).append(name)
    return [Departure(setting, table.place, {value: tuple(names) for value, names in other.items()})] if other else []
