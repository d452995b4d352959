"""Profiles: how much a run samples, a file each in `benchmarks/profiles` or anywhere; quick.toml explains the form."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.planning.definition import own_file
from environments.typed_options import UsageError, nearest

FOLDER = Path(__file__).parent.parent / "profiles"
#: what a rule for suites may change beside `config`
_NUMBERS = ("budget", "adaptation_steps", "trajectories", "adaptations", "evaluations", "checkpoint_every")
#: the line that begins a rule; `tomllib` does not say where it stood
RULE = re.compile(r"\[\[\s*rule\s*\]\]")


@dataclass(frozen=True)
class CellSettings:
    """What a profile says about one suite and algorithm."""

    budget: int  # environment steps
    adaptation_steps: int
    trajectories: int  # per task and adaptation step, in evaluation
    evaluations: int
    checkpoint_every: int  # meta-iterations
    config: Mapping[str, Any]  # values for those options that the algorithm has
    adaptations: int = 1  # independent ones of each task, in evaluation


@dataclass(frozen=True)
class Rule:
    """Overrides for the benchmarks, the suites (globs on the name without options) and, for `config` alone, the
    algorithms that it names.  `place`: the file and line where it stands.
    """

    place: str
    benchmarks: tuple[str, ...]
    suites: tuple[str, ...]
    algorithms: tuple[str, ...]
    overrides: Mapping[str, Any]
    config: Mapping[str, Any]

    def match(self, benchmark: str, suite: str, algorithm: str) -> str | None:
        """The rule's place and the globs by which it applies, None if it does not."""
        globs = {"benchmarks": self.benchmarks, "suites": self.suites, "algorithms": self.algorithms}
        names = dict(zip(globs, (benchmark, suite, algorithm), strict=True))
        found = {key: _matching(names[key], globs[key]) for key in globs}
        if None in found.values():
            return None
        told = ", ".join(f"{key} {glob}" for key, glob in found.items() if glob != "*")
        return f"{self.place}: {told}" if told else self.place


@dataclass(frozen=True)
class Profile:
    """Default settings and the rules that change them; later rules win."""

    name: str
    summary: str
    seeds: int
    default: CellSettings
    sources: Mapping[str, str]  # what each value of the default is by: under its field, or `config.<option>`
    rules: tuple[Rule, ...]

    def settings(self, benchmark: str, suite: str, algorithm: str) -> tuple[CellSettings, dict[str, str]]:
        """For a benchmark's name, a suite's without options and an algorithm's; and what each value is by."""
        settings, sources = self.default, dict(self.sources)
        for rule in self.rules:
            source = rule.match(benchmark, suite, algorithm)
            if source is not None:
                settings = replace(settings, **rule.overrides, config={**settings.config, **rule.config})
                sources |= _all_by(source, rule.overrides, rule.config)
        return settings, sources


def find_profile(name: str) -> Profile:
    """The profile of that name, or in the file `path.toml`.  Raises UsageError offering the nearest name."""
    known = profiles()
    if name.endswith(".toml"):
        return read_profile(own_file(name, "profile", known, FOLDER))
    if name not in known:
        raise UsageError(f"unknown profile {name!r}; {nearest(name, known)}")
    return known[name]


@cache
def profiles(folder: Path = FOLDER) -> Mapping[str, Profile]:
    """Every profile of the folder, by name.  Raises UsageError for a key that means nothing."""
    return MappingProxyType({path.stem: read_profile(path) for path in sorted(folder.glob("*.toml"))})


def read_profile(path: Path) -> Profile:
    """The profile of one file.  Raises UsageError for a key that means nothing, is missing, or has no such value."""
    name = path.stem
    try:
        text = path.read_text()
        table = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"profile {path} cannot be read: {error}") from None
    found = table.pop("rule", [])
    if not isinstance(found, list) or not all(isinstance(rule, dict) for rule in found):
        raise UsageError(f"profile {name}: rules must be tables, each under a line [[rule]]")
    at = [f"{path.name} line {number}" for number, line in enumerate(text.splitlines(), 1) if RULE.match(line)]
    if len(at) != len(found):  # rules in another form than [[rule]]
        at = [path.name] * len(found)
    rules = tuple(_rule(name, rule, place) for rule, place in zip(found, at, strict=True))
    known = {"summary", "seeds", "config", *_NUMBERS}
    for key in table:
        if key not in known:
            raise UsageError(f"profile {name} has no key {key!r}; {nearest(key, known)}")
    for key in sorted(known - table.keys() - {"summary", "adaptations"}):
        raise UsageError(f"profile {name} has no {key!r}, which it needs")
    _check_values(name, table)
    summary, seeds = table.pop("summary", ""), table.pop("seeds")
    default = CellSettings(**table)
    sources = _all_by("unless a profile says otherwise", vars(default), ())
    sources |= _all_by(path.name, table, default.config)
    return Profile(name, summary, seeds, default, sources, rules)


def _rule(profile: str, table: dict[str, Any], place: str) -> Rule:
    benchmarks, suites, algorithms = (
        _globs(profile, key, table.pop(key, "*")) for key in ("benchmarks", "suites", "algorithms")
    )
    for key in table:
        if key not in {*_NUMBERS, "config"}:
            known = {*_NUMBERS, "config", "benchmarks", "suites", "algorithms"}
            raise UsageError(f"profile {profile}: a rule has no key {key!r}; {nearest(key, known)}")
    _check_values(profile, table)
    config = table.pop("config", {})
    if table and algorithms != ("*",):
        raise UsageError(f"profile {profile}: a rule for algorithms may set config alone, not {', '.join(table)}")
    return Rule(place, benchmarks, suites, algorithms, table, config)


def _check_values(profile: str, table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        if key in ("seeds", *_NUMBERS):
            least = 0 if key in ("adaptation_steps", "evaluations") else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise UsageError(f"profile {profile}: {key} must be a whole number of at least {least}, got {value!r}")
        elif key == "config" and not isinstance(value, dict):
            raise UsageError(f"profile {profile}: config must hold options, as in {{ tasks = 10 }}, got {value!r}")
        elif key == "summary" and not isinstance(value, str):
            raise UsageError(f"profile {profile}: summary must be a text, got {value!r}")


def _all_by(source: str, values: Iterable[str], config: Iterable[str]) -> dict[str, str]:
    fields = [name for name in values if name != "config"]
    return dict.fromkeys([*fields, *(f"config.{option}" for option in config)], source)


def _globs(profile: str, key: str, value: Any) -> tuple[str, ...]:
    globs = [value] if isinstance(value, str) else value
    if not isinstance(globs, list) or not all(isinstance(glob, str) for glob in globs):
        raise UsageError(f"profile {profile}: {key} of a rule must be a glob or a list of them, got {value!r}")
    return tuple(globs)


def _matching(name: str, globs: tuple[str, ...]) -> str | None:
    return next((glob for glob in globs if fnmatchcase(name, glob)), None)
