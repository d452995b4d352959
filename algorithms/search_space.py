"""Search spaces of options, declared beside their defaults: what tuning tries, and why it leaves the rest alone.

    step_size: float = searched(1e-3, LogRange(3e-4, 3e-2), tabular=LogRange(3e-3, 0.3))
    tasks: int = unsearched(40, "a batch's size is the profile's, the same for all methods")

A subclass that changes a default alone inherits the declaration.
"""

from __future__ import annotations

import math
import types
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Union, get_args, get_origin, get_type_hints

# domains are imported from here, so that no run's code depends on them
from environments.option_domains import (  # noqa: F401
    COUNT,
    DISCOUNT,
    DOMAIN,
    INSIDE_UNIT,
    LAYERS,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    Domain,
)
from environments.typed_options import NONE, UsageError, convert, make_options, option

#: key of a field's metadata
SEARCH = "search"


@dataclass(frozen=True)
class LogRange:
    """Real numbers in [low, high] whose logarithm is uniform; low is above 0."""

    low: float
    high: float

    def grid(self, points: int) -> list[Any]:
        """That many values, evenly spaced in their logarithm, from low to high."""
        return _between(self.low, self.high, points, log=True)

    def contains(self, value: Any) -> bool:
        return _is_number(value) and self.low <= value <= self.high

    def fault(self) -> str | None:
        """Why it is no space at all."""
        return _empty(self.low, self.high, log=True)


@dataclass(frozen=True)
class Range:
    """Real numbers in [low, high], uniform."""

    low: float
    high: float

    def grid(self, points: int) -> list[Any]:
        """That many values, evenly spaced, from low to high."""
        return _between(self.low, self.high, points, log=False)

    def contains(self, value: Any) -> bool:
        return _is_number(value) and self.low <= value <= self.high

    def fault(self) -> str | None:
        """Why it is no space at all."""
        return _empty(self.low, self.high, log=False)


@dataclass(frozen=True)
class Integers:
    """Whole numbers from low to high, both included; `log`: their logarithm is uniform, and low is at least 1."""

    low: int
    high: int
    log: bool = False

    def grid(self, points: int) -> list[Any]:
        """At most that many different values, evenly spaced, from low to high."""
        return sorted({round(value) for value in _between(self.low, self.high, points, self.log)})

    def contains(self, value: Any) -> bool:
        return _is_number(value) and float(value).is_integer() and self.low <= value <= self.high

    def fault(self) -> str | None:
        """Why it is no space at all."""
        if not all(isinstance(end, int) and not isinstance(end, bool) for end in (self.low, self.high)):
            return f"it goes from {self.low!r} to {self.high!r}, which must be whole numbers"
        return _empty(self.low, self.high, self.log)


@dataclass(frozen=True)
class Choice:
    """One of several values, in an order that a grid keeps."""

    values: tuple[Any, ...]

    def grid(self, points: int) -> list[Any]:
        """All values, however many points."""
        return list(self.values)

    def contains(self, value: Any) -> bool:
        return any(_same(value, one) for one in self.values)

    def fault(self) -> str | None:
        """Why it is no space at all."""
        if not isinstance(self.values, tuple) or len(self.values) < 2:
            return f"a Choice needs a tuple of at least two values, got {self.values!r}"
        for place, value in enumerate(self.values):
            if any(_same(value, other) for other in self.values[:place]):
                return f"it has {value!r} twice"
        return None


Space = LogRange | Range | Integers | Choice

#: several methods' pieces: no run depends on them, so they may be changed here without any method's code being another
LAMBDAS = Choice((0.9, 0.95, 1.0))  # of generalised advantage estimation: less variance for more bias
BATCH = "a batch's size is the profile's, the same for all methods"
PROXIMAL = "how exactly the proximal problem is solved; what it is, inner_step_size decides"
NEVER = "a reference that sees the test tasks, and so is never tuned"
BOUND = "the paper's; how far one sample moves a policy is searched by step_size and gradient_steps"
VARIATE = "the paper's; a control variate that fits worse costs variance and no bias"
SOLVER = "numerics of the solver, on which little depends beside delta"
ALIKE = "the profile's, so that all methods begin with the same policy"
SOLVED = "how closely the adaptation is solved; how far it moves a policy, regularisation decides"
UNUSED_ON_TABLES = "a table is adapted exactly, to action values of its own"


@dataclass(frozen=True)
class Declaration:
    """What an option declares: where it is searched for networks and for tables, or why it is not."""

    networks: Space | str
    tables: Space | str

    def of(self, tabular: bool) -> Space | str:
        return self.tables if tabular else self.networks


def searched(
    default: Any,
    space: Space,
    *,
    tabular: Space | str | None = None,
    domain: Domain | None = None,
    earlier: Any = NONE,
    formerly: str | None = None,
) -> Any:
    """An option that is tuned within `space`, which need not hold the default.

    tabular: the space where observations are Discrete and a policy is a table, or the reason why it is not searched
    there; none: the same.  domain: what values are no nonsense.  earlier, formerly: as for `option`.
    """
    declared = Declaration(space, space if tabular is None else tabular)
    return option(default, earlier=earlier, formerly=formerly, metadata=_metadata(declared, domain))


def unsearched(
    default: Any,
    reason: str,
    *,
    domain: Domain | None = None,
    earlier: Any = NONE,
    formerly: str | None = None,
) -> Any:
    """An option that is not tuned, and why.  domain: as for `searched`.  earlier, formerly: as for `option`."""
    metadata = _metadata(Declaration(reason, reason), domain)
    return option(default, earlier=earlier, formerly=formerly, metadata=metadata)


def declarations(cls: type) -> dict[str, Declaration]:
    """By option, in the order of the fields, what it or the nearest class above declares."""
    found = {field.name: _declared(cls, field.name) for field in fields(cls)}
    return {name: declared for name, declared in found.items() if declared is not None}


def search_space(cls: type, tabular: bool) -> dict[str, Space]:
    """The options of a `Config` that are tuned and their spaces, in the order of the fields.

    tabular: whether the suite's observation space is Discrete.  Raises UsageError for a space that is none.
    """
    hints, found = get_type_hints(cls), {}
    for name, declared in declarations(cls).items():
        space = declared.of(tabular)
        wrong = _wrong(space, hints[name])
        if wrong is not None:
            raise UsageError(f"{cls.__qualname__}: option {name}: {wrong}")
        if not isinstance(space, str):
            found[name] = space
    return found


def undeclared(cls: type) -> list[str]:
    """Numeric options (numbers, tuples of them, none or these) with neither a space nor a reason."""
    hints, declared = get_type_hints(cls), declarations(cls)
    return [field.name for field in fields(cls) if field.name not in declared and _numeric(hints[field.name])]


def faults(cls: type) -> list[str]:
    """What is wrong with the declarations of a `Config`, and how each is put right; every option has its default."""
    hints, declared = get_type_hints(cls), declarations(cls)
    defaults = {field.name: field.default for field in fields(cls)}
    found = [_how_to_declare(name, hints[name], defaults[name]) for name in undeclared(cls)]
    for name, declaration in declared.items():
        spaces = [declaration.networks, declaration.tables]
        for space in spaces[:1] if spaces[0] == spaces[1] else spaces:
            wrong = _wrong(space, hints[name]) or _refused(cls, name, space)
            if wrong is not None:
                found.append(f"option {name}: {wrong}")
    return found


def _metadata(declared: Declaration, domain: Domain | None) -> dict[str, Any]:
    return {SEARCH: declared} if domain is None else {SEARCH: declared, DOMAIN: domain}


def _declared(cls: type, name: str) -> Declaration | None:
    """Of the first class in the order of inheritance whose field says anything; a mere default says nothing."""
    for part in cls.__mro__:
        field = vars(part).get("__dataclass_fields__", {}).get(name)
        if field is not None and SEARCH in field.metadata:
            return field.metadata[SEARCH]
    return None


def _how_to_declare(name: str, kind: Any, default: Any) -> str:
    shown = "..." if default is NONE else repr(default)
    kinds = set(_kinds(kind))
    example = "LogRange(low, high)" if float in kinds else "Integers(low, high)" if int in kinds else "Choice((...))"
    return (
        f"option {name} has neither a search space nor a reason for none; "
        f'declare {name} = searched({shown}, {example}), or unsearched({shown}, "why")'
    )


def _wrong(space: Any, kind: Any) -> str | None:
    if isinstance(space, str):
        return None if space.strip() else "the reason why it is not searched is empty; say it in a few words"
    if not isinstance(space, Space):
        return f"{space!r} is no search space; take LogRange, Range, Integers or Choice"
    wrong = _misfit(space, kind)
    return None if wrong is None else f"its search space {space!r}: {wrong}"


def _misfit(space: Space, kind: Any) -> str | None:
    """Why values of the space cannot be an option of that type; of no space at all, why it is none."""
    wrong = space.fault()
    if wrong is not None:
        return wrong
    if isinstance(space, LogRange | Range) and float not in _kinds(kind):
        return "it holds numbers that are not whole, which the option does not take; declare Integers or a Choice"
    for value in space.grid(2):
        try:
            converted = convert(value, kind)
        except (TypeError, ValueError) as error:
            return f"the option does not take {value!r}: {error}"
        if not _same(converted, value):
            return f"the option takes {value!r} as {converted!r}; write it so"
    return None


def _refused(cls: type, name: str, space: Space | str) -> str | None:
    """Why the `Config` refuses an end of the space, or a value of the choice."""
    for value in () if isinstance(space, str) else space.grid(2):
        try:
            make_options(cls, {name: value}, cls.__qualname__)
        except UsageError as error:
            return f"its search space {space!r} holds {value!r}, which is refused: {error}"
    return None


def _between(low: float, high: float, points: int, log: bool) -> list[float]:
    if points < 1:
        raise UsageError(f"a grid needs at least 1 point for each option, got {points}")
    if points == 1:
        return [math.sqrt(low * high) if log else (low + high) / 2]
    shares = [place / (points - 1) for place in range(1, points - 1)]
    inner = [low * (high / low) ** share if log else low + (high - low) * share for share in shares]
    return [low, *inner, high]


def _empty(low: float, high: float, log: bool) -> str | None:
    if not all(_is_number(end) and math.isfinite(end) for end in (low, high)):
        return f"it goes from {low!r} to {high!r}, which must be finite numbers"
    if low >= high:
        return f"it is empty, since it goes from {low!r} to {high!r}; the first must be the smaller"
    return f"on a logarithmic scale it must begin above 0, got {low!r}" if log and low <= 0 else None


def _kinds(kind: Any) -> Iterator[Any]:
    """The type, or those of a union."""
    if get_origin(kind) in (Union, types.UnionType):
        for part in get_args(kind):
            yield from _kinds(part)
    else:
        yield kind


def _numeric(kind: Any) -> bool:
    return any(
        part in (int, float) or (get_origin(part) is tuple and any(_numeric(inner) for inner in get_args(part)))
        for part in _kinds(kind)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(first: Any, second: Any) -> bool:
    """Equal as values of an option; what was read from a record has lists for tuples."""
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(_same(one, other) for one, other in zip(first, second, strict=True))
    return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)
