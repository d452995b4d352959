"""Algorithms by name, from a loose file, from any module, or as the session that runs them defines them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from environments.discovery import ClassEntry, choose, discover, read_loose_file, read_module_class
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


@contextmanager
def offered(found: ClassEntry) -> Iterator[str]:
    """Within, a class that no other process can load, by the text that is given back."""
    text = f"{SESSION}{found.class_name}"
    _offered[text] = found
    try:
        yield text
    finally:
        _offered.pop(text, None)
