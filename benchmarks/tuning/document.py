"""What tuning found, as data: `<profile>/<suite's full name>.toml`, which `benchmarks/planning/` reads and checks."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from benchmarks.planning.tuned_file import Trial, trials_digest
from environments.typed_options import UsageError, nearest
from results.files import StoreError, make_folder, reason, write_whole

#: held while a file of the folder is read, changed and written
LOCK = ".lock"
#: bytes; a system takes 255, some of which a file has while it is written
LONGEST_NAME = 224


@dataclass(frozen=True)
class Outcome:
    """The trials of one algorithm on one suite; `chosen`, `published` and `profile` are indices into them."""

    values: Sequence[Mapping[str, Any]]  # of the searched options, plain
    scores: Sequence[Sequence[float]]  # one for each seed; NaN: the trial failed
    chosen: int
    published: int
    profile: int
    seeds: Sequence[int]
    sampler: str
    identity: Mapping[str, Any]  # of any of its trials: its code, suite and split
    setting: Mapping[str, Any] = field(default_factory=dict)  # of all of them, as `setting_of` gives it
    fresh_tasks: int = 0  # that they were scored on, in place of validation tasks
    others: int = 0  # further configurations that earlier tunings tried, from whose choices one might have chosen

    def as_table(self) -> dict[str, Any]:
        trials = [
            Trial(_toml(values), tuple(map(float, scores)))
            for values, scores in zip(self.values, self.scores, strict=True)
        ]
        return {
            "chosen": self.chosen,
            "published": self.published,
            "profile": self.profile,
            "seeds": list(self.seeds),
            "sampler": self.sampler,
            **{key: self.identity[key] for key in ("code", "suite_digest", "split_digest")},
            **({"fresh_tasks": self.fresh_tasks} if self.fresh_tasks else {}),
            **({"others": self.others} if self.others else {}),
            "digest": trials_digest(trials),
            "setting": self.setting,
            "values": trials[self.chosen].values,
            "trials": [{"values": trial.values, "scores": list(trial.scores)} for trial in trials],
        }


def write_outcome(folder: Path, profile: str, suite: str, algorithm: str, outcome: Outcome) -> Path:
    """Put the algorithm's outcome into the suite's file, other algorithms' kept; the same ones give the same bytes.

    A control that has trials of its own takes no other's entry any more.

    Raises StoreError if it cannot be written, UsageError as `refuse_unwritable` does.
    """
    import tomli_w

    place = folder / profile
    path = place / f"{suite}.toml"
    make_folder(place)
    try:
        with FileLock(place / LOCK):
            refuse_unwritable(folder, profile, suite, algorithm, outcome.setting)
            before = _read(path, profile, suite)
            algorithms = {**before.get("algorithms", {}), algorithm: outcome.as_table()}
            controls = {name: of for name, of in before.get("controls", {}).items() if name != algorithm}
            content = {"suite": suite, "profile": profile, **({"controls": controls} if controls else {})}
            content |= {"algorithms": dict(sorted(algorithms.items()))}
            write_whole(path, tomli_w.dumps(content).encode())
    except OSError as error:
        raise StoreError(f"cannot lock {place / LOCK}: {reason(error)}; name another folder by --into") from error
    return path


def refuse_unwritable(folder: Path, profile: str, suite: str, algorithm: str, setting: Mapping[str, Any]) -> None:
    """Before trials: whether what they find could be written.

    Raises UsageError if the algorithm's entry was found in another setting, since plans in that one would lose it, if
    the file that is there is no document of tuned values or holds what would be lost, such as the name of a sibling, or
    if the suite's name is too long for a file's.
    """
    path = folder / profile / f"{suite}.toml"
    if len(path.name.encode()) > LONGEST_NAME:
        raise UsageError(
            f"what is chosen for {suite} goes into a file of that name, which may have {LONGEST_NAME} bytes and would "
            f"have {len(path.name.encode())}: leave some options out"
        )
    entry = _read(path, profile, suite).get("algorithms", {}).get(algorithm)
    if entry is None or entry.get("setting", {}) == setting:
        return
    theirs = entry.get("setting", {})
    keys = [key for key in dict.fromkeys([*theirs, *setting]) if theirs.get(key) != setting.get(key)]
    there, here = (", ".join(f"{key} {each.get(key)}" for key in keys) for each in (theirs, setting))
    raise UsageError(
        f"{path} holds what was found for {algorithm} with {there}; these trials have {here}, and one entry cannot be "
        "both: name another folder (--into, or --tuned of compare), or remove the entry first"
    )


def _read(path: Path, profile: str, suite: str) -> dict[str, Any]:
    """What the file of the suite holds, in which an outcome can take its place.  Raises UsageError.

    What an entry says of its trials is not looked at, so that new ones can replace it.
    """
    try:
        table = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {reason(error)}; restore it, or remove it") from error
    for wrong in _faults(table, profile, suite):
        raise UsageError(f"{path}: {wrong}; mend or remove it, or name another folder (--into, or --tuned of compare)")
    return table


def _faults(table: Mapping[str, Any], profile: str, suite: str) -> Iterator[str]:
    """Why the table is none that an outcome can be put into without a loss."""
    known = ("suite", "profile", "sibling", "controls", "algorithms")
    for key in table:
        if key not in known:
            yield f"it has no key {key!r}, which would be lost; {nearest(key, known)}"
    for key, place in (("suite", suite), ("profile", profile)):
        if table.get(key, place) != place:
            yield f"{key} is {table[key]!r}, but the file lies where {place!r} belongs"
    if "sibling" in table:
        yield (
            f"sibling is {table['sibling']!r}, whose values all methods take on this suite and would lose, since a "
            "file with trials names no sibling"
        )
    entries, controls = table.get("algorithms", {}), table.get("controls", {})
    if not isinstance(entries, dict):
        yield f"algorithms must be tables, as in [algorithms.promp], got {entries!r}"
    else:
        for name, entry in entries.items():
            if not isinstance(entry, dict):
                yield f"algorithms.{name} must be a table, got {entry!r}"
            elif not isinstance(entry.get("setting", {}), dict):
                yield f"algorithms.{name}.setting must be a table, as in {{ budget = 80000 }}, got {entry['setting']!r}"
    if not isinstance(controls, dict) or not all(isinstance(other, str) for other in controls.values()):
        yield f'controls must be a table of names, as in {{ xmrl-g-random = "xmrl-g" }}, got {controls!r}'


def _toml(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "none" if value is None else value for name, value in values.items()}  # TOML has no null
