"""Permutation tests of every pair of a suite's comparable entries, with Holm's correction over those pairs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.statistics.difference import difference_interval
from reports.statistics.permutation import PermutationTest, holm, permutation_test, seeds_needed

ALPHA = 0.05


@dataclass(frozen=True)
class Pair:
    """`first` stands higher on the board than `second`."""

    first: AlgorithmScores
    second: AlgorithmScores
    test: PermutationTest
    adjusted: float  # Holm's
    #: adjusted p-value if every pair of the suite came out as extreme as its seeds allow
    smallest_adjusted: float
    interval: tuple[float, float] | None  # of the difference of interquartile means; None with one seed

    @property
    def attainable(self) -> bool:
        """Whether any scores of so many seeds could have decided this pair."""
        return self.smallest_adjusted <= ALPHA

    @property
    def winner(self) -> AlgorithmScores | None:
        """The entry with the higher mean where the test decides; None otherwise."""
        if self.adjusted > ALPHA:
            return None
        return self.first if self.test.effect > 0 else self.second


@dataclass(frozen=True)
class PairTests:
    """The family of tests of one suite."""

    suite: str
    pairs: tuple[Pair, ...]
    seeds_needed: int  # of each entry, with which Holm's first step can be passed

    @property
    def decided(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.winner is not None)

    @property
    def unattainable(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if not pair.attainable)


def compare_pairs(board: SuiteScores) -> PairTests | None:
    """None where fewer than two entries may be compared; references that train on test tasks are none of them."""
    pairs = list(combinations(board.competing, 2))
    if not pairs:
        return None
    tests = [_test(first, second) for first, second in pairs]
    adjusted = holm([test.p_value for test in tests])
    smallest = holm([test.smallest_p for test in tests])
    intervals = [_interval(first, second) for first, second in pairs]
    family = tuple(
        Pair(first, second, test, after_holm, least, interval)
        for (first, second), test, after_holm, least, interval in zip(
            pairs, tests, adjusted, smallest, intervals, strict=True
        )
    )
    return PairTests(board.suite, family, seeds_needed(len(family), ALPHA))


def _test(first: AlgorithmScores, second: AlgorithmScores) -> PermutationTest:
    """Of the seeds' means over tasks after the last adaptation step."""
    means = (entry.scores[-1].mean(axis=1) for entry in (first, second))
    return permutation_test(*means, *_key(first, second))


def _interval(first: AlgorithmScores, second: AlgorithmScores) -> tuple[float, float] | None:
    if min(len(first.seeds), len(second.seeds)) < 2:
        return None
    return difference_interval(first.scores[-1], second.scores[-1], *_key(first, second))


def _key(first: AlgorithmScores, second: AlgorithmScores) -> tuple[str, ...]:
    # by digest, since a label changes when another configuration comes
    return first.suite, first.algorithm, first.digest, second.algorithm, second.digest
