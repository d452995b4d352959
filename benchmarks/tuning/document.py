"""What tuning found, as data: `<profile>/<suite's full name>.toml`, which `benchmarks/planning/` reads and checks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from benchmarks.planning.tuned_file import Trial, trials_digest
from environments.typed_options import UsageError
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

    Raises StoreError if it cannot be written, UsageError if the file that is there is no such document, or as
    `refuse_other_setting` does.
    """
    import tomli_w

    place = folder / profile
    path = place / f"{suite}.toml"
    make_folder(place)
    try:
        with FileLock(place / LOCK):
            refuse_other_setting(folder, profile, suite, algorithm, outcome.setting)
            before = _read(path)
            algorithms = {**before.get("algorithms", {}), algorithm: outcome.as_table()}
            controls = {name: of for name, of in before.get("controls", {}).items() if name != algorithm}
            content = {"suite": suite, "profile": profile, **({"controls": controls} if controls else {})}
            content |= {"algorithms": dict(sorted(algorithms.items()))}
            write_whole(path, tomli_w.dumps(content).encode())
    except OSError as error:
        raise StoreError(f"cannot lock {place / LOCK}: {reason(error)}; name another folder by --into") from error
    return path


def refuse_other_setting(folder: Path, profile: str, suite: str, algorithm: str, setting: Mapping[str, Any]) -> None:
    """Before trials: whether what they find could be written.

    Raises UsageError if the algorithm's entry was found in another setting, since plans in that one would lose it, or
    if the suite's name is too long for a file's.
    """
    path = folder / profile / f"{suite}.toml"
    if len(path.name.encode()) > LONGEST_NAME:
        raise UsageError(
            f"what is chosen for {suite} goes into a file of that name, which may have {LONGEST_NAME} bytes and would "
            f"have {len(path.name.encode())}: leave some options out"
        )
    entry = _read(path).get("algorithms", {}).get(algorithm)
    if entry is None or entry.get("setting", {}) == setting:
        return
    theirs = entry.get("setting", {})
    keys = [key for key in dict.fromkeys([*theirs, *setting]) if theirs.get(key) != setting.get(key)]
    there, here = (", ".join(f"{key} {each.get(key)}" for key in keys) for each in (theirs, setting))
    raise UsageError(
        f"{path} holds what was found for {algorithm} with {there}; these trials have {here}, and one entry cannot be "
        "both: name another folder (--into, or --tuned of compare), or remove the entry first"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {reason(error)}; restore it, or remove it") from error


def _toml(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "none" if value is None else value for name, value in values.items()}  # TOML has no null
