"""Where our runs depart from a paper's setting, computed from its settings and the runs' own records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from reports.papers.evidence import Comparable
from reports.papers.run_terms import RunTerms, terms_of
from reports.papers.study_evidence import ChosenStudy
from results.identity import base_name
from results.published import Paper, PaperSuite
from results.published_claims import Claim
from results.published_settings import FACTS, Departure, Setting, SettingsTable, shown
from results.published_sweeps import Sweep

#: where a paper's suite with its options stands
IN_OUR_TERMS = "its setting in our options"
#: between a suite's name and its horizon
WITH_HORIZON = " with horizon "


def departures_of_runs(paper: Paper, claim: Claim, found: Comparable, algorithms: Iterable[str]) -> list[Departure]:
    """Of the runs behind one part: each setting in which one of these algorithms has another value than printed, or
    one that stands in none of the paper's grids.  What their runs begin with, as an expert's, departs like themselves.
    """
    algorithms = tuple(algorithms)
    suite, own = paper.suite(claim.suite), {algorithm.id for algorithm in paper.algorithms}
    said = _other_suite(suite, [found.suite], [f"{found.suite}{WITH_HORIZON}{found.horizon}"], algorithms)
    terms = [each for name in algorithms for each in terms_of(found.entries[name]) if each.algorithm in own]
    for table in paper.settings:
        for setting in _settings(table, claim.suite, [each.algorithm for each in terms]):
            ours = [
                (each.algorithm, each.value(setting.option))
                for each in terms
                if setting in table.holding(claim.suite, each.algorithm)
            ]
            said += _departed(setting, table, ours)
    return [*said, *(departure for each in terms for departure in _off_the_grid(paper, claim.suite, each))]


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
            said += _departed(setting, table, [(name, _configured(setting.option, configuration, study))])
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


def _departed(setting: Setting, table: SettingsTable, ours: Iterable[tuple[str, Any]]) -> list[Departure]:
    """ours: names, each with its value."""
    other: dict[str, list[str]] = {}
    for name, value in ours:
        if setting.departs(value):
            other.setdefault(shown(value), []).append(name)
    return [Departure(setting, table.place, {value: tuple(names) for value, names in other.items()})] if other else []


def _off_the_grid(paper: Paper, suite: str, terms: RunTerms) -> Iterator[Departure]:
    """Each option of a printed grid whose value is none of those that the paper tried."""
    grids = [
        sweep
        for sweep in paper.sweeps
        if sweep.algorithm == terms.algorithm and (not sweep.suites or suite in sweep.suites)
    ]
    for option in dict.fromkeys(option for sweep in grids for option in sweep.options):
        ours, holding = terms.value(option), [sweep for sweep in grids if option in sweep.options]
        if all(sweep.leaves_out(option, ours) for sweep in holding):
            setting, place = _printed_grid(paper, suite, holding[0], option)
            yield Departure(setting, place, {shown(ours): (terms.algorithm,)})


def _printed_grid(paper: Paper, suite: str, sweep: Sweep, option: str) -> tuple[Setting, str]:
    """How the paper's settings name the option, and where; what it is called in the grid if they do not."""
    for table in paper.settings:
        for row in table.rows:
            if row.option == option and sweep.algorithm in row.algorithms and _about(row.suites, {suite}):
                return row, table.place
    values = sweep.options[option]
    presupposed = ", which its grid in our terms presupposes" if len(values) == 1 else ""
    name = f"{paper.printed(sweep.algorithm)}: {option}{presupposed}"
    return Setting(name, ", ".join(map(shown, values)), option), sweep.place
