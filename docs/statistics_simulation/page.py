"""Writes the study's numbers into docs/statistics.md, between the marks `<!-- table: NAME -->` and `<!-- end -->`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from docs.statistics_simulation.parts import SEEDS
from docs.statistics_simulation.share import Share

Results = Mapping[str, Any]
Cells = Mapping[str, Mapping[str, Any]]


def with_tables(page: str, results: Results) -> str:
    """The page with every marked table written anew; raises KeyError for a mark that no table has."""

    def written(mark: re.Match[str]) -> str:
        return f"<!-- table: {mark[1]} -->\n{TABLES[mark[1]](results)}<!-- end -->"

    return re.sub(r"<!-- table: ([^>]+) -->\n.*?<!-- end -->", written, page, flags=re.DOTALL)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def limited(hits_and_trials: Sequence[int]) -> str:
    """A share with the upper end of its exact 95 % interval."""
    share = Share(*hits_and_trials)
    return f"{share.value:.3f} (≤ {share.interval[1]:.3f})"


def plain(hits_and_trials: Sequence[int]) -> str:
    return f"{Share(*hits_and_trials).value:.2f}"


def by_seeds(cells: Cells, show: Callable[[Sequence[int]], str], first: str, seeds: Sequence[int] = SEEDS) -> str:
    rows = [[name, *(show(cells[name][str(count)]) for count in seeds)] for name in cells]
    return markdown([first, *(f"{count} seeds" for count in seeds)], rows)


def _false(name: str) -> Callable[[Results], str]:
    return lambda results: by_seeds(results["false decisions"][name], limited, "seeds, spread")


def _readings(results: Results) -> str:
    cells = results["readings"]
    rows = [[name, *(limited(cells[name][how]) for how in ("once", "each", "page"))] for name in cells]
    return markdown(["", "once, at 10 seeds", "after each seed from 3 to 10", "as the page, at 3, 5 and 10"], rows)


def _candidates(family: str) -> Callable[[Results], str]:
    def table(results: Results) -> str:
        cells = results["candidates"][family]
        tests = list(next(iter(cells.values())))
        return markdown(["", *tests], [[name, *(limited(cells[name][test]) for test in tests)] for name in cells])

    return table


def _power(results: Results) -> str:
    cells = results["power"]
    tests = list(dict.fromkeys(column.rpartition(", ")[0] for column in next(iter(cells.values()))))
    rows = [
        [name, test, *(f"{cells[name][f'{test}, {seeds}']:.3g}" for seeds in (*SEEDS, 20))]
        for name in cells
        for test in tests
    ]
    return markdown(["family, spread", "test", *(f"{seeds} seeds" for seeds in (*SEEDS, 20))], rows)


def _coverage(interval: str) -> Callable[[Results], str]:
    def table(results: Results) -> str:
        cells = results["coverage"][interval]
        return by_seeds(cells, plain, "seeds' luck", [int(seeds) for seeds in next(iter(cells.values()))])

    return table


def _sequential_errors(results: Results) -> str:
    cells = results["sequential"]["errors"]
    return markdown(["leaderboards", "wrong"], [[name, limited(cells[name]["wrong"])] for name in cells])


def _sequential_power(results: Results) -> str:
    cells = results["sequential"]["power"]
    rows = [
        ["pairs decided, once with 10 seeds", *(f"{each['fixed']:.2f}" for each in cells.values())],
        ["pairs decided, sequential", *(f"{each['sequential']:.2f}" for each in cells.values())],
        ["mean seeds of an algorithm", *(f"{each['seeds']:.1f}" for each in cells.values())],
    ]
    return markdown(["step", *cells], rows)


TABLES: dict[str, Callable[[Results], str]] = {
    "headline": _false("headline"),
    "paper": _false("paper"),
    "orders": _false("orders"),
    "equivalence": _false("equivalence"),
    "rare failures": lambda results: by_seeds(results["rare failures"], limited, "", (*SEEDS, 20)),
    "readings": _readings,
    "candidates, one test": _candidates("one test"),
    "candidates, headline": _candidates("headline"),
    "power": _power,
    "seed interval": _coverage("seed interval"),
    "mean interval": _coverage("mean interval"),
    "percentile bootstrap": _coverage("percentile bootstrap"),
    "difference": _coverage("difference"),
    "across": lambda results: by_seeds(results["aggregates"]["across"], plain, ""),
    "improvement": lambda results: by_seeds(results["aggregates"]["improvement"], plain, ""),
    "sequential errors": _sequential_errors,
    "sequential power": _sequential_power,
}
