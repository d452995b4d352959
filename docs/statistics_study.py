"""How honest the statistics of a report are, by simulation: `python -m docs.statistics_study [PART ...]`.

Simulates the critical values that comparisons use (`reports/statistics/critical_values.json`), the coverage that pages
print (`coverage.json` beside it) and every number of docs/statistics.md, which it writes into that page's tables.  All
of it takes about a quarter of an hour on one core; parts that are left out keep their numbers in
docs/statistics-study.json.  The same arguments give the same numbers.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from docs.statistics_simulation.critical_values import LEVELS
from docs.statistics_simulation.page import with_tables
from docs.statistics_simulation.parts import DRAWS, PARTS
from docs.statistics_simulation.share import Share
from reports.statistics.seed_interval import COVERAGE
from reports.statistics.worst_case import TABLE

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "statistics-study.json", HERE / "statistics.md"


def run(parts: list[str], scale: int, results: Path, page: Path, table: Path, coverage: Path) -> None:
    """Simulates the parts, the critical values first, and writes what they give to these files.

    The page is written once all parts are there.
    """
    for part in parts:
        print(f"{part} …", flush=True)
        found = PARTS[part](scale)
        if part == "critical values":
            write(table, {"levels": list(LEVELS), "draws": max(DRAWS // scale, 1), **found})
            continue
        if part == "coverage":
            write(coverage, {"seed interval": by_seeds(found["seed interval"])})
        known = json.loads(results.read_text()) if results.exists() else {}
        write(results, {**known, part: found})
    if results.exists() and PARTS.keys() - {"critical values"} <= json.loads(results.read_text()).keys():
        page.write_text(with_tables(page.read_text(), json.loads(results.read_text())))


def by_seeds(coverage: dict[str, dict[str, list[int]]]) -> dict[str, dict[str, float]]:
    """Shares [hits, trials] by luck and seeds as numbers by seeds and luck."""
    counts = next(iter(coverage.values()))
    return {
        seeds: {luck: round(Share(*shares[seeds]).value, 4) for luck, shares in coverage.items()} for seeds in counts
    }


def write(path: Path, values: Any) -> None:
    """As JSON with lists on one line."""
    text = json.dumps(values, indent=1, ensure_ascii=False)
    path.write_text(re.sub(r"\[[^][{}]*\]", lambda found: " ".join(found[0].split()), text) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m docs.statistics_study", description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    run(given.parts, 1, RESULTS, PAGE, TABLE, COVERAGE)


if __name__ == "__main__":
    main()
