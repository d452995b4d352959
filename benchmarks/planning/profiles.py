"""Profiles: how much a run samples, one file each in `benchmarks/profiles`; quick.toml explains the form."""

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

from environments.typed_options import UsageError, nearest

FOLDER = Path(__file__).parent.parent / "profiles"
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
    """Raises UsageError offering the nearest name."""
    known = profiles()
    if name not in known:
        raise UsageError(f"unknown profile {name!r}; {nearest(name, known)}")
    return known[name]


@cache
def profiles(folder: Path = FOLDER) -> Mapping[str, Profile]:
    """Every profile of the folder, by name.  Raises UsageError for a key that means nothing."""
    return MappingProxyType({path.stem: read_profile(path) for path in sorted(folder.glob("*.toml"))})


def read_profile(path: Path) -> Profile:
    """The profile of one file.  Raises UsageError for a key that means nothing."""
    name, text = path.stem, path.read_text()
    table = tomllib.loads(text)
    found = table.pop("rule", [])
    at = [f"{path.name} line {number}" for number, line in enumerate(text.splitlines(), 1) if RULE.match(line)]
    if len(at) != len(found):  # rules in another form than [[rule]]
        at = [path.name] * len(found)
    rules = tuple(_rule(name, rule, place) for rule, place in zip(found, at, strict=True))
    summary, seeds = table.pop("summary"), table.pop("seeds")
    try:
        default = CellSettings(**table)
    except TypeError as error:
        raise UsageError(f"profile {name}: {error}") from None
    sources = _all_by("unless a profile says otherwise", vars(default), ())
    sources |= _all_by(path.name, table, default.config)
    return Profile(name, summary, seeds, default, sources, rules)


def _rule(profile: str, table: dict[str, Any], place: str) -> Rule:
    benchmarks, suites, algorithms = (_globs(table.pop(key, "*")) for key in ("benchmarks", "suites", "algorithms"))
    config = table.pop("config", {})
    known = {"budget", "adaptation_steps", "trajectories", "adaptations", "evaluations", "checkpoint_every"}
    for key in table:
        if key not in known:
            raise UsageError(f"profile {profile}: a rule has no key {key!r}; {nearest(key, known)}")
    if table and algorithms != ("*",):
        raise UsageError(f"profile {profile}: a rule for algorithms may set config alone, not {', '.join(table)}")
    return Rule(place, benchmarks, suites, algorithms, table, config)


def _all_by(source: str, values: Iterable[str], config: Iterable[str]) -> dict[str, str]:
    fields = [name for name in values if name != "config"]
    return dict.fromkeys([*fields, *(f"config.{option}" for option in config)], source)


def _globs(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _matching(name: str, globs: tuple[str, ...]) -> str | None:
    return next((glob for glob in globs if fnmatchcase(name, glob)), None)
