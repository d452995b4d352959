"""Labels where the whole of what sets a configuration apart has no room: figures, the verdict, lists of pairs."""

from __future__ import annotations

from collections.abc import Iterable

_ROOM = 36  # characters, as many as a legend takes


def short_labels(labels: Iterable[str]) -> dict[str, str]:
    """For each label itself where there is room, else the algorithm and the first option that tells it from the others.

    `promp [budget=1000, code=1a2b3c4d, clip=0.2]` becomes `promp [budget=1000, …]` where budgets differ.
    """
    labels = tuple(labels)
    return {label: label if len(label) <= _ROOM else _short(label, labels) for label in labels}


def _short(label: str, labels: tuple[str, ...]) -> str:
    name, options = _parts(label)
    siblings = [other_options for other, other_options in map(_parts, labels) if other == name]
    for place, option in enumerate(options):
        values = [other[place] if place < len(other) else "" for other in siblings]
        text = f"{name} [{option},\u00a0…]"  # kept on one line
        if values.count(option) == 1 and len(text) <= _ROOM + len(name):
            return text
    return f"{label[:_ROOM]}…"


def _parts(label: str) -> tuple[str, tuple[str, ...]]:
    name, _, options = label.partition(" [")
    return name, tuple(options.removesuffix("]").split(", "))
