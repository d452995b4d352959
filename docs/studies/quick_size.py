"""How many seeds and how small a budget decide most: `python -m docs.studies.quick_size [RESULTS] [--page]`.

Reads the validation curves of stored quick runs (default: the shipped ones), never a test score.  At each point of the
curve a cell's seeds give a mean and a standard deviation; boards of more seeds are drawn from these as normal numbers,
and the page's own tests decide all pairs of all suites as one family.  Prints how many pairs that decides on average,
by seeds and by the share of the budget, and the processor time that the training takes, evaluation left out.  Pairs
are those of the page: of what is ranked and of the floor, not of the oracle.

With `--page` it draws nothing: it prints how many of all pairs the page decides on test scores, with the first 3, 5 and
10 seeds of the runs that there are; `--without A,B` leaves suites out.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from benchmarks.commands.text_table import text_table
from benchmarks.planning.definition import find_definition
from benchmarks.specs.run_spec import known_suite
from reports.scores.boards import make_boards
from reports.scores.entries import collect_entries
from reports.scores.pairwise import scores_of
from reports.statistics.headline import decide_headline
from results.reference_scores import REFERENCE_ACCESS
from results.store import Store, StoredRun

SHIPPED = Path(__file__).parents[2] / "results" / "reference"
SEEDS = (3, 5, 10)
DRAWS = 40

#: by suite and algorithm, [seed, point of the curve]
Curves = dict[str, dict[str, np.ndarray]]


def curves_of(runs: Sequence[StoredRun]) -> Curves:
    """Means over validation tasks after the last adaptation step; of what learns nothing its one point again."""
    found: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        curve = run.learning[run.learning["step"] == run.learning["step"].max()]
        found[run.suite][run.algorithm].append(curve.groupby("point")[run.metric].mean().to_numpy())
    points = max(len(curve) for own in found.values() for curves in own.values() for curve in curves)
    return {
        suite: {name: np.array([np.resize(curve, points) if len(curve) == 1 else curve for curve in curves])
                for name, curves in own.items()}
        for suite, own in found.items()
    }  # fmt: skip


def decided(curves: Curves, seeds: int, point: int, generator: np.random.Generator) -> int:
    """Pairs that one drawn board decides."""
    boards = {
        suite: {
            name: generator.normal(values[:, point].mean(), values[:, point].std(ddof=1), size=seeds)
            for name, values in own.items()
        }
        for suite, own in curves.items()
    }
    return sum(map(len, decide_headline(boards).orders.values()))


def decided_on_page(runs: Sequence[StoredRun], seeds: int) -> tuple[int, int]:
    """Pairs that the page of the runs' first seeds decides, and all of its pairs."""
    entries, _ = collect_entries(run for run in runs if run.seed < seeds)
    found = decide_headline({board.name: scores_of(board) for board in make_boards(entries)})
    return sum(map(len, found.orders.values())), sum(map(len, found.comparisons.values()))


def quick_runs(root: Path, without: Collection[str] = ()) -> list[StoredRun]:
    """Of the quick leaderboard, those that its page tests.  without: suites, by their names without options."""
    quick = find_definition("quick")
    suites = {known_suite(name).full_name for name in quick.suites if known_suite(name).name not in without}
    return [
        run
        for run in Store(root, read_only=True).finished()
        if run.profile == "quick" and run.run["description"]["benchmark"] == "quick" and not run.scripted
        and run.suite in suites and run.algorithm in quick.algorithms
        and not REFERENCE_ACCESS & set(run.run["description"]["access"])
    ]  # fmt: skip


def page_table(runs: Sequence[StoredRun]) -> list[list[str]]:
    rows = [["seeds", "decided", "of pairs"]]
    return [*rows, *([str(seeds), *map(str, decided_on_page(runs, seeds))] for seeds in SEEDS)]


def curves_table(runs: Sequence[StoredRun]) -> list[list[str]]:
    curves = curves_of(runs)
    points = len(next(iter(next(iter(curves.values())).values()))[0]) - 1
    seconds = sum(float(run.times["process_seconds"].sum()) for run in runs)
    each = seconds / max(len({run.seed for run in runs}), 1) / 60
    pairs = sum(len(own) * (len(own) - 1) // 2 for own in curves.values())
    generator = np.random.default_rng(0)
    rows = [["seeds", "share of the budget", f"decided of {pairs}", "training, minutes of one core"]]
    for seeds in SEEDS:
        for point in range(1, points + 1):
            mean = np.mean([decided(curves, seeds, point, generator) for _ in range(DRAWS)])
            rows.append([str(seeds), f"{point / points:.0%}", f"{mean:.1f}", f"{seeds * each * point / points:.0f}"])
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="?", type=Path, default=SHIPPED)
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--without", default="", metavar="A,B")
    parsed = parser.parse_args()
    chosen = quick_runs(parsed.results, parsed.without.split(","))
    print("\n".join(text_table((page_table if parsed.page else curves_table)(chosen))))
