"""The parts of the study: what each simulates, as plain values by table, row and column.

Every share is [hits, trials].  `scale` divides the numbers of simulations, for a quick look and for the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from docs.statistics_simulation import candidates, coverage, critical_values, false_decisions, seeds_in_batches
from docs.statistics_simulation.nulls import LUCKS
from docs.statistics_simulation.share import Share
from reports.statistics.headline import ALPHA
from reports.statistics.readings import READINGS

SEEDS = (3, 5, 10)
SPACINGS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
DRAWS = 10_000_000

Table = dict[str, dict[str, Any]]


def run_critical_values(scale: int) -> Table:
    draws = max(DRAWS // scale, 1)
    found = {seeds: critical_values.critical_values(seeds, draws) for seeds in critical_values.SEEDS}
    return {samples: {str(seeds): found[seeds][samples] for seeds in found} for samples in ("one", "two")}


def run_false_decisions(scale: int) -> dict[str, Table]:
    trials = max(20_000 // scale, 10)
    simulated: dict[str, tuple[Callable[[str, str, int, int], Share], Iterable[str]]] = {
        "headline": (false_decisions.headline, false_decisions.STEADY),
        "paper": (false_decisions.paper, false_decisions.SPREADS),
        "orders": (false_decisions.orders, false_decisions.SPREADS),
        "equivalence": (false_decisions.equivalent_at_the_border, false_decisions.SPREADS),
    }
    return {
        name: {
            f"{luck}, {spread}": {str(seeds): pair(simulate(luck, spread, seeds, trials)) for seeds in SEEDS}
            for luck in LUCKS
            for spread in spreads
        }
        for name, (simulate, spreads) in simulated.items()
    }


def run_rare_failures(scale: int) -> Table:
    trials = max(20_000 // scale, 10)
    return {
        f"one seed in {round(1 / share)} fails by {drop:g}": {
            str(seeds): pair(candidates.rare_failures(share, seeds, drop, trials)) for seeds in (*SEEDS, 20)
        }
        for share in (0.2, 0.1, 0.05)
        for drop in (4.0, 20.0)
    }


def run_readings(scale: int) -> Table:
    trials = max(10_000 // scale, 10)
    each, planned = range(3, 11), [reading for reading in READINGS if reading <= 10]
    found: Table = {}
    for luck, spread in (("normal", "equal"), ("normal", "one of six at 0.05"), ("skewed", "three of six at 0.05")):
        found[f"a headline: {luck}, {spread}"] = {
            "once": pair(false_decisions.read_at(luck, spread, [10], trials)),
            "each": pair(false_decisions.read_at(luck, spread, each, trials)),
            "page": pair(false_decisions.headline(luck, spread, 10, trials)),
        }
    for luck, ratio in (("normal", 1.0), ("normal", 0.1), ("skewed", 0.1)):
        found[f"one pair: {luck}, {'equal' if ratio == 1 else f'one side at {ratio}'}"] = {
            "once": pair(false_decisions.pair_read_at(luck, ratio, [10], 1.0, trials)),
            "each": pair(false_decisions.pair_read_at(luck, ratio, each, 1.0, trials)),
            "page": pair(false_decisions.pair_read_at(luck, ratio, planned, 1 / len(READINGS), trials)),
        }
    return found


def run_candidates(scale: int) -> dict[str, Table]:
    # permutations of ten seeds are counted one by one
    trials = {"one test": (20_000, 2_000), "headline": (4_000, 200)}
    return {
        family: {
            f"{setting[0]}, {seeds} seeds": {
                test: pair(candidates.errors(test, setting, seeds, family, max(many[slow(test, seeds)] // scale, 10)))
                for test in candidates.TESTS
            }
            for setting in candidates.SETTINGS
            for seeds in SEEDS
        }
        for family, many in trials.items()
    }


def run_power(scale: int) -> Table:
    levels = {
        "one test": ALPHA,
        "a suite's 15 pairs": ALPHA / 15,
        "a headline's 120 pairs": ALPHA / 120,
        "the same, as the page reads": ALPHA / 120 / len(READINGS),
    }
    tests = [test for test in candidates.TESTS if test != "permutation"]
    return {
        f"{name}, {'equal spread' if spread == 1 else 'other side steady'}": {
            f"{test}, {seeds}": candidates.needed_difference(test, seeds, spread, level, max(20_000 // scale, 50))
            for test in tests
            for seeds in (*SEEDS, 20)
        }
        for name, level in levels.items()
        for spread in (1.0, 0.05)
    }


def run_coverage(scale: int) -> dict[str, Table]:
    few, many = max(600 // scale, 5), max(6_000 // scale, 5)
    found: dict[str, Table] = {
        name: {
            luck: {
                str(seeds): pair(coverage.coverage(name, luck, seeds, few if name == "percentile bootstrap" else many))
                for seeds in (SEEDS if name == "percentile bootstrap" else coverage.SEEDS)
            }
            for luck in LUCKS
        }
        for name in coverage.INTERVALS
    }
    found["difference"] = {
        f"{luck}, {'equal spread' if spread == 1 else 'other side at 0.05'}": {
            str(seeds): pair(coverage.difference_coverage(luck, spread, seeds, many)) for seeds in SEEDS
        }
        for luck in LUCKS
        for spread in (1.0, 0.05)
    }
    return found


def run_aggregates(scale: int) -> dict[str, Table]:
    boards = max(400 // scale, 5)
    across = {
        f"{suites} suites, {luck}": {
            str(seeds): pair(coverage.across_coverage(suites, luck, seeds, boards)) for seeds in SEEDS
        }
        for suites in (2, 8)
        for luck in LUCKS
    }
    improvement: Table = {}
    for luck in LUCKS:
        for distance in coverage.DISTANCES:
            shares = {seeds: coverage.improvement_coverage(luck, distance, seeds, 5 * boards) for seeds in SEEDS}
            truth = shares[SEEDS[0]][0]
            improvement[f"{luck}, true {truth:.2f}"] = {str(seeds): pair(share) for seeds, (_, share) in shares.items()}
    return {"across": across, "improvement": improvement}


def run_sequential(scale: int) -> dict[str, Table]:
    boards = max(1_000 // scale, 5)
    powers = {spacing: seeds_in_batches.power(spacing, max(boards // 5, 5)) for spacing in SPACINGS}
    return {
        "errors": {
            name: {"wrong": pair(seeds_in_batches.false_decisions(name, boards))} for name in seeds_in_batches.BOARDS
        },
        "power": {
            f"{spacing:g}": {"fixed": each.fixed, "sequential": each.sequential, "seeds": each.seeds}
            for spacing, each in powers.items()
        },
    }


PARTS: dict[str, Callable[[int], Any]] = {
    "critical values": run_critical_values,
    "false decisions": run_false_decisions,
    "rare failures": run_rare_failures,
    "readings": run_readings,
    "candidates": run_candidates,
    "power": run_power,
    "coverage": run_coverage,
    "aggregates": run_aggregates,
    "sequential": run_sequential,
}


def pair(share: Share) -> list[int]:
    return [share.hits, share.trials]


def slow(test: str, seeds: int) -> bool:
    return test == "permutation" and seeds == max(SEEDS)
