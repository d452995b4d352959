"""Profiles: how much a run samples, read from `profiles.toml`, whose first lines explain the form."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from environments.typed_options import UsageError, nearest

FILE = Path(__file__).parent.parent / "profiles.toml"


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
    algorithms that it names.
    """

    benchmarks: tuple[str, ...]
    suites: tuple[str, ...]
    algorithms: tuple[str, ...]
    overrides: Mapping[str, Any]
    config: Mapping[str, Any]

    def matches(self, benchmark: str, suite: str, algorithm: str) -> bool:
        named = ((benchmark, self.benchmarks), (suite, self.suites), (algorithm, self.algorithms))
        return all(_matches(name, globs) for name, globs in named)


@dataclass(frozen=True)
class Profile:
    """Default settings and the rules that change it; later rules win."""

    name: str
    summary: str
    seeds: int
    default: CellSettings
    rules: tuple[Rule, ...]

    def settings(self, benchmark: str, suite: str, algorithm: str) -> CellSettings:
        """For a benchmark's name, a suite's without options and an algorithm's."""
        settings = self.default
        for rule in self.rules:
            if rule.matches(benchmark, suite, algorithm):
                settings = replace(settings, **rule.overrides, config={**settings.config, **rule.config})
        return settings


def find_profile(name: str) -> Profile:
    """Raises UsageError offering the nearest name."""
    known = profiles()
    if name not in known:
        raise UsageError(f"unknown profile {name!r}; {nearest(name, known)}")
    return known[name]


@cache
def profiles(path: Path = FILE) -> Mapping[str, Profile]:
    """Every profile of the file, by name.  Raises UsageError for a key that means nothing."""
    content = tomllib.loads(path.read_text())
    return MappingProxyType({name: _profile(name, table) for name, table in content.items()})


def _profile(name: str, table: dict[str, Any]) -> Profile:
    rules = tuple(_rule(name, rule) for rule in table.pop("rule", []))
    summary, seeds = table.pop("summary"), table.pop("seeds")
    try:
        default = CellSettings(**table)
    except TypeError as error:
        raise UsageError(f"profile {name}: {error}") from None
    return Profile(name, summary, seeds, default, rules)


def _rule(profile: str, table: dict[str, Any]) -> Rule:
    benchmarks, suites, algorithms = (_globs(table.pop(key, "*")) for key in ("benchmarks", "suites", "algorithms"))
    config = table.pop("config", {})
    known = {"budget", "adaptation_steps", "trajectories", "adaptations", "evaluations", "checkpoint_every"}
    for key in table:
        if key not in known:
            raise UsageError(f"profile {profile}: a rule has no key {key!r}; {nearest(key, known)}")
    if table and algorithms != ("*",):
        raise UsageError(f"profile {profile}: a rule for algorithms may set config alone, not {', '.join(table)}")
    return Rule(benchmarks, suites, algorithms, table, config)


def _globs(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)
