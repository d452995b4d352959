"""Algorithms by name, or from a loose file."""

from __future__ import annotations

from functools import cache

from environments.discovery import ClassEntry, choose, discover, read_loose_file


@cache
def algorithms() -> dict[str, ClassEntry]:
    """Every algorithm that is available, by name, nothing imported."""
    return discover("algorithms", "metarl.algorithms")


def find_algorithm(text: str) -> ClassEntry:
    """The algorithm of that name, or the one in `path.py` or `path.py:Class`.  Raises UsageError."""
    if ".py" in text:
        return read_loose_file(text, "Algorithm")
    return choose(algorithms(), text, "algorithm")
