"""Typed options from text or plain values: suite options and algorithm configurations alike."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class UsageError(ValueError):
    """Bad input: one line saying what was wrong, the offending value and what would be right."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for an error's end: the nearest known name, else all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known) or 'none'}"


def make_options(cls: type[T], values: Mapping[str, Any], owner: str) -> T:
    """An instance of the dataclass `cls` with the given fields set, converted to their annotated types.

    values: text (as on a command line) or plain values.  owner: named in errors.
    Raises UsageError for an unknown field or a value that does not convert.
    """
    if not is_dataclass(cls):
        raise TypeError(f"{cls!r} is not a dataclass")
    hints = get_type_hints(cls)
    known = [field.name for field in fields(cls)]
    converted = {}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"{owner} has no option {name!r}; {nearest(name, known)}")
        try:
            converted[name] = convert(value, hints[name])
        except (TypeError, ValueError) as error:
            raise UsageError(f"{owner}: option {name}={value!r} is not valid: {error}") from None
    try:
        return cls(**converted)
    except ValueError as error:
        raise UsageError(f"{owner}: {error}") from None


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


def _first(value: Any, kinds: list[Any]) -> Any:
    errors = []
    for kind in kinds:
        try:
            return convert(value, kind)
        except (TypeError, ValueError) as error:
            errors.append(str(error))
    raise ValueError("; ".join(errors))
