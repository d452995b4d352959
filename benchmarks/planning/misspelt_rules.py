"""What a profile of one's own may have misspelt: its rules would apply to nothing, and nobody would say so."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from fnmatch import fnmatchcase

from algorithms.catalogue import algorithms
from benchmarks.planning.profiles import Profile
from environments.catalogue import suites
from environments.discovery import ClassEntry


def misspelt_rules(profile: Profile, planned: Sequence[ClassEntry]) -> tuple[str, ...]:
    """A sentence for each name in its rules that nothing has, where something has one much like it.

    A name that is like nobody's may be that of a file which this plan does not name.  planned: algorithms, which may be
    of files.
    """
    entries = {**algorithms(), **{entry.name: entry for entry in planned}}
    options = {field.name for entry in entries.values() for field in fields(entry.load().Config)}
    found = dict.fromkeys(_said("config", "option", profile.default.config, options, profile.name))
    for rule in profile.rules:
        found |= dict.fromkeys(_said("suites", "suite", rule.suites, set(suites()), rule.place))
        found |= dict.fromkeys(_said("algorithms", "algorithm", rule.algorithms, set(entries), rule.place))
        found |= dict.fromkeys(_said("config", "option", rule.config, options, rule.place))
    return tuple(found)


def _said(key: str, kind: str, names: Iterable[str], known: set[str], place: str) -> Iterator[str]:
    for name in names:
        close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
        if close and not any(fnmatchcase(each, name) for each in known):
            yield f"{place}: {key} {name!r} is no {kind} that is known here; did you mean {close[0]!r}?"
