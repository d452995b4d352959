"""Typed options from text or plain values: suite options and algorithm configurations alike.

Records keep the names and the options that they were made with.  Who adds an option to something that has been run
declares it with `option(default, earlier=...)`, who renames one with `option(default, formerly=...)`; then what was run
before is found again and its record read.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cached_property
from inspect import get_annotations
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


#: keys of a field's metadata
EARLIER, FORMERLY = "earlier", "formerly"
#: what a class may hold beside its fields
_NO_OPTION = (property, cached_property, classmethod, staticmethod)
#: no value, where None is one
NONE = dataclasses.MISSING


class UsageError(ValueError):
    """Bad input: one line saying what was wrong, the offending value and what would be right."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for an error's end: the nearest known name, else all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known) or 'none'}"


def option(
    default: Any, *, earlier: Any = NONE, formerly: str | None = None, metadata: Mapping[str, Any] | None = None
) -> Any:
    """A dataclass field of a `Config` or of a suite's `Options` that is younger than some records, or has a new name.

    earlier: the value that does what was done before there was this option.  A record does not hold the option at this
    value, and where it does not hold it, this was its value.  It may differ from the default.
    formerly: the name under which the option was first recorded, which records keep.
    metadata: what others say of the option, which no record holds.
    """
    younger = ({} if earlier is NONE else {EARLIER: earlier}) | ({} if formerly is None else {FORMERLY: formerly})
    return dataclasses.field(default=default, metadata={**(metadata or {}), **younger})


def make_options(cls: type[T], values: Mapping[str, Any], owner: str) -> T:
    """An instance of the dataclass `cls` with the given fields set, converted to their annotated types.

    values: text (as on a command line) or plain values.  owner: named in errors.
    Raises UsageError for an unknown field or a value that does not convert.
    """
    if not is_dataclass(cls):
        raise TypeError(f"{cls!r} is not a dataclass")
    check_fields(cls, owner)
    hints = get_type_hints(cls)
    known = [field.name for field in fields(cls)]
    converted = {}
    for name, value in values.items():
        if name not in known:
            named = former_names(cls).get(name)
            hint = f"it is named {named!r} now" if named else nearest(name, known)
            raise UsageError(f"{owner} has no option {name!r}; {hint}")
        try:
            converted[name] = convert(value, hints[name])
        except (TypeError, ValueError) as error:
            raise UsageError(f"{owner}: option {name}={value!r} is not valid: {error}") from None
    try:
        return cls(**converted)
    except ValueError as error:
        raise UsageError(f"{owner}: {error}") from None


def check_fields(cls: type, owner: str) -> None:
    """Raises UsageError for an option that is none, since it has no type or its class lacks the decorator."""
    for part in reversed(cls.__mro__[:-1]):
        annotated = get_annotations(part)
        if any("ClassVar" not in str(kind) for kind in annotated.values()) and "__dataclass_fields__" not in vars(part):
            raise UsageError(f"{owner}: {part.__qualname__} needs the decorator @dataclass(frozen=True)")
        for name, value in vars(part).items():
            if name.startswith("_") or name in annotated or isinstance(value, _NO_OPTION) or callable(value):
                continue
            kind = type(value).__name__
            raise UsageError(f"{owner}: {part.__qualname__}.{name} needs a type to be an option, as in {name}: {kind}")


def former_names(cls: type) -> dict[str, str]:
    """Today's name by the one of the record, of the options that were renamed."""
    found = {field.metadata[FORMERLY]: field.name for field in fields(cls) if FORMERLY in field.metadata}
    taken = found.keys() & {field.name for field in fields(cls)}
    if taken:
        raise TypeError(f"{cls.__name__}: records hold {sorted(taken)[0]!r} as another option; give the new one a name")
    return found


def earlier_values(cls: type) -> dict[str, Any]:
    """By today's name, what each option was where a record does not hold it: `earlier`, else the default."""
    values = {field.name: field.metadata.get(EARLIER, field.default) for field in fields(cls)}
    return {name: value for name, value in values.items() if value is not NONE}


def as_recorded(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a record holds of an instance of the dataclass, as plain values (a tuple is a list).

    values: its fields, by today's names.  Records keep first names, and no option at its `earlier` value.
    """
    names = {name: first for first, name in former_names(cls).items()}
    left_out = {field.name: field.metadata[EARLIER] for field in fields(cls) if EARLIER in field.metadata}
    return {
        names.get(name, name): _plain(value)
        for name, value in values.items()
        if name not in left_out or _plain(value) != _plain(left_out[name])
    }


def from_recorded(cls: type, recorded: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """The whole fields of the dataclass by today's names, as plain values, from what a record holds.

    Raises UsageError for an option that there is no more.
    """
    todays, known = former_names(cls), {field.name for field in fields(cls)}
    values = {todays.get(name, name): value for name, value in recorded.items()}
    for name in values:
        if name not in known:
            raise UsageError(f"{owner} has no option {name!r} any more")
    return {**{name: _plain(value) for name, value in earlier_values(cls).items()}, **values}


def convert(value: Any, kind: Any) -> Any:
    """The value as `kind`: int, float, bool, str, Literal, Optional, or tuple (text "0:2" or a sequence)."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None or value in ("none", "None"):
            if type(None) in arguments:
                return None
            raise ValueError("none is not allowed")
        return _first(value, [argument for argument in arguments if argument is not type(None)])
    if origin is Literal:
        for choice in arguments:
            if value == choice or str(value) == str(choice):
                return choice
        raise ValueError(f"must be one of {', '.join(map(str, arguments))}")
    if origin is tuple:
        parts = value.split(":") if isinstance(value, str) else list(value)
        if arguments[-1] is Ellipsis:
            return tuple(convert(part, arguments[0]) for part in parts)
        if len(parts) != len(arguments):
            raise ValueError(f"must have {len(arguments)} parts, as in {':'.join('0' * len(arguments))}")
        return tuple(convert(part, argument) for part, argument in zip(parts, arguments, strict=True))
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "yes", "on", "1"):
            return True
        if str(value).lower() in ("false", "no", "off", "0"):
            return False
        raise ValueError("must be true or false")
    if kind is int:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError("must be a whole number")
        return int(value)
    if kind is float:
        if isinstance(value, bool):
            raise ValueError("must be a number")
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError("must be finite")
        return number
    if kind is str:
        if not isinstance(value, str):
            raise ValueError("must be text")
        return value
    raise TypeError(f"options of type {kind} are not supported")


def as_text(value: Any) -> str:
    """The text that `convert` reads back as the value."""
    if isinstance(value, tuple):
        return ":".join(as_text(part) for part in value)
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _first(value: Any, kinds: list[Any]) -> Any:
    errors = []
    for kind in kinds:
        try:
            return convert(value, kind)
        except (TypeError, ValueError) as error:
            errors.append(str(error))
    raise ValueError("; ".join(errors))
