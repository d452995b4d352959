"""Nonsense in a configuration is refused when it is made, with the offending value and what would be right."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

import pytest

from algorithms.algorithm import Config
from algorithms.catalogue import algorithms
from algorithms.promp import PrompConfig
from algorithms.search_space import POSITIVE, LogRange, _numeric, searched
from benchmarks.planning.plan import make_plan
from benchmarks.specs.undecided_parts import strip_undecided
from environments.typed_options import UsageError

#: of which every option that is a number has a domain
METHODS = (
    *("random-init", "multi-task", "maml-vpg", "maml-trpo", "promp", "oracle", "best-constant", "cavia", "imaml"),
    *("dice-vpg", "tmaml", "lvc-vpg", "lvc-trpo", "e-maml-vpg", "e-maml-trpo", "bo-mrl-1"),
)


def numeric_options() -> list[tuple[str, str]]:
    found = []
    for method in METHODS:
        cls = algorithms()[method].load().Config
        hints = get_type_hints(cls)
        found += [(method, field.name) for field in fields(cls) if _numeric(hints[field.name])]
    return found


@pytest.mark.parametrize(("method", "name"), numeric_options())
@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_every_number_of_every_method_has_a_domain(method: str, name: str, value: float) -> None:
    cls = algorithms()[method].load().Config
    layers = isinstance(getattr(cls(), name), tuple)
    with pytest.raises(ValueError, match=rf"{name} .*must be .*, got .*{value:g}"):
        cls(**{name: (64, value) if layers else value})


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("maml-trpo.delta=-1", "algorithm maml-trpo: delta must be above 0, got -1.0"),
        ("maml-trpo.delta=0", "delta must be above 0, got 0.0"),
        ("maml-trpo.hidden=-1", "hidden must be sizes of at least 1, got (-1,)"),
        ("maml-trpo.hidden=64:0", "hidden must be sizes of at least 1, got (64, 0)"),
        ("maml-trpo.cg_iterations=0", "cg_iterations must be at least 1, got 0"),
        ("maml-trpo.backtrack_ratio=1", "backtrack_ratio must be in (0, 1), got 1.0"),
        ("maml-trpo.inner_step_size=-0.1", "inner_step_size must be at least 0, got -0.1"),
        ("maml-trpo.tasks=0", "tasks must be at least 1, got 0"),
    ],
)
def test_no_runs_are_planned_with_nonsense(setting: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        make_plan(suites=["corners"], algorithms=["maml-trpo"], seeds=1, profile="smoke", settings=[setting])
    assert message in str(raised.value)


def test_a_penalty_a_clip_and_no_layer_at_all() -> None:
    for values, message in (
        ({"kl_penalty": -1.0}, "kl_penalty must be at least 0, got -1.0"),
        ({"clip": 0.0}, "clip must be above 0, got 0.0"),
        ({"hidden": (0,)}, "hidden must be sizes of at least 1, got (0,)"),
        ({"hidden": 64}, "hidden must be sizes of at least 1, got 64"),
        ({"gradient_steps": 0}, "gradient_steps must be at least 1, got 0"),
    ):
        with pytest.raises(ValueError) as raised:
            PrompConfig(**values)
        assert str(raised.value) == message
    assert PrompConfig(kl_penalty=0.0, step_size=0.0).clip == 0.3


@dataclass(frozen=True)
class Mine(Config):
    bound: float = searched(0.1, LogRange(0.01, 1.0), domain=POSITIVE)
    own_step_size: float = 0.1


@dataclass(frozen=True)
class Yours(Mine):
    bound: float = 0.2


@pytest.mark.parametrize(
    "values", [{"bound": -1.0}, {"own_step_size": -0.5}, {"own_step_size": math.nan}, {"tasks": 0}]
)
def test_a_method_of_ones_own_inherits_and_declares_domains(values: dict[str, Any]) -> None:
    ((name, value),) = values.items()
    with pytest.raises(ValueError, match=rf"{name} must be .*, got {value}"):
        Yours(**values)


def test_a_domain_is_no_part_of_the_code_that_decides_a_run() -> None:
    text = "from algorithms.search_space import {}searched\nclass A:\n    a: float = searched(1.0, LogRange(1, 2){})\n"
    trees = [ast.parse(text.format("LogRange, " + name, rest)) for name, rest in (("", ""), ("P, ", ", domain=P"))]
    for tree in trees:
        strip_undecided(tree)
    assert ast.dump(trees[0]) == ast.dump(trees[1])
    assert "searched" not in ast.dump(trees[0])
