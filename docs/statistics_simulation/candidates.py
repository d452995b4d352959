"""Tests of two means that might have been used: how often each errs, and what it needs to decide."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
from scipy import stats

from docs.statistics_simulation.false_decisions import PAIRS, SUITES, boards_of
from docs.statistics_simulation.nulls import LUCKS
from docs.statistics_simulation.share import Share
from reports.statistics.bootstrap import keyed_generator
from reports.statistics.worst_case import critical_value

LEVEL = 0.05
#: of this file's settings: name, luck, standard deviation of the steadier side
SETTINGS = (
    ("normal, equal spread", "normal", 1.0),
    ("normal, spread 0.05", "normal", 0.05),
    ("heavy-tailed, spread 0.05", "heavy-tailed", 0.05),
    ("skewed, spread 0.05", "skewed", 0.05),
    ("one in five fails, spread 0.05", "one seed in five fails", 0.05),
)
FAMILIES = {"one test": 1, "headline": len(PAIRS) * SUITES}
_CHUNK = 100  # pairs at a time, times some 100,000 divisions

#: whether each pair is decided at a level, of scores [pair, seed] twice
Test = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def worst_case(first: np.ndarray, second: np.ndarray, level: float) -> np.ndarray:
    seeds = first.shape[1]
    larger = np.maximum(first.std(axis=1, ddof=1), second.std(axis=1, ddof=1))
    return _distance(first, second) >= critical_value(level, seeds, "two") * larger * np.sqrt(2 / seeds)


def welch(first: np.ndarray, second: np.ndarray, level: float) -> np.ndarray:
    """Welch's t with Satterthwaite's degrees of freedom."""
    seeds, left, right = first.shape[1], first.var(axis=1, ddof=1), second.var(axis=1, ddof=1)
    freedom = (seeds - 1) * (left + right) ** 2 / (left**2 + right**2)
    return _distance(first, second) >= stats.t.isf(level / 2, freedom) * np.sqrt((left + right) / seeds)


def fewest_freedom(first: np.ndarray, second: np.ndarray, level: float) -> np.ndarray:
    """Welch's statistic with the fewest degrees of freedom, n - 1: it holds for all normal seeds."""
    seeds = first.shape[1]
    error = np.sqrt((first.var(axis=1, ddof=1) + second.var(axis=1, ddof=1)) / seeds)
    return _distance(first, second) >= stats.t.isf(level / 2, seeds - 1) * error


def permutation(first: np.ndarray, second: np.ndarray, level: float) -> np.ndarray:
    """Of the difference of means, and of Welch's statistic too: with equal numbers of seeds they order divisions alike.

    All divisions of both sides' seeds are counted, half of them, since a division and its mirror are alike.
    """
    seeds = first.shape[1]
    chosen = np.array([each for each in combinations(range(2 * seeds), seeds) if each[0] == 0])
    member = np.zeros((len(chosen), 2 * seeds), dtype=np.float32)
    np.put_along_axis(member, chosen, 1, axis=1)
    decided = np.zeros(len(first), dtype=bool)
    if 1 / len(chosen) > level:
        return decided
    both = np.concatenate([first, second], axis=1).astype(np.float32)
    both -= both.mean(axis=1, keepdims=True)
    for start in range(0, len(both), _CHUNK):
        sums = np.abs(member @ both[start : start + _CHUNK].T)
        decided[start : start + _CHUNK] = (sums >= sums[0] * (1 - 1e-5)).mean(axis=0) <= level
    return decided


TESTS: dict[str, Test] = {
    "Welch's t": welch,
    "Welch's t, n - 1 degrees of freedom": fewest_freedom,
    "permutation": permutation,
    "least favourable null": worst_case,
}


def errors(test: str, setting: tuple[str, str, float], seeds: int, family: str, trials: int) -> Share:
    """How often anything is decided in a family whose means are equal: a pair, or a headline's 120 pairs."""
    _, luck, spread = setting
    if family == "one test":
        generator = keyed_generator("study", "candidates", luck, str(spread), str(seeds))
        first, second = LUCKS[luck](generator, (2, trials, seeds))
        return Share(int(TESTS[test](first * np.float32(spread), second, LEVEL).sum()), trials)
    scores = boards_of(luck, (1, spread), seeds, trials)
    first, second = (scores[:, :, places].reshape(-1, seeds) for places in PAIRS.T)
    decided = TESTS[test](first, second, LEVEL / FAMILIES[family])
    return Share(int(decided.reshape(trials, -1).any(axis=1).sum()), trials)


def needed_difference(test: str, seeds: int, spread: float, level: float, draws: int, chance: float = 0.8) -> float:
    """The true difference that is decided with this chance, in standard deviations of the less steady side; normal."""
    generator = keyed_generator("study", "power", str(spread), str(seeds))
    first, second = generator.standard_normal((2, draws, seeds))
    first = first * spread
    low, high = 0.0, 1e4
    while high - low > 0.005 * high:
        middle = (low + high) / 2 if low else high / 4
        share = float(TESTS[test](first + middle, second, level).mean())
        low, high = (middle, high) if share < chance else (low, middle)
    return high


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(first.mean(axis=1) - second.mean(axis=1)))


def rare_failures(share: float, seeds: int, drop: float, pairs: int) -> Share:
    """How often the test in use decides at 5 % where this share of seeds fails by far; the other side is steady."""
    generator = keyed_generator("study", "rare failures", str(share), str(seeds))
    first, second = generator.standard_normal((2, pairs, seeds))
    first = first - drop * ((generator.random((pairs, seeds)) < share) - share)
    return Share(int(worst_case(first, 0.05 * second, LEVEL).sum()), pairs)
