"""A paper's settings as data: what it prints and what that is in our configuration, whence departures are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

#: where a setting is read: an option of the configuration, `protocol.<name>`, or one of these facts of a run
FACTS = ("horizon", "discount", "iterations", "seeds")


@dataclass(frozen=True)
class Setting:
    """One printed value.  `option`: where ours stands, "" if we have no such option.

    value: the printed one in our terms, from which a run departs if it has another; None where none can be compared.
    algorithms, suites: ids in the paper's file that it holds for, all if empty.
    """

    name: str
    printed: str
    option: str = ""
    value: Any = None
    algorithms: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()

    def departs(self, ours: Any) -> bool:
        """Whether this value of ours is another than the printed one; one that we do not know departs from nothing."""
        if self.value is None or ours is None:
            return False
        return plain(ours) != plain(self.value)


@dataclass(frozen=True)
class SettingsTable:
    """Hyperparameters as one of the paper's tables or appendices prints them."""

    id: str
    place: str
    title: str
    rows: tuple[Setting, ...]
    suites: tuple[str, ...] = ()  # those that it is about, all if empty
    algorithms: tuple[str, ...] = ()  # likewise
    studies: tuple[str, ...] = ()  # of ours, whose configuration it holds for too
    note: str = ""

    def holding(self, suite: str, algorithm: str) -> tuple[Setting, ...]:
        """The settings of this suite (any if "") and algorithm, by the paper's ids, with a value to compare."""
        if (suite and self.suites and suite not in self.suites) or (
            self.algorithms and algorithm not in self.algorithms
        ):
            return ()
        return tuple(
            row
            for row in self.rows
            if row.value is not None
            and (not row.suites or suite in row.suites)
            and (not row.algorithms or algorithm in row.algorithms)
        )


@dataclass(frozen=True)
class Departure:
    """A setting in which runs of ours differ from the paper's."""

    setting: Setting
    place: str  # where the paper prints it
    ours: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))  # algorithms by value

    def __str__(self) -> str:
        values = ", ".join(f"{value} ({', '.join(names)})" for value, names in self.ours.items())
        return f"{self.setting.name}: ours {values}; the paper's {self.setting.printed} ({self.place})"

    @property
    def short(self) -> str:
        """Without the methods."""
        return f"{self.setting.name}: ours {', '.join(self.ours)}; the paper's {self.setting.printed}"


def setting_of(row: Any) -> Setting:
    """Of [name, printed, option, value, {algorithms, suites}], of which the last three may be left out.

    Raises ValueError for a row of another form.
    """
    chosen: dict[str, Any] = row[-1] if isinstance(row, list) and row and isinstance(row[-1], dict) else {}
    values: list[Any] = [tuple(each) if isinstance(each, list) else each for each in row if each is not chosen]
    if not 2 <= len(values) <= 4 or not all(isinstance(text, str) for text in values[:3]):
        raise ValueError(f"a setting is [name, printed, option, value, {{algorithms, suites}}], got {row!r}")
    for key in chosen:
        if key not in ("algorithms", "suites"):
            raise ValueError(f"setting {values[0]!r} has no key {key!r}; known: algorithms, suites")
    name, printed, option, value = [*values, "", None][:4] if len(values) == 2 else [*values, None][:4]
    algorithms, suites = (tuple(chosen.get(key, ())) for key in ("algorithms", "suites"))
    return Setting(name, printed, option, value, algorithms, suites)


def shown(value: Any) -> str:
    """A value of ours as tables show it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " × ".join(map(str, value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def plain(value: Any) -> Any:
    """In a form in which equal values are equal, however a file wrote them."""
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
