"""The commands that plan stored runs and studies again, each found by planning it and comparing what would be made."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.planning.definition import definitions
from benchmarks.planning.paper_studies import plan_studies
from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec, known_suite
from benchmarks.specs.study_spec import StudySpec
from environments.stocks.stock_trading import DATA_VARIABLE, StockSuite
from environments.suite import DataMissing
from environments.typed_options import UsageError
from results.identity import base_name, chosen_digest
from results.published import Paper
from results.store import StoredRun, StoredStudy


@dataclass(frozen=True)
class Way:
    """How `metarl leaderboard` is asked for a cell."""

    benchmark: str
    profile: str
    settings: tuple[str, ...] = ()
    tuned: bool = True

    def spec(self, suite: str, algorithm: str) -> RunSpec:
        """Its run with seed 0.  Raises UsageError, and IndexError where the algorithm does not fit the suite."""
        return make_plan(self.benchmark, [suite], [algorithm], 1, self.profile, self.settings, self.tuned).cells[0].spec

    def command(self, suites: Sequence[str], algorithms: Sequence[str], seeds: int) -> str:
        words = ["metarl", "leaderboard", "--benchmark", self.benchmark, "--profile", self.profile]
        words += ["--suites", ",".join(suites), "--algorithms", ",".join(algorithms), "--seeds", str(seeds)]
        words += [] if self.tuned else ["--untuned"]
        return shlex.join([*words, *(word for text in self.settings for word in ("--set", text))])


def repeat_commands(paper: Paper, runs: Iterable[StoredRun], studies: Iterable[StoredStudy] = ()) -> tuple[str, ...]:
    """The commands that plan these runs and studies and no others; then a sentence on those that none plans.

    A run that another one begins with needs no command of its own, since the other's makes it too.  Which prices stocks
    trade on is no command's choice: a sentence says on which these ran.  Code and software are today's: where they have
    changed since, a sentence says of how many.
    """
    runs, studies = list(runs), list(studies)
    seeds: dict[tuple[Way, str, str], int] = {}
    begun: dict[str, int] = {}  # seeds of what the planned runs begin with, by what a command chooses of it
    unplanned: list[tuple[str, list[StoredRun]]] = []
    for (_, algorithm, _), group in _cells(runs).items():
        count = max(run.seed + 1 for run in group)
        try:
            way, spec = find_way(paper, group[0]), RunSpec.from_record(group[0].run)
        except UsageError as error:
            unplanned.append((str(error), group))
            continue
        cell = (way, spec.suite, algorithm)
        seeds[cell] = max(seeds.get(cell, 0), count)
        for digest in _begun(spec):
            begun[digest] = max(begun.get(digest, 0), count)
    lost: dict[str, list[str]] = {}
    for why, group in unplanned:
        if max(run.seed + 1 for run in group) > begun.get(chosen_digest(group[0].identity), 0):
            lost.setdefault(why, []).append(f"{group[0].algorithm} on {group[0].suite}")
    said = [*_commands(seeds), *_study_commands(paper, studies, lost)]
    said += [f"no command plans {', '.join(sorted(cells))} ({why})" for why, cells in sorted(lost.items())]
    said += _data_lines([*runs, *studies])
    stale = sum(entry.proof is not None and not entry.proof.current for entry in [*runs, *studies])
    if stale:
        said.append(f"code, software or data are others than {stale} of these had: today's make them anew")
    return tuple(said)


def _data_lines(shown: Sequence[StoredRun | StoredStudy]) -> Iterator[str]:
    """How the commands find the market that these ran on, for each market."""
    markets: dict[str, set[str]] = {}
    for stored in shown:
        data = stored.run["provenance"].get("data")
        for name in (stored.suite,) if isinstance(stored, StoredRun) else stored.suites:
            if data and _of_stocks(name):
                markets.setdefault(data, set()).add(name)
    for data, names in sorted(markets.items()):
        ran = f"{', '.join(sorted(names))} ran on {data}"
        if data.startswith("synthetic market"):
            yield f"{ran}: make it again where {DATA_VARIABLE} is not set"
        else:
            yield f"{ran}: set {DATA_VARIABLE} to that file first"


def _of_stocks(name: str) -> bool:
    """Whether the suite trades on the prices that the variable names, or on made-up ones without it."""
    try:
        suite = known_suite(name)
        return isinstance(suite, StockSuite) and getattr(suite.options, "data", None) == "auto"
    except UsageError:  # there is no such suite today
        return False


def find_way(paper: Paper | None, run: StoredRun) -> Way:
    """How the very configuration is planned, as the paper's rather than another's.

    Raises UsageError saying why nothing plans it.
    """
    if run.run["provenance"].get("source") is not None:
        raise UsageError("it is of a file of its own")
    spec = RunSpec.from_record(run.run)
    wanted, plans = chosen_digest(spec.identity()), dict[Way, RunSpec]()
    for way in _ways(paper, spec):
        planned = _planned(way, spec)
        if planned is not None and chosen_digest(planned.identity()) == wanted:
            return way
        if planned is not None:
            plans[way] = planned
    for way, planned in plans.items():  # the same but for options of the algorithm
        found = replace(way, settings=tuple(other_options(spec, planned)))
        again = _planned(found, spec)
        if again is not None and chosen_digest(again.identity()) == wanted:
            return found
    raise UsageError(f"profile {spec.profile} has other terms today")


def _ways(paper: Paper | None, spec: RunSpec) -> Iterator[Way]:
    names = [spec.benchmark, *([paper.name] if paper else []), *definitions()]
    for name in dict.fromkeys(names):
        if name is not None and name in definitions():
            yield from (Way(name, spec.profile), Way(name, spec.profile, tuned=False))


def _planned(way: Way, spec: RunSpec) -> RunSpec | None:
    try:
        return way.spec(spec.suite, spec.algorithm)
    except DataMissing:  # which no way can plan
        raise
    except (UsageError, IndexError):
        return None


def other_options(spec: RunSpec, planned: RunSpec) -> Iterator[str]:
    """Settings that give the planned run, and those that it begins with, the spec's options."""
    for name, value in spec.configuration.items():
        if planned.configuration.get(name) != value:
            yield f"{spec.algorithm}.{name}={_option_text(value)}"
    for role in spec.parents.keys() & planned.parents.keys():
        yield from other_options(spec.parents[role], planned.parents[role])


def _option_text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_option_text, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cells(runs: Iterable[StoredRun]) -> dict[tuple[str, str, str], list[StoredRun]]:
    """Runs that differ in nothing that a command chooses but the seed."""
    found: dict[tuple[str, str, str], list[StoredRun]] = {}
    for run in runs:
        profile = run.run["description"]["profile"]
        key = (run.suite, run.algorithm, profile + chosen_digest(run.identity))
        found.setdefault(key, []).append(run)
    return dict(sorted(found.items()))


def _begun(spec: RunSpec) -> Iterator[str]:
    """What a command chooses of each run that the spec's begins with, and of those that these begin with."""
    for parent in spec.parent_runs.values():
        yield chosen_digest(parent.identity())
        yield from _begun(parent)


def _commands(seeds: Mapping[tuple[Way, str, str], int]) -> Iterator[str]:
    """One for each rectangle of suites and algorithms with equally many seeds."""
    rows: dict[tuple[Way, int, str], set[str]] = {}
    for (way, suite, algorithm), count in seeds.items():
        rows.setdefault((way, count, suite), set()).add(algorithm)
    rectangles: dict[tuple[Way, int, tuple[str, ...]], list[str]] = {}
    for (way, count, suite), names in rows.items():
        rectangles.setdefault((way, count, tuple(sorted(names))), []).append(suite)
    for (way, count, algorithms), suites in sorted(rectangles.items(), key=str):
        yield way.command(sorted(suites), algorithms, count)


def _study_commands(paper: Paper, studies: Sequence[StoredStudy], lost: dict[str, list[str]]) -> list[str]:
    """One for each profile, and one more for each choice of suites that differs; adds to `lost` what none plans."""
    by_profile: dict[str, dict[str, list[StoredStudy]]] = {}
    suites: dict[str, list[str]] = {}  # of each study, by what a command chooses of it
    for study in studies:
        try:
            spec = StudySpec.from_record(study.run)
        except UsageError as error:
            _lose(lost, str(error), study)
            continue
        chosen = chosen_digest(spec.identity())
        by_profile.setdefault(study.profile, {}).setdefault(chosen, []).append(study)
        suites[chosen] = spec.configuration["suites"]
    commands = []
    for profile, left in sorted(by_profile.items()):
        while left:
            choices = _choices(paper, [suites[chosen] for chosen in left])
            try:
                plans = {choice: _planned_studies(paper, profile, choice) for choice in choices}
            except UsageError as error:
                _lose(lost, str(error), *(group[0] for group in left.values()))
                break
            # as many of these as one command can plan, and as few others; the shortest command among equals
            best = max(
                choices, key=lambda choice: (len(left.keys() & plans[choice]), -len(plans[choice] - left.keys()))
            )
            kept = left.keys() & plans[best]
            if not kept:
                _lose(lost, f"profile {profile} has other terms today", *(group[0] for group in left.values()))
                break
            seeds = max(entry.seed for chosen in kept for entry in left.pop(chosen)) + 1
            words = ["metarl", "paper", paper.name, "--only-studies", "--profile", profile]
            words += [] if best is None else ["--suites", ",".join(best)]
            commands.append(shlex.join([*words, "--seeds", str(seeds)]))
    return commands


def _choices(paper: Paper, suites: Sequence[Sequence[str]]) -> list[tuple[str, ...] | None]:
    """What `--suites` may be for these studies: not given, all of theirs, or one study's; the paper's suites alone."""
    known = {suite.base for suite in paper.suites}
    whole = tuple(dict.fromkeys(name for names in suites for name in names))
    found = dict.fromkeys((whole, *map(tuple, suites)))
    return [None, *(names for names in found if names and {base_name(name) for name in names} <= known)]


def _planned_studies(paper: Paper, profile: str, suites: Sequence[str] | None) -> set[str]:
    """Digests of what `metarl paper` chooses of its studies there.  Raises UsageError for what is there no more."""
    return {chosen_digest(spec.identity()) for spec in plan_studies(paper, profile, 1, suites)}


def _lose(lost: dict[str, list[str]], why: str, *studies: StoredStudy) -> None:
    names = lost.setdefault(why, [])
    names += [name for name in dict.fromkeys(f"study {study.name}" for study in studies) if name not in names]
