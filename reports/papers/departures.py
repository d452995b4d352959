"""Where our runs depart from a paper's setting, computed from its settings and the runs' own records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reports.papers.evidence import Comparable
from reports.papers.study_evidence import ChosenStudy
from reports.scores.entries import AlgorithmScores
from results.published import Paper
from results.published_claims import Claim
from results.published_settings import Departure, Setting, SettingsTable, shown


def departures_of_runs(paper: Paper, claim: Claim, found: Comparable, algorithms: Iterable[str]) -> list[Departure]:
    """Of the runs behind one part: each setting in which one of these algorithms has another value than printed."""
    entries = [found.entries[name] for name in algorithms]
    said = []
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
    """Of the study's one configuration, for the claim's suite (any, if it names none)."""
    name = study.entries[0].name
    configuration = study.on(paper.suite(claim.suite).base) if claim.suite else study.configuration
    said = []
    for table in (table for table in paper.settings if name in table.studies):
        for setting in table.rows:
            if not setting.suites or claim.suite in setting.suites:
                option = setting.option.rpartition(".")[2]
                said += _departed(setting, table, {name: configuration.get(option)})
    return said


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
        Departure(settings[key], key[0], {value: tuple(sorted(set(names))) for value, names in values.items()})
        for key, values in by_setting.items()
    )


def _settings(table: SettingsTable, suite: str, algorithms: Sequence[str]) -> list[Setting]:
    return list(dict.fromkeys(setting for name in algorithms for setting in table.holding(suite, name)))


def _departed(setting: Setting, table: SettingsTable, ours: dict[str, Any]) -> list[Departure]:
    other: dict[str, list[str]] = {}
    for name, value in ours.items():
        if setting.departs(value):
            other.setdefault(shown(value), []).append(name)
    return [Departure(setting, table.place, {value: tuple(names) for value, names in other.items()})] if other else []
