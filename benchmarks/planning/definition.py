"""Benchmark definitions: one TOML file each in `definitions/`, naming its suites, algorithms and claims.

Each paper in `results/published/` is a benchmark too, of those of its suites and algorithms that exist, with the
scripted references beside them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from algorithms.catalogue import algorithms
from environments.catalogue import suites
from environments.typed_options import UsageError, nearest
from results.published import Paper, papers

FOLDER = Path(__file__).parent.parent / "definitions"
#: papers print budgets of days; this one learns
PAPERS_PROFILE = "standard"


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
    """Every definition in the folder and every paper, by name; a file of the folder goes before a paper of its name.

    Raises UsageError naming a file that is no definition, StoreError one that holds no paper.
    """
    found = {name: _of_paper(paper) for name, paper in papers().items()}
    found |= {path.stem: _read(path) for path in folder.glob("*.toml")}
    return MappingProxyType(dict(sorted(found.items())))


def _read(path: Path) -> Definition:
    try:
        content = tomllib.loads(path.read_text())
        suites, algorithms, claims = (tuple(content.pop(key)) for key in ("suites", "algorithms", "claims"))
        return Definition(name=path.stem, suites=suites, algorithms=algorithms, claims=claims, **content)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"benchmark definition {path.name} is not valid: {error}") from None


def scripted_references() -> tuple[str, ...]:
    """The names of all scripted algorithms, which cost next to nothing and stand on every board."""
    return tuple(name for name, found in sorted(algorithms().items()) if found.literals.get("scripted", False))


def _of_paper(paper: Paper) -> Definition:
    return Definition(
        name=paper.name,
        title=paper.title,
        summary=f"The cells of {paper.authors} ({paper.year}) that exist here",
        profile=PAPERS_PROFILE,
        suites=tuple(entry.suite for entry in paper.suites if entry.base in suites()),
        algorithms=(*(entry.id for entry in paper.algorithms if entry.id in algorithms()), *scripted_references()),
        claims=tuple(claim.id for claim in paper.claims),
    )
