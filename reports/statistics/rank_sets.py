"""The ranks that decided orders leave open to each algorithm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def rank_sets(names: Sequence[str], decided: Mapping[tuple[str, str], int]) -> dict[str, tuple[int, int]]:
    """The best and the worst rank, from 1, that each name may have.

    Its best rank counts the names decided to stand above it, its worst those below.  Means that lie in decided orders
    a > b and b > c lie in the order a > c too, so decided orders are chained; what is undecided says nothing.

    decided: 1 where the first of the pair stands above the second, -1 where below, 0 or absent where undecided.
    Raises ValueError for names that are not in `names`, repeated ones, and orders that contradict one another.
    """
    if len(set(names)) != len(names):
        raise ValueError(f"names must differ, got {', '.join(names)}")
    below: dict[str, set[str]] = {name: set() for name in names}
    for (first, second), sign in decided.items():
        if unknown := {first, second} - below.keys():
            raise ValueError(f"no such name: {', '.join(sorted(unknown))}")
        if sign:
            above, under = (first, second) if sign > 0 else (second, first)
            below[above].add(under)
    # every name in turn hands on what lies below it (Warshall 1962), after which chains are closed
    for middle in names:
        for name in names:
            if middle in below[name]:
                below[name] |= below[middle]
    if circular := sorted(name for name in names if name in below[name]):
        raise ValueError(f"decided orders contradict one another: {', '.join(circular)} stand above themselves")
    above_it = {name: sum(name in under for under in below.values()) for name in names}
    return {name: (1 + above_it[name], len(names) - len(below[name])) for name in names}
