"""Which values of an option mean anything, declared beside its default: a step size of -1 is refused, not run.

    clip: float = unsearched(0.3, BOUND, domain=POSITIVE)

A subclass that changes a default alone inherits the declaration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

#: key of a field's metadata
DOMAIN = "domain"


@dataclass(frozen=True)
class Domain:
    """`holds`: whether a number may be a value, or each part of a tuple; `text` ends "must be"."""

    text: str
    holds: Callable[[Any], bool]
    parts: bool = False  # a tuple

    def contains(self, value: Any) -> bool:
        if not self.parts:
            return not isinstance(value, tuple | list) and self.holds(value)
        return isinstance(value, tuple | list) and all(map(self.holds, value))


POSITIVE = Domain("above 0", lambda value: value > 0)
NOT_NEGATIVE = Domain("at least 0", lambda value: value >= 0)
COUNT = Domain("at least 1", lambda value: value >= 1)
SHARE = Domain("in [0, 1]", lambda value: 0 <= value <= 1)
INSIDE_UNIT = Domain("in (0, 1)", lambda value: 0 < value < 1)
DISCOUNT = Domain("in (0, 1]", lambda value: 0 < value <= 1)
LAYERS = Domain("sizes of at least 1", lambda value: value >= 1, parts=True)


def domains(cls: type) -> dict[str, Domain]:
    """By option, in the order of the fields, what it or the nearest class above declares."""
    found = {field.name: _declared(cls, field.name) for field in fields(cls)}
    return {name: domain for name, domain in found.items() if domain is not None}


def check_domains(options: Any) -> None:
    """Raises ValueError naming the first option of the dataclass whose value is out of its domain.

    None stands for a suite's own value.  A number that is not finite is in no domain, nor is a negative one in that of
    an option that is named a step size.
    """
    declared = domains(type(options))
    for field in fields(options):
        value = getattr(options, field.name)
        if not all(map(math.isfinite, _numbers(value))):
            raise ValueError(f"{field.name} must be finite, got {value}")
        domain = declared.get(field.name)
        if domain is None and field.name.endswith("step_size"):
            domain = NOT_NEGATIVE
        if domain is not None and value is not None and not domain.contains(value):
            raise ValueError(f"{field.name} must be {domain.text}, got {value}")


def _declared(cls: type, name: str) -> Domain | None:
    """Of the first class in the order of inheritance whose field says anything; a mere default says nothing."""
    for part in cls.__mro__:
        field = vars(part).get("__dataclass_fields__", {}).get(name)
        if field is not None and DOMAIN in field.metadata:
            return field.metadata[DOMAIN]
    return None


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, tuple | list):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, int | float):
        yield value
