"""Which tuned values the cells of one plan take, and what must be said where effort is unequal."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.planning.profiles import Profile
from benchmarks.planning.tuned_values import TunedCell, folders_for, tuned_algorithms, tuned_cell
from benchmarks.specs.run_spec import known_suite
from environments.discovery import ClassEntry
from environments.suite import Suite
from environments.task_digest import task_digests
from results.reference_scores import REFERENCE_ACCESS

#: a cell's setting, given the names of the searched options
SettingWithout = Callable[[Collection[str]], Mapping[str, Any]]


@dataclass
class TuningChoice:
    """Asked cell by cell; `notes` tells of all of them."""

    benchmark: str
    profile: Profile
    tuned: bool | Path
    _untuned: dict[str, list[str]] = field(default_factory=dict)  # suites where others are tuned, by what to tune
    _refused: list[str] = field(default_factory=list)

    def values(self, suite: Suite, entry: ClassEntry, setting: SettingWithout) -> TunedCell | None:
        """The cell's tuned values; None if it has none, or none that were found under its own terms.

        setting: the cell's own, as `setting_of` gives it.  Raises UsageError for a broken file.
        """
        folders = folders_for(entry, self.tuned)
        found = tuned_cell(self.profile.name, suite.full_name, entry.name, folders)
        if found is None:
            if folders and is_tunable(entry) and tuned_algorithms(self.profile.name, suite.full_name, folders):
                place = str(entry.path) if entry.module.startswith("loose_") else entry.name
                self._untuned.setdefault(place, []).append(suite.full_name)
            return None
        reason = self._obstacle(found, suite, entry, setting)
        if reason is not None:
            self._refused.append(f"not used for {entry.name} on {suite.full_name}: {found.source}; {reason}")
            return None
        return found

    def notes(self) -> tuple[str, ...]:
        untuned = [
            f"{name} is not tuned on {', '.join(suites)}, where others are: `metarl tune {name}` gives it equal trials"
            for name, suites in sorted(self._untuned.items())
        ]
        return (*untuned, *self._refused)

    def _obstacle(self, found: TunedCell, suite: Suite, entry: ClassEntry, setting: SettingWithout) -> str | None:
        """Why values that were found are not for this cell."""
        own, general = (self.profile.settings(name, suite.name, entry.name)[0] for name in (self.benchmark, ""))
        here = setting(found.values.keys()) if found.sibling is None else None
        if own != general and found.setting != here:  # a sibling's trials know nothing of what is set for this suite
            return f"benchmark {self.benchmark} sets this suite otherwise than the trials were set"
        source = known_suite(found.suite)
        if (found.suite_digest, found.split_digest) != (source.digest, source.split.digest):
            return f"{found.suite} has changed since; `metarl tune` finds them anew"
        test = task_digests(suite.split.test)
        if found.sibling is not None and test & task_digests([*source.split.train, *source.split.validation]):
            return f"{found.suite} trains or chooses on tasks that are test tasks here"
        if here is None:
            here = self._setting_there(found, source, entry)
        if found.setting != here:
            changed = [
                f"{key} was {found.setting.get(key)}, is {value}" for key, value in here.items()
                if found.setting.get(key) != value
            ]  # fmt: skip
            return f"the trials had another setting ({'; '.join(changed)}); `metarl tune` finds them anew"
        return None

    def _setting_there(self, found: TunedCell, source: Suite, entry: ClassEntry) -> dict[str, Any]:
        """What the profile says of the sibling today, of all that the trials' setting holds."""
        cell = self.profile.settings("", source.name, entry.name)[0]
        config = {name: "none" if (value := cell.config.get(name)) is None else value
                  for name in found.setting.get("config", {})}  # fmt: skip
        whole = {**{name: getattr(cell, name, None) for name in found.setting}, "config": config}
        return json.loads(json.dumps(whole))


def is_tunable(entry: ClassEntry) -> bool:
    """Whether the algorithm learns and knows no test task: scripted ones, floors and ceilings are not tuned."""
    cls = entry.load()
    learns = getattr(cls, "trains", True) and not getattr(cls, "scripted", False)
    return learns and not REFERENCE_ACCESS & getattr(cls, "access", frozenset())
