"""Writes two tables into docs/tuning.md: what is tuned, and which chosen values lie at an end of their space.

    python docs/tuned_table.py [--check]

Both are made from the shipped files in benchmarks/tuned.  With --check nothing is written, and the exit code is 1 if
the page is not what would be.
"""

from __future__ import annotations

import argparse
import math
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from algorithms.catalogue import algorithms, find_algorithm
from algorithms.search_space import Choice, LogRange, Space
from benchmarks.planning.definition import find_definition
from benchmarks.planning.fitting import misfit
from benchmarks.planning.tunable import searched_options, untunable_algorithm, untunable_suite
from benchmarks.planning.tuned_file import TunedAlgorithm, TunedSuite, read_tuned
from benchmarks.planning.tuned_values import SHIPPED, sibling_of
from benchmarks.specs.run_spec import known_suite

PAGE = Path(__file__).with_name("tuning.md")
#: by what is written there, what stands before and behind it
PLACES = {
    name: (f"<!-- {name}: written by docs/tuned_table.py -->\n", f"\n<!-- end of {name} -->")
    for name in ("tuned", "ends")
}
BOARD = "quick"
#: of a space's length, on its own scale, what counts as its end
END = 0.05


def shipped() -> dict[str, list[TunedSuite]]:
    """The files by their folder below benchmarks/tuned, those of papers last."""
    found: dict[str, list[TunedSuite]] = {}
    for path in [*sorted(SHIPPED.glob("*/*.toml")), *sorted(SHIPPED.glob("papers/*/*/*.toml"))]:
        found.setdefault(path.parent.relative_to(SHIPPED).as_posix(), []).append(read_tuned(path))
    return found


def effort_of(entry: TunedAlgorithm) -> str:
    origin = f", the best of {entry.origin}" if entry.origin else ""
    fresh = f", on {entry.fresh_tasks} fresh tasks" if entry.fresh_tasks else ""
    others = f", {entry.others} others before" if entry.others else ""
    return f"{len(entry.trials)} × {len(entry.seeds)}{origin}{fresh}{others}"


def tuned_rows(files: dict[str, list[TunedSuite]]) -> Iterator[str]:
    """One for each suite and effort.  A control without trials of its own stands beside the method whose it takes."""
    for folder, contents in files.items():
        for content in contents:
            by_effort: dict[str, list[str]] = {}
            for name, entry in content.algorithms.items():
                of = content.controls.get(name)
                by_effort.setdefault(effort_of(entry), []).append(f"{name} (as {of})" if of else name)
            for effort, names in by_effort.items():
                yield f"| {folder} | {content.suite} | {', '.join(sorted(names))} | {effort} |"


def untuned_suites(files: dict[str, list[TunedSuite]]) -> Iterator[str]:
    """A line for each suite of the board on which nothing was tried, and why."""
    tuned = {content.suite for content in files[BOARD] if content.algorithms}
    for suite in map(known_suite, find_definition(BOARD).suites):
        if suite.full_name in tuned:
            continue
        reason, sibling = untunable_suite(suite), sibling_of(BOARD, suite.full_name)
        values = f"It takes the values of its sibling `{sibling}`." if sibling else "It takes the profile's values."
        why = f"cannot be tuned: {reason}" if reason else "could be tuned, and was not"
        yield filled(f"- `{suite.full_name}` {why}. {values}", indent="  ")


def untuned_methods(files: dict[str, list[TunedSuite]]) -> str:
    """Those that could be tuned on a suite of the board that is, and have no trials there under the board's terms."""
    known = [content for content in files[BOARD] if content.algorithms]
    board = {name for content in known for name in content.algorithms}
    suites = [known_suite(content.suite) for content in known]
    missing = [
        name
        for name, entry in sorted(algorithms().items())
        if name not in board and not all(misfit(entry, suite) or untunable_algorithm(entry, suite) for suite in suites)
    ]
    if not missing:
        return "Every method that could be tuned has trials under the quick leaderboard's terms."
    lines = [f"Under the quick leaderboard's terms there are no trials of {', '.join(missing)}."]
    for folder, contents in files.items():
        own = {name for content in contents for name in content.algorithms} & set(missing)
        if folder != BOARD and own:
            lines.append(f"Those of {', '.join(sorted(own))} lie in `benchmarks/tuned/{folder}`.")
    return filled(" ".join(lines))


def filled(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def end_of(space: Space, value: object) -> str | None:
    """At which end of its space a value lies; None within, and for what has no ends."""
    if isinstance(space, Choice) or not isinstance(value, int | float):
        return None
    low, high = float(space.low), float(space.high)
    if not low <= value <= high:
        return "outside"
    logarithmic = isinstance(space, LogRange) or getattr(space, "log", False)
    scale = math.log if logarithmic else float
    share = (scale(value) - scale(low)) / (scale(high) - scale(low))
    return "lower" if share <= END else "upper" if share >= 1 - END else None


def end_rows(files: dict[str, list[TunedSuite]]) -> Iterator[str]:
    """One for each suite, option and end; controls take other methods' values, and are not told again."""
    for folder, contents in files.items():
        for content in contents:
            found: dict[tuple[str, str, str], list[str]] = {}
            for name, entry in content.algorithms.items():
                spaces = searched_options(find_algorithm(name), known_suite(content.suite))
                for option, value in entry.values.items():
                    space = spaces.get(option)
                    end = None if space is None or name in content.controls else end_of(space, value)
                    if end is not None and not isinstance(space, Choice | None):
                        key = (option, f"{space.low:g} to {space.high:g}", end)
                        found.setdefault(key, []).append(f"{name} {value:g}")
            for (option, span, end), winners in sorted(found.items()):
                cells = folder, content.suite, f"`{option}`", span, end, ", ".join(sorted(winners))
                yield f"| {' | '.join(cells)} |"


def table(head: Sequence[str], rows: Iterator[str]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows])


def parts() -> dict[str, str]:
    files = shipped()
    tuned = table(("folder", "suite", "methods", "trials × seeds"), tuned_rows(files))
    ends = table(("folder", "suite", "option", "its space", "end", "chosen"), end_rows(files))
    lines = "\n".join(untuned_suites(files))
    return {"tuned": f"{tuned}\n\n{lines}\n\n{untuned_methods(files)}", "ends": ends}


def page() -> str:
    """The whole page.  Raises ValueError for one without the places of its tables."""
    text = PAGE.read_text(encoding="utf-8")
    for name, part in parts().items():
        begin, end = PLACES[name]
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise ValueError(f"{PAGE.name} has no place between {begin.strip()} and {end.strip()}")
        text = f"{before}{begin}{part}{end}{after}"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = page()
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE.name}: not what the shipped files say; run python docs/{Path(__file__).name}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
