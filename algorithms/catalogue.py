"""Algorithms by name, from a loose file, from any module, or as the session that runs them defines them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from environments.discovery import ClassEntry, choose, discover, read_classes, read_loose_file, read_module_class
from environments.typed_options import UsageError

#: begins the text that names a class which only the process that defined it can load
SESSION = "session:"
_offered: dict[str, ClassEntry] = {}


@cache
def algorithms() -> dict[str, ClassEntry]:
    """Every algorithm that is available, by name, nothing imported."""
    return discover("algorithms", "metarl.algorithms")


def find_algorithm(text: str) -> ClassEntry:
    """The algorithm of that name, or the one in `path.py`, `path.py:Class` or `package.module:Class`.

    Raises UsageError.
    """
    if text in _offered:
        return _offered[text]
    if text.startswith(SESSION):
        raise UsageError(f"{text.removeprefix(SESSION)!r} was defined in a Python session; define it in a file")
    if text.partition(":")[0].endswith(".py"):
        return read_loose_file(text, "Algorithm")
    if ":" in text:
        return read_module_class(text, "Algorithm")
    return choose(algorithms(), text, "algorithm")


def source_of(found: ClassEntry) -> str | None:
    """What `find_algorithm` takes for an algorithm that it does not know by name, None for any other."""
    if found.path is not None and found.module.startswith("loose_"):
        return f"{found.path.resolve()}:{found.class_name}"
    known = algorithms().get(found.name)
    if known is not None and (known.module, known.class_name) == (found.module, found.class_name):
        return None
    return f"{SESSION if found.module == SESSION else f'{found.module}:'}{found.class_name}"


def parents_of(found: ClassEntry) -> dict[str, ClassEntry]:
    """By role, the algorithms whose runs a run of this one begins with (`Algorithm.parents`).

    Raises UsageError for a name of none, and where an algorithm would begin with a run of itself.
    """
    return _parents(found, ())


def _parents(found: ClassEntry, children: tuple[str, ...]) -> dict[str, ClassEntry]:
    children = (*children, found.name)
    parents: dict[str, ClassEntry] = {}
    for role, name in getattr(found.load(), "parents", {}).items():
        if name in children:
            raise UsageError(f"{' begins with a run of '.join([*children, name])}, which has no beginning")
        parents[role] = _neighbour(found, name) or find_algorithm(name)
        _parents(parents[role], children)
    return parents


def _neighbour(found: ClassEntry, name: str) -> ClassEntry | None:
    """The class of that name in a loose file or a module of someone's own."""
    if source_of(found) is None or found.path is None:
        return None
    return next((entry for entry in read_classes(found.path, found.module) if entry.name == name), None)


@contextmanager
def offered(found: ClassEntry) -> Iterator[str]:
    """Within, a class that no other process can load, by the text that is given back."""
    text = f"{SESSION}{found.class_name}"
    _offered[text] = found
    try:
        yield text
    finally:
        _offered.pop(text, None)
