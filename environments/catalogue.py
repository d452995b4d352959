"""Suites by name: `half-cheetah-velocity` or, with options, `half-cheetah-velocity[horizon=100,control_cost=0]`."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from environments.discovery import ClassEntry, choose, discover
from environments.suite import Suite
from environments.typed_options import UsageError, earlier_values, former_names, make_options


@cache
def suites() -> dict[str, ClassEntry]:
    """Every suite that is available, by name, nothing imported."""
    return discover("environments", "metarl.suites")


def make_suite(text: str, recorded: bool = False) -> Suite:
    """The suite of that name with its options, each by its name of today or by its first one.

    recorded: the name is that of a record, where an option that is not shown was what it was before there was it.
    Raises UsageError naming what is wrong.
    """
    name, options = parse_suite_name(text)
    cls = choose(suites(), name, "suite").load()
    todays = former_names(cls.Options)
    given: dict[str, Any] = {todays.get(key, key): value for key, value in options.items()}
    if recorded:
        given = {**earlier_values(cls.Options), **given}
    return cls(make_options(cls.Options, given, f"suite {name}"))


def parse_suite_name(text: str) -> tuple[str, dict[str, str]]:
    """Name and options of `name[key=value,...]`."""
    match = re.fullmatch(r"([^\[\]]+)(?:\[([^\[\]]*)\])?", text.strip())
    if match is None:
        raise UsageError(f"suite {text!r} is not of the form name or name[option=value,...]")
    options: dict[str, str] = {}
    for pair in filter(None, (match[2] or "").split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"suite {text!r}: option {pair!r} is not of the form option=value")
        options[key.strip()] = value.strip()
    return match[1].strip(), options


def split_suite_names(text: str) -> list[str]:
    """The names in a comma-separated list; commas inside brackets separate options."""
    return [name.strip() for name in re.split(r",(?![^\[]*\])", text) if name.strip()]
