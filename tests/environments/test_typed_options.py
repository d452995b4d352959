"""Options from text: conversion by type, round trips, and one-line errors that say what would be right."""

from dataclasses import dataclass
from typing import Literal, Optional

import pytest

from environments.catalogue import make_suite, parse_suite_name, split_suite_names
from environments.typed_options import UsageError, as_text, convert, make_options, nearest


@dataclass(frozen=True)
class Example:
    clip: float = 0.3
    steps: int = 5
    learned: bool = True
    kind: Literal["dice", "lvc"] = "lvc"
    target: float | None = None
    interval: tuple[float, float] = (0.0, 2.0)
    layers: tuple[int, ...] = (64, 64)

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("clip", "0.2", 0.2),
        ("clip", "1e-3", 0.001),
        ("clip", 1, 1.0),
        ("steps", "7", 7),
        ("steps", 7.0, 7),
        ("learned", "false", False),
        ("learned", "yes", True),
        ("kind", "dice", "dice"),
        ("target", "none", None),
        ("target", "0.01", 0.01),
        ("interval", "0:3", (0.0, 3.0)),
        ("interval", [0, 3], (0.0, 3.0)),
        ("layers", "32:32:16", (32, 32, 16)),
        ("layers", "100", (100,)),
    ],
)
def test_values_become_their_fields_type(name, text, value):
    converted = getattr(make_options(Example, {name: text}, "example"), name)
    assert converted == value
    assert type(converted) is type(value)


def test_fields_not_given_keep_their_defaults():
    assert make_options(Example, {}, "example") == Example()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"clp": 1}, "algorithm promp has no option 'clp'; did you mean 'clip'?"),
        (
            {"zzz": 1},
            "algorithm promp has no option 'zzz'; known: clip, interval, kind, layers, learned, steps, target",
        ),
        (
            {"clip": "wide"},
            "algorithm promp: option clip='wide' is not valid: could not convert string to float: 'wide'",
        ),
        ({"clip": "nan"}, "algorithm promp: option clip='nan' is not valid: must be finite"),
        ({"clip": True}, "algorithm promp: option clip=True is not valid: must be a number"),
        ({"steps": 1.5}, "algorithm promp: option steps=1.5 is not valid: must be a whole number"),
        (
            {"steps": "none"},
            "algorithm promp: option steps='none' is not valid: invalid literal for int() with base 10: 'none'",
        ),
        ({"learned": "maybe"}, "algorithm promp: option learned='maybe' is not valid: must be true or false"),
        ({"kind": "exact"}, "algorithm promp: option kind='exact' is not valid: must be one of dice, lvc"),
        ({"interval": "1"}, "algorithm promp: option interval='1' is not valid: must have 2 parts, as in 0:0"),
        ({"layers": 64}, "algorithm promp: option layers=64 is not valid: 'int' object is not iterable"),
        ({"steps": 0}, "algorithm promp: steps must be at least 1, got 0"),
    ],
)
def test_errors_name_the_owner_the_option_and_what_would_be_right(values, message):
    with pytest.raises(UsageError) as caught:
        make_options(Example, values, "algorithm promp")
    assert str(caught.value) == message
    assert "\n" not in message


def test_none_is_refused_where_it_is_not_allowed():
    assert convert("none", Optional[int]) is None  # noqa: UP045 - both spellings of an option are in use
    with pytest.raises(ValueError, match="none is not allowed"):
        convert(None, int | str)


def test_a_type_that_options_cannot_have_is_a_programming_error():
    with pytest.raises(TypeError, match="not supported"):
        convert("x", dict)
    with pytest.raises(TypeError, match="is not a dataclass"):
        make_options(int, {}, "example")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0.1, float),
        (1e-7, float),
        (1 / 3, float),
        (100, int),
        (False, bool),
        (None, float | None),
        ((0.0, 2.5), tuple[float, float]),
        ((64, 64), tuple[int, ...]),
        ("uniform", Literal["start", "uniform"]),
    ],
)
def test_text_reads_back_as_the_value(value, kind):
    assert convert(as_text(value), kind) == value


def test_hints_offer_the_nearest_name_or_all():
    assert nearest("corner", ["corners", "walker"]) == "did you mean 'corners'?"
    assert nearest("x", ["corners", "walker"]) == "known: corners, walker"
    assert nearest("x", []) == "known: none"


def test_suite_names_carry_their_changed_options_alone():
    assert make_suite("frozen-lake-high").full_name == "frozen-lake-high"
    assert make_suite("frozen-lake-high[end=absorbing]").full_name == "frozen-lake-high"
    full = "frozen-lake-high[horizon=20,start=uniform]"
    assert make_suite(full).full_name == full
    assert make_suite(full).horizon == 20


def test_suites_with_other_options_have_other_digests():
    names = ["corners", "corners[horizon=50]", "corners[discount=0.9]", "corners[action_scale=10]", "corners-momentum"]
    assert len({make_suite(name).digest for name in names}) == len(names)
    assert make_suite("corners[horizon=100]").digest != make_suite("corners[horizon=50]").digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("corner", "unknown suite 'corner'; did you mean 'corners'?"),
        ("corners[horizon]", "suite 'corners[horizon]': option 'horizon' is not of the form option=value"),
        ("corners[horizon=3", "suite 'corners[horizon=3' is not of the form name or name[option=value,...]"),
        ("corners[horizn=3]", "suite corners has no option 'horizn'; did you mean 'horizon'?"),
        ("corners[horizon=0]", "suite corners: horizon must be at least 1, got 0"),
        ("corners[discount=0]", "suite corners: discount must be in (0, 1], got 0.0"),
    ],
)
def test_bad_suite_names_are_refused_in_one_line(text, message):
    with pytest.raises(UsageError) as caught:
        make_suite(text)
    assert str(caught.value) == message


def test_lists_of_suites_keep_the_commas_inside_brackets():
    text = "corners, frozen-lake-low[end=episode,start=uniform],corners-momentum"
    names = split_suite_names(text)
    assert names == ["corners", "frozen-lake-low[end=episode,start=uniform]", "corners-momentum"]
    assert parse_suite_name(names[1]) == ("frozen-lake-low", {"end": "episode", "start": "uniform"})
