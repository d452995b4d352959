"""Benchmark definitions: one TOML file each in `definitions/`, naming its suites, algorithms and claims, or anywhere.

Each paper in `results/published/` is a benchmark too, of those of its suites and algorithms that exist, with the
scripted references beside them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

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
    """The definition of that name, or in the file `path.toml`.

    A file's suites, algorithms and profile are names, or files of one's own relative to its folder.
    Raises UsageError offering the nearest name, or naming what in the file is not valid.
    """
    known = definitions()
    if name.endswith(".toml"):
        return _read(own_file(name, "benchmark", known, FOLDER))
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


def own_file(text: str, kind: str, known: Collection[str], folder: Path) -> Path:
    """The file of a benchmark or profile, whose name is the file's without its ending.

    Raises UsageError if there is none, and for a file of one's own with a name that stands for one of ours.
    """
    path = Path(text)
    if not path.is_file():
        raise UsageError(
            f"no file {text!r} with a {kind}; or did you mean the name of one: {', '.join(sorted(known))}?"
        )
    if path.stem in known and path.resolve().parent != folder.resolve():
        raise UsageError(f"{text}: the name {path.stem!r} is taken by the {kind} that is shipped; rename the file")
    return path


def _read(path: Path) -> Definition:
    owner = f"benchmark definition {path}"
    try:
        content: dict[str, Any] = {"title": path.stem, "summary": "", "claims": []} | tomllib.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{owner} cannot be read: {error}") from None
    known = [field.name for field in fields(Definition) if field.name != "name"]
    for key in content:
        if key not in known:
            raise UsageError(f"{owner} has no key {key!r}; {nearest(key, known)}")
    for key in known:
        if key not in content:
            raise UsageError(f"{owner} has no {key!r}, which it needs")
        listed = key in ("suites", "algorithms", "claims")
        texts = content[key] if listed else [content[key]]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise UsageError(f"{owner}: {key} must be {'a list of texts' if listed else 'a text'}, got {texts!r}")
    for key in ("suites", "algorithms"):
        if not content[key]:
            raise UsageError(f"{owner}: {key} is empty; name at least one")
    claims = {claim.id for paper in papers().values() for claim in paper.claims}
    for claim in content["claims"]:
        if claim not in claims:
            raise UsageError(f"{owner}: no paper has a claim {claim!r}; {nearest(claim, claims)}")
    return Definition(
        name=path.stem,
        title=content["title"],
        summary=content["summary"],
        profile=_beside(path, content["profile"]),
        suites=tuple(_beside(path, text) for text in content["suites"]),
        algorithms=tuple(_beside(path, text) for text in content["algorithms"]),
        claims=tuple(content["claims"]),
    )


def _beside(path: Path, text: str) -> str:
    """A file that a definition names, from its folder; any other name as it is."""
    file = text.partition("[")[0].partition(":")[0].strip()
    return str(path.parent / text.strip()) if file.endswith((".py", ".toml")) else text


#: stands on every board, adapted like everything else
FLOOR = "random-init"


def scripted_references() -> tuple[str, ...]:
    """The names of all scripted algorithms, which cost next to nothing and stand on every board."""
    return tuple(name for name, found in sorted(algorithms().items()) if found.literals.get("scripted", False))


def _of_paper(paper: Paper) -> Definition:
    own = [entry.id for entry in paper.algorithms if entry.id in algorithms()]
    return Definition(
        name=paper.name,
        title=paper.title,
        summary=f"The cells of {paper.authors} ({paper.year}) that exist here",
        profile=PAPERS_PROFILE,
        suites=tuple(entry.suite for entry in paper.suites if entry.base in suites()),
        algorithms=tuple(dict.fromkeys([*own, FLOOR, *scripted_references()])),
        claims=tuple(claim.id for claim in paper.claims),
    )
