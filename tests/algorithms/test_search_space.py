"""Search spaces: what they hold, how options declare them and inherit them, and what is wrong with a declaration."""

from __future__ import annotations

from dataclasses import Field, asdict, dataclass, field, fields, make_dataclass
from typing import Any, Literal, get_type_hints

import pytest

from algorithms.catalogue import algorithms
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.search_space import (
    Choice,
    Integers,
    LogRange,
    Range,
    declarations,
    faults,
    search_space,
    searched,
    undeclared,
    unsearched,
)
from environments.typed_options import (
    EARLIER,
    FORMERLY,
    UsageError,
    as_recorded,
    earlier_values,
    from_recorded,
    make_options,
)

#: of the project, those whose options tuning may choose
LEARNING = sorted(set(algorithms()) - {"oracle"} - {n for n, a in algorithms().items() if a.literals.get("scripted")})


@dataclass(frozen=True)
class Declared:
    rate: float = searched(0.1, LogRange(0.01, 1.0), tabular=LogRange(1.0, 100.0))
    steps: int = searched(5, Integers(1, 10), tabular="tables are exact")
    share: float | None = searched(None, Range(0.0, 1.0), earlier=0.5)
    size: int = unsearched(8, "the profile's", formerly="width")
    kind: Literal["one", "two"] = searched("one", Choice(("one", "two")))
    whole: bool = True
    label: str = "none"


@dataclass(frozen=True)
class Changed(Declared):
    """Other defaults, of which one is younger than some records."""

    rate: float = 2.0
    steps: int = searched(3, Integers(2, 4))
    size: int = 16


@pytest.mark.parametrize(
    ("space", "points", "values"),
    [
        (LogRange(0.01, 1.0), 3, [0.01, 0.1, 1.0]),
        (LogRange(0.01, 1.0), 1, [0.1]),
        (Range(-1.0, 1.0), 5, [-1.0, -0.5, 0.0, 0.5, 1.0]),
        (Range(0.0, 1.0), 2, [0.0, 1.0]),
        (Integers(1, 10), 4, [1, 4, 7, 10]),
        (Integers(1, 3), 16, [1, 2, 3]),
        (Integers(1, 100, log=True), 3, [1, 10, 100]),
        (Choice((0.9, 0.95, 1.0)), 2, [0.9, 0.95, 1.0]),
        (Choice(((8,), (8, 8))), 1, [(8,), (8, 8)]),
    ],
)
def test_a_grid_is_evenly_spaced_and_lies_in_its_space(space: Any, points: int, values: list[Any]) -> None:
    grid = space.grid(points)
    assert grid == pytest.approx(values) if isinstance(space, LogRange | Range) else grid == values
    assert all(space.contains(value) for value in grid)


def test_a_grid_needs_a_point() -> None:
    with pytest.raises(UsageError, match="at least 1 point for each option, got 0"):
        Range(0.0, 1.0).grid(0)


@pytest.mark.parametrize(
    ("space", "inside", "outside"),
    [
        (LogRange(1e-3, 0.1), [1e-3, 0.1, 0.02], [9e-4, 0.11, None, "0.01", float("nan")]),
        (Range(0.0, 1.0), [0, 0.5, 1], [-1e-9, 2, True, [0.5]]),
        (Integers(1, 10), [1, 10, 3.0], [0, 11, 2.5, True, None]),
        (Choice((0.9, 1.0)), [0.9, 1], [0.95, True, None]),
        (Choice((True, False)), [True, False], [1, 0]),
        (Choice((None, (8, 8))), [None, (8, 8), [8, 8]], [(8,), 8]),
    ],
)
def test_a_space_knows_its_values(space: Any, inside: list[Any], outside: list[Any]) -> None:
    assert [value for value in inside if not space.contains(value)] == []
    assert [value for value in outside if space.contains(value)] == []


def test_a_config_declares_by_observation_space_and_in_the_order_of_its_fields() -> None:
    spaces = search_space(Declared, tabular=False)
    assert list(spaces) == ["rate", "steps", "share", "kind"]
    assert spaces["rate"] == LogRange(0.01, 1.0)
    tables = search_space(Declared, tabular=True)
    assert list(tables) == ["rate", "share", "kind"] and tables["rate"] == LogRange(1.0, 100.0)
    assert declarations(Declared)["steps"].of(tabular=True) == "tables are exact"
    assert declarations(Declared)["size"].of(tabular=False) == "the profile's"
    assert undeclared(Declared) == [] and faults(Declared) == []


def test_a_default_is_changed_and_its_space_inherited() -> None:
    assert Changed() == Changed(rate=2.0, steps=3, size=16)
    assert search_space(Changed, tabular=False) == {**search_space(Declared, tabular=False), "steps": Integers(2, 4)}
    assert search_space(Changed, tabular=True)["rate"] == LogRange(1.0, 100.0)
    assert undeclared(Changed) == []


def test_of_two_parents_the_one_that_gives_the_default_gives_the_space() -> None:
    @dataclass(frozen=True)
    class Narrow(Declared):
        rate: float = searched(0.2, LogRange(0.1, 0.3))

    both = make_dataclass("Both", [], bases=(Changed, Narrow), frozen=True)
    assert both().rate == 2.0 and search_space(both, tabular=False)["rate"] == LogRange(0.1, 0.3)
    other = make_dataclass("Other", [], bases=(Narrow, Changed), frozen=True)
    assert other().rate == 0.2 and search_space(other, tabular=False)["rate"] == LogRange(0.1, 0.3)


def test_a_declaration_stands_beside_what_records_say() -> None:
    made = make_options(Declared, {"size": 9}, "mine")
    assert as_recorded(Declared, asdict(made))["width"] == 9
    assert as_recorded(Declared, {"share": 0.5, "size": 8}) == {"width": 8}
    assert from_recorded(Declared, {"width": 4}, "mine") == {**asdict(Declared()), "share": 0.5, "size": 4}


def test_numeric_options_alone_need_a_declaration() -> None:
    @dataclass(frozen=True)
    class Silent(AdamConfig):
        step_size: float = 3e-3
        rate: float = 0.1
        depth: int | None = None
        layers: tuple[int, ...] = (8,)
        pair: tuple[float, float] | None = None
        flag: bool | None = None
        text: str = ""
        order: Literal[1, 2] = 1

    assert undeclared(Silent) == ["rate", "depth", "layers", "pair"]
    found = faults(Silent)
    assert found[0] == (
        "option rate has neither a search space nor a reason for none; "
        'declare rate = searched(0.1, LogRange(low, high)), or unsearched(0.1, "why")'
    )
    assert "searched(None, Integers(low, high))" in found[1] and "searched((8,), Choice((...)))" in found[2]


@pytest.mark.parametrize(
    ("kind", "declared", "message"),
    [
        ("float", searched(0.1, LogRange(1.0, 0.1)), "it is empty, since it goes from 1.0 to 0.1"),
        ("float", searched(0.1, Range(0.1, 0.1)), "it is empty, since it goes from 0.1 to 0.1"),
        ("float", searched(0.1, LogRange(0.0, 1.0)), "on a logarithmic scale it must begin above 0, got 0.0"),
        ("float", searched(0.1, Range(0.0, float("inf"))), "must be finite numbers"),
        ("float", searched(0.1, Range("0", 1.0)), "must be finite numbers"),  # type: ignore[arg-type]
        ("int", searched(1, Integers(4, 2)), "it is empty, since it goes from 4 to 2"),
        ("int", searched(1, Integers(0, 2, log=True)), "must begin above 0, got 0"),
        ("int", searched(1, Integers(1, 2.5)), "must be whole numbers"),  # type: ignore[arg-type]
        ("int", searched(1, Range(1.0, 4.0)), "numbers that are not whole, which the option does not take"),
        ("tuple[int, ...]", searched((8,), Integers(1, 4)), "the option does not take 1"),
        ("str", searched("one", Choice(("one", 2))), "the option does not take 2: must be text"),
        ("bool", searched(True, Choice((True, "no"))), "the option takes 'no' as False; write it so"),
        ("Literal['a', 'b']", searched("a", Choice(("a", "c"))), "the option does not take 'c': must be one of a, b"),
        ("int", searched(1, Choice((1,))), "a Choice needs a tuple of at least two values, got (1,)"),
        ("int", searched(1, Choice([1, 2])), "a Choice needs a tuple"),  # type: ignore[arg-type]
        ("int", searched(1, Choice((1, 2, 1))), "it has 1 twice"),
        ("float", searched(0.1, (0.1, 1.0)), "is no search space; take LogRange, Range, Integers or Choice"),  # type: ignore[arg-type]
        ("float", searched(0.1, Range(0.0, 1.0), tabular=Range(2.0, 1.0)), "it is empty"),
        ("float", searched(0.1, Range(0.0, 1.0), tabular=""), "the reason why it is not searched is empty"),
        ("float", unsearched(0.1, " "), "the reason why it is not searched is empty"),
    ],
)
def test_a_declaration_that_says_nothing_usable_is_named(kind: str, declared: Any, message: str) -> None:
    cls = make_dataclass("Wrong", [("mine", eval(kind), declared)], frozen=True)
    (found,) = faults(cls)
    assert found.startswith("option mine: ") and message in found
    with pytest.raises(UsageError) as refused:
        for tabular in (False, True):
            search_space(cls, tabular)
    assert message in str(refused.value)


def test_a_space_whose_values_the_config_refuses_is_a_fault() -> None:
    wide = make_dataclass(
        "Wide", [("gae_lambda", float, searched(1.0, Range(0.5, 1.5)))], bases=(AdamConfig,), frozen=True
    )
    (found,) = faults(wide)
    assert "option gae_lambda: its search space Range(low=0.5, high=1.5) holds 1.5, which is refused" in found
    assert "gae_lambda must be in [0, 1], got 1.5" in found


@pytest.mark.parametrize("name", sorted(algorithms()))
def test_every_option_of_ours_is_declared(name: str) -> None:
    cls = algorithms()[name].load().Config
    assert undeclared(cls) == [] and faults(cls) == []
    networks, tables = search_space(cls, tabular=False), search_space(cls, tabular=True)
    assert tables.keys() <= networks.keys()
    if name not in LEARNING:
        assert networks == {}
        return
    # sixteen trials tell no more of them apart
    assert 2 <= len(tables) <= len(networks) <= 5
    # a paper's default may lie outside; of networks none does
    assert [option for option, space in networks.items() if not space.contains(getattr(cls(), option))] == []


def test_a_methods_own_step_is_searched() -> None:
    own = {
        "cavia": "context_step_size",
        **dict.fromkeys(("contextual-ppo", "contextual-sac", "sb3-ppo"), "step_size"),
        "maesn": "latent_step_size",
        **{f"bo-mrl-{i}": "regularisation" for i in (1, 2, 3)},
    }
    for name in LEARNING:
        assert own.get(name, "inner_step_size") in search_space(algorithms()[name].load().Config, tabular=True)


@pytest.mark.parametrize("name", sorted(algorithms()))
def test_a_record_knows_nothing_of_declarations(name: str) -> None:
    cls = algorithms()[name].load().Config
    hints, values = get_type_hints(cls), asdict(cls())
    bare = make_dataclass("Bare", [(entry.name, hints[entry.name], undecorated(entry)) for entry in fields(cls)])
    assert as_recorded(cls, values) == as_recorded(bare, values)
    assert earlier_values(cls) == earlier_values(bare)
    assert from_recorded(cls, as_recorded(cls, values), name) == from_recorded(bare, as_recorded(bare, values), name)


def undecorated(entry: Field[Any]) -> Any:
    kept = {key: value for key, value in entry.metadata.items() if key in (EARLIER, FORMERLY)}
    return field(default=entry.default, metadata=kept)
