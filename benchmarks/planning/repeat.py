"""The commands that plan stored runs and studies again, each found by planning it and comparing what would be made."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.planning.definition import definitions
from benchmarks.planning.paper_studies import plan_studies
from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.study_spec import StudySpec
from environments.suite import DataMissing
from environments.typed_options import UsageError
from results.identity import digest_of
from results.published import Paper
from results.store import StoredRun, StoredStudy

#: what no command chooses: the seed apart, which is counted, and what the software is
_NOT_CHOSEN = ("seed", "code", "versions")


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


def chosen_digest(identity: Mapping[str, Any]) -> str:
    """Digest of what a command can choose of a run or study: everything but its seed, code and software."""
    return digest_of({key: value for key, value in identity.items() if key not in _NOT_CHOSEN})


def repeat_commands(paper: Paper, runs: Iterable[StoredRun], studies: Iterable[StoredStudy] = ()) -> tuple[str, ...]:
    """The commands that plan these runs and studies and no others; then a sentence on those that none plans.

    Code and software are today's: where they have changed since, a sentence says of how many.
    """
    runs, studies = list(runs), list(studies)
    seeds: dict[tuple[Way, str, str], int] = {}
    lost: dict[str, list[str]] = {}
    for (suite, algorithm, _), group in _cells(runs).items():
        try:
            way = find_way(paper, group[0])
            cell = (way, RunSpec.from_record(group[0].run).suite, algorithm)
            seeds[cell] = max(seeds.get(cell, 0), *(run.seed + 1 for run in group))
        except UsageError as error:
            lost.setdefault(str(error), []).append(f"{algorithm} on {suite}")
    said = [*_commands(seeds), *_study_commands(paper, studies, lost)]
    said += [f"no command plans {', '.join(sorted(cells))} ({why})" for why, cells in sorted(lost.items())]
    stale = sum(entry.proof is not None and not entry.proof.current for entry in [*runs, *studies])
    if stale:
        said.append(f"code, software or data are others than {stale} of these had: today's make them anew")
    return tuple(said)


def find_way(paper: Paper, run: StoredRun) -> Way:
    """How the very configuration is planned.  Raises UsageError saying why nothing plans it."""
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


def _ways(paper: Paper, spec: RunSpec) -> Iterator[Way]:
    names = [spec.benchmark, paper.name, *definitions()]
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
    by_profile: dict[str, dict[str, list[StoredStudy]]] = {}
    for study in studies:
        by_profile.setdefault(study.profile, {}).setdefault(study.name, []).append(study)
    commands = []
    for profile, by_name in sorted(by_profile.items()):
        kept = []
        try:
            planned = {spec.name: chosen_digest(spec.identity()) for spec in plan_studies(paper, profile, 1, None)}
        except UsageError as error:
            lost.setdefault(str(error), []).extend(f"study {name}" for name in by_name)
            continue
        for name, entries in by_name.items():
            try:
                same = planned.get(name) == chosen_digest(StudySpec.from_record(entries[0].run).identity())
            except UsageError as error:
                lost.setdefault(str(error), []).append(f"study {name}")
                continue
            if same:
                kept += entries
            else:
                lost.setdefault(f"profile {profile} has other terms today", []).append(f"study {name}")
        if kept:
            seeds = max(entry.seed for entry in kept) + 1
            commands.append(shlex.join(["metarl", "paper", paper.name, "--only-studies", "--profile", profile]))
            commands[-1] += f" --seeds {seeds}"
    return commands
