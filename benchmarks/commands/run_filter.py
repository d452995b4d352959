"""Which stored runs `metarl report` shows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchmarks.planning.recorded_names import runs_of_benchmark
from environments.typed_options import UsageError, nearest
from results.identity import base_name
from results.store import StoredRun

#: of the names that a message offers
MOST = 4


@dataclass(frozen=True)
class _Chosen:
    """One filter's kind, what it asks for, and which runs have it.  `name_of`: a run's name of that kind."""

    kind: str
    asked: Sequence[str]
    option: str
    passes: Callable[[StoredRun], bool]
    name_of: Callable[[StoredRun], str] | None = None

    def __str__(self) -> str:
        return f"{self.kind} {' or '.join(map(repr, self.asked))}"


@dataclass(frozen=True)
class Filter:
    """Which runs a report shows; names and globs, None: all.  A suite's name without options stands for all of them."""

    profiles: Sequence[str] | None = None
    suites: Sequence[str] | None = None
    algorithms: Sequence[str] | None = None
    benchmark: str | None = None  # a definition's name or file: its cells in its profile

    def choose(self, runs: Iterable[StoredRun]) -> list[StoredRun]:
        """Raises UsageError for a name that no run has, offering the nearest, and for names that no run has together,
        saying what there is without one of them.
        """
        found = list(runs)
        chosen = self._of_benchmark(found)
        kinds: tuple[tuple[str, str, Sequence[str] | None, Callable[[StoredRun], str]], ...] = (
            ("profile", "--profile", self.profiles, lambda run: run.profile),
            ("suite", "--suites", self.suites, lambda run: run.suite),
            ("algorithm", "--algorithms", self.algorithms, lambda run: run.algorithm),
        )
        for kind, option, asked, name_of in kinds:
            if asked is not None:
                chosen.append(_by_name(found, kind, option, asked, name_of))
        kept = _passing(found, chosen)
        if found and not kept:
            raise UsageError(_nothing_in_common(found, chosen))
        return kept

    def _of_benchmark(self, runs: Sequence[StoredRun]) -> list[_Chosen]:
        if self.benchmark is None:
            return []
        cells = {run.path for run in runs_of_benchmark(self.benchmark, runs)}
        if not cells:
            planned = [(run.run["description"]["benchmark"] or "no benchmark", run.profile) for run in runs]
            stored = _few((f"{name} in profile {profile}" for name, profile in planned), self.benchmark)
            raise UsageError(
                f"no run of benchmark {self.benchmark!r} is stored in its profile and with its budgets; "
                f"stored are runs of {stored or 'none'}"
            )
        return [_Chosen("benchmark", [self.benchmark], "--benchmark", lambda run: run.path in cells)]


def _by_name(
    runs: Sequence[StoredRun], kind: str, option: str, asked: Sequence[str], name_of: Callable[[StoredRun], str]
) -> _Chosen:
    known = {each for run in runs for each in _names(name_of(run))}
    for name in asked:
        if not any(_matches(each, name) for each in known):
            raise UsageError(f"no run of {kind} {name!r} is stored; {nearest(name, known)}")

    def passes(run: StoredRun) -> bool:
        return any(_matches(each, name) for each in _names(name_of(run)) for name in asked)

    return _Chosen(kind, asked, option, passes, name_of)


def _names(name: str) -> set[str]:
    """With options and without."""
    return {name, base_name(name)}


def _matches(name: str, glob: str) -> bool:
    """As a glob; brackets hold a suite's options and stand for themselves."""
    return name == glob or fnmatchcase(name, glob.replace("[", "[[]"))


def _passing(runs: Iterable[StoredRun], chosen: Sequence[_Chosen]) -> list[StoredRun]:
    return [run for run in runs if all(each.passes(run) for each in chosen)]


def _nothing_in_common(runs: Sequence[StoredRun], chosen: Sequence[_Chosen]) -> str:
    ways = []
    for each in chosen:
        left = _passing(runs, [other for other in chosen if other is not each])
        if left:
            names = f", of {each.kind} {_few(map(each.name_of, left), each.asked[0])}" if each.name_of else ""
            ways.append(f"leaving out {each.option} leaves {_counted(left)}{names}")
    if not ways:
        ways = [f"of {each} alone there {_counted(_passing(runs, [each]), verb=True)}" for each in chosen]
    return f"no stored run is of {' and '.join(map(str, chosen))} together; {'; '.join(ways)}"


def _counted(runs: Sequence[StoredRun], verb: bool = False) -> str:
    is_one = len(runs) == 1
    return f"{('is ' if is_one else 'are ') if verb else ''}{len(runs)} run{'' if is_one else 's'}"


def _few(names: Iterable[str], asked: str) -> str:
    """The nearest of them, and how many more there are."""
    known = sorted(set(names))
    shown = difflib.get_close_matches(asked, known, n=MOST, cutoff=0.0)
    more = len(known) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
