"""A paper's printed grids of hyperparameters as data, in terms of our options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from results.published_settings import plain


@dataclass(frozen=True)
class Sweep:
    """Every combination of `options`' values is a point of the grid.

    An option with a single value is what the other values presuppose.  suites: those, by id, that it holds for, all if
    empty: what is printed in environment steps is another option's value on each horizon.
    """

    id: str
    place: str
    algorithm: str
    options: Mapping[str, tuple[Any, ...]]
    suites: tuple[str, ...] = ()
    note: str = ""

    @property
    def points(self) -> int:
        count = 1
        for values in self.options.values():
            count *= len(values)
        return count

    def leaves_out(self, option: str, ours: Any) -> bool:
        """Whether this value of ours is none of the option's; of one that we do not know nothing is said."""
        return ours is not None and plain(ours) not in map(plain, self.options[option])


def check_sweep(sweep: Sweep) -> None:
    """Raises ValueError for an option without values or with one of them twice."""
    if not isinstance(sweep.options, Mapping) or not sweep.options:
        raise ValueError(f"{sweep.id}: options must name values, as in {{ tasks = [10, 20] }}, got {sweep.options!r}")
    for option, values in sweep.options.items():
        if not isinstance(values, tuple) or not values:
            raise ValueError(f"{sweep.id}: option {option!r} needs a list of values, got {values!r}")
        texts = [repr(value) for value in values]
        if len(set(texts)) < len(texts):
            raise ValueError(f"{sweep.id}: option {option!r} has a value twice: {', '.join(texts)}")
