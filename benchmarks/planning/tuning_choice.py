"""Which tuned values the cells of one plan take, and what must be said where effort is unequal."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from algorithms.catalogue import SESSION, find_algorithm, source_of
from benchmarks.planning.profiles import CellSettings, Profile
from benchmarks.planning.tunable import untunable_algorithm
from benchmarks.planning.tuned_file import LEAST_TRIALS, setting_of
from benchmarks.planning.tuned_values import TunedCell, folders_for, tuned_algorithms, tuned_cell
from benchmarks.specs.code_digest import code_digest
from benchmarks.specs.run_spec import RunSpec, known_suite, with_parents_code
from environments.catalogue import suites
from environments.discovery import ClassEntry
from environments.suite import Suite
from environments.task_digest import task_digests
from environments.typed_options import UsageError


@dataclass(frozen=True)
class _Untuned:
    """A cell without tuned values.  others: the tuned values of other algorithms there, found under its terms."""

    suite: str  # full name
    place: str  # as a command takes it
    others: Mapping[str, TunedCell]


@dataclass
class TuningChoice:
    """Asked cell by cell; `notes` tells of all of them.  terms: by which a command names benchmark and profile."""

    benchmark: str
    profile: Profile
    tuned: bool | Path
    terms: Sequence[str]
    _untuned: dict[str, list[_Untuned]] = field(default_factory=dict)  # by what to tune
    _refused: dict[tuple[str, str], str] = field(default_factory=dict)  # by suite and algorithm

    def values(self, suite: Suite, entry: ClassEntry, spec: RunSpec, by_profile: Mapping[str, Any]) -> TunedCell | None:
        """The cell's tuned values; None if it has none, or none that were found under its own terms.

        spec: the cell's run, but for its options.  by_profile: those that its profile sets.  Raises UsageError for a
        broken file.
        """
        folders = folders_for(entry, self.tuned, self.benchmark)
        found = tuned_cell(self.profile.name, suite.full_name, entry.name, folders)
        if found is None:
            if folders and is_tunable(entry, suite):
                self._note_untuned(suite, entry, spec, folders)
            return None
        reason = self._obstacle(found, suite, entry, spec, by_profile)
        if reason is not None:
            self._refused[suite.full_name, entry.name] = f"{found.source}; {reason}"
            return None
        return found

    def notes(self) -> tuple[str, ...]:
        return (
            *self._untuned_notes(),
            *(f"not used for {name} on {suite}: {why}" for (suite, name), why in self._refused.items()),
        )

    def _note_untuned(self, suite: Suite, entry: ClassEntry, spec: RunSpec, folders: Sequence[Path]) -> None:
        names = sorted(tuned_algorithms(self.profile.name, suite.full_name, folders))
        cells = {name: tuned_cell(self.profile.name, suite.full_name, name, folders) for name in names}
        others = {name: cell for name, cell in cells.items() if cell and self._under_terms(cell, suite, name, spec)}
        place = next((cell.sibling for cell in others.values() if cell.sibling), spec.suite_text)
        self._untuned.setdefault(_named(entry), []).append(_Untuned(suite.full_name, place, others))

    def _untuned_notes(self) -> Iterable[str]:
        """A sentence for each algorithm and effort that others had whose values the plan takes, or would take."""
        for name, cells in sorted(self._untuned.items()):
            found: dict[tuple[str, ...], list[_Untuned]] = {}
            for each in cells:
                taken = [cell for other, cell in each.others.items() if (each.suite, other) not in self._refused]
                if taken:
                    found.setdefault(_effort_words(max(taken, key=lambda cell: cell.runs)), []).append(each)
            for words, own in found.items():
                command = self._command(name, [each.place for each in own], words, self._folder)
                where = ", ".join(each.suite for each in own)
                yield f"{name} is not tuned on {where}, where others are: {command} gives it equal trials"

    def _command(self, name: str, places: Iterable[str], words: Sequence[str], into: str | None) -> str:
        """into: the folder, where it is not the one that the command takes by itself."""
        there = ("--into", into) if into else ()
        suites = ",".join(dict.fromkeys(places))
        return f"`{shlex.join(['metarl', 'tune', name, '--suites', suites, *self.terms, *words, *there])}`"

    @property
    def _folder(self) -> str | None:
        return str(self.tuned) if isinstance(self.tuned, Path) else None

    def _obstacle(
        self, found: TunedCell, suite: Suite, entry: ClassEntry, spec: RunSpec, by_profile: Mapping[str, Any]
    ) -> str | None:
        """Why values that were found are not for this cell."""
        own, general = self._settings(suite, entry.name)
        # a sibling's trials know nothing of what is asked for, or set by a benchmark, of this suite
        sibling, source = found.sibling is not None, known_suite(found.suite)
        if spec.budget != own.budget and (sibling or spec.budget != found.setting.get("budget")):
            return f"the trials had a budget of {found.setting.get('budget')} steps, asked for are {spec.budget}"
        here = self._setting_there(found, source, entry) if sibling else setting_of(spec, by_profile, found.values)
        tune = (_named(entry), [source.full_name if sibling else spec.suite_text], _effort_words(found))
        if own != general and (sibling or found.setting != here or _sets_otherwise(found, own, general)):
            return f"benchmark {self.benchmark} sets this suite otherwise than the trials were set"
        if (found.suite_digest, found.split_digest) != (source.digest, source.split.digest):
            return f"{found.suite} has changed since; {self._command(*tune, self._folder)} finds them anew"
        test = task_digests(suite.split.test)
        if sibling and test & task_digests([*source.split.train, *source.split.validation]):
            return f"{found.suite} trains or chooses on tasks that are test tasks here"
        if found.setting != here:
            changed = [
                f"{key} was {found.setting.get(key)}, is {value}" for key, value in here.items()
                if found.setting.get(key) != value
            ]  # fmt: skip
            other = self._command(*tune, "FOLDER")  # one entry cannot be both
            return f"the trials had another setting ({'; '.join(changed)}); {other} finds others, for --tuned FOLDER"
        # ours change with the package, which says what it is tuned with; of a file of one's own nobody else knows
        if (spec.source is not None or spec.suite_source is not None) and found.code != _code_on(source, spec):
            return f"its code has changed since; {self._command(*tune, self._folder)} finds them anew"
        return None

    def _settings(self, suite: Suite, algorithm: str) -> tuple[CellSettings, CellSettings]:
        """What the profile says of the benchmark's cell, and of one of no benchmark."""
        own, general = (self.profile.settings(name, suite.name, algorithm)[0] for name in (self.benchmark, ""))
        return own, general

    def _under_terms(self, found: TunedCell, suite: Suite, algorithm: str, spec: RunSpec) -> bool:
        """Whether another algorithm's values were found within the cell's budget and protocol, as its own must be."""
        own, general = self._settings(suite, algorithm)
        source = known_suite(found.suite)
        there: CellSettings | RunSpec = spec
        fits = not _sets_otherwise(found, own, general)
        if found.sibling is not None:
            there = self.profile.settings("", source.name, algorithm)[0]
            fits = own == general and spec.budget == own.budget
        same = (found.suite_digest, found.split_digest) == (source.digest, source.split.digest)
        terms = (name for name in found.setting if name != "config")
        return fits and same and all(found.setting[name] == getattr(there, name, None) for name in terms)

    def _setting_there(self, found: TunedCell, source: Suite, entry: ClassEntry) -> dict[str, Any]:
        """What the profile says of the sibling today, of all that the trials' setting holds."""
        cell = self.profile.settings("", source.name, entry.name)[0]
        config = {name: _plain(cell.config.get(name)) for name in found.setting.get("config", {})}
        whole = {**{name: getattr(cell, name, None) for name in found.setting}, "config": config}
        return json.loads(json.dumps(whole))


def _sets_otherwise(found: TunedCell, own: CellSettings, general: CellSettings) -> bool:
    """Whether the benchmark sets a searched option itself, to another value than it had when the trials were made."""
    return any(
        own.config.get(name) != general.config.get(name) and _plain(own.config.get(name)) != value
        for name, value in found.by_profile.items()
    )


def _effort_words(found: TunedCell) -> tuple[str, ...]:
    """What of a command asks for as many trials."""
    origin = ("--best-of", found.origin["profile"]) if found.origin else ()
    fresh = ("--fresh", str(found.fresh_tasks)) if found.fresh_tasks else ()
    trials = max(found.trials, LEAST_TRIALS)  # a file may hold fewer
    return *origin, "--trials", str(trials), "--seeds", str(found.seeds), *fresh


def _named(entry: ClassEntry) -> str:
    """As a command takes the algorithm."""
    if entry.module.startswith("loose_"):
        return str(entry.path)
    return entry.name if entry.module == SESSION else source_of(entry) or entry.name


def _code_on(suite: Suite, spec: RunSpec) -> str:
    """Digest of the code of the run, were it one on the suite."""
    own = code_digest(find_algorithm(spec.source or spec.algorithm), suites()[suite.name])
    return with_parents_code(own, {role: _code_on(suite, parent) for role, parent in spec.parents.items()})


def _plain(value: Any) -> Any:
    return "none" if value is None else value  # TOML has no null


def is_tunable(entry: ClassEntry, suite: Suite) -> bool:
    """Whether `metarl tune` takes the algorithm on the suite, or would say what is wrong with its search spaces."""
    try:
        return untunable_algorithm(entry, suite) is None
    except UsageError:
        return True
