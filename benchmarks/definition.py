"""Benchmark definitions: one TOML file each in `definitions/`, naming its suites, algorithms and claims."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from environments.typed_options import UsageError, nearest

FOLDER = Path(__file__).parent / "definitions"


@dataclass(frozen=True)
class Definition:
    """A benchmark's cells: each of its suites with each of its algorithms, in the profile's setting."""

    name: str  # the file's
    title: str
    summary: str
    profile: str
    suites: tuple[str, ...]
    algorithms: tuple[str, ...]
    claims: tuple[str, ...]


def find_definition(name: str) -> Definition:
    """Raises UsageError offering the nearest name."""
    known = definitions()
    if name not in known:
        raise UsageError(f"unknown benchmark {name!r}; {nearest(name, known)}")
    return known[name]


@cache
def definitions(folder: Path = FOLDER) -> Mapping[str, Definition]:
    """Every definition in the folder, by name.  Raises UsageError naming a file that is not one."""
    return MappingProxyType({path.stem: _read(path) for path in sorted(folder.glob("*.toml"))})


def _read(path: Path) -> Definition:
    try:
        content = tomllib.loads(path.read_text())
        suites, algorithms, claims = (tuple(content.pop(key)) for key in ("suites", "algorithms", "claims"))
        return Definition(name=path.stem, suites=suites, algorithms=algorithms, claims=claims, **content)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"benchmark definition {path.name} is not valid: {error}") from None
