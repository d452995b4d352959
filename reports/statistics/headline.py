"""What a page's headline may say: all pairs of algorithms on all its suites are one family, at all readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from reports.statistics.mean_difference import Comparison, compare_means
from reports.statistics.multiplicity import holm
from reports.statistics.rank_sets import rank_sets
from reports.statistics.readings import READINGS, as_read

ALPHA = 0.05
Pair = tuple[str, str]


@dataclass(frozen=True)
class Headline:
    """What the tests decide, by suite.  Pairs are in the order of their suite's names.

    comparisons: with the seeds that were read, fewer than there may be; None before the first reading.
    p_values: corrected for all pairs of all suites and for all readings; a pair is decided where its own is at most
    `ALPHA`.  orders: of decided pairs, 1 where the first is higher, -1 where lower.  ranks: that these leave open.
    tests: in the family, those that read something.
    """

    comparisons: dict[str, dict[Pair, Comparison | None]]
    p_values: dict[str, dict[Pair, float]]
    orders: dict[str, dict[Pair, int]]
    ranks: dict[str, dict[str, tuple[int, int]]]
    tests: int


def decide_headline(
    scores: Mapping[str, Mapping[str, np.ndarray]], pairs: Mapping[str, Sequence[Pair]] | None = None
) -> Headline:
    """Decides the order of each pair, so that any word of it is false with a chance of at most `ALPHA`.

    scores: [seed] or [seed, task] by suite and algorithm, by seed from 0 on without a gap.  What is compared must
    be comparable.  pairs: those that are asked about, by suite; None: all.
    Raises StoreError naming suite, algorithms and seed for scores that are not finite.
    """
    comparisons = {
        suite: {
            (first, second): _compare(own, suite, first, second)
            for first, second in (combinations(own, 2) if pairs is None else pairs[suite])
        }
        for suite, own in scores.items()
    }
    cells = [(suite, pair) for suite, found in comparisons.items() for pair in found]
    adjusted = dict(zip(cells, _adjusted([comparisons[suite][pair] for suite, pair in cells]), strict=True))
    orders = {
        suite: {
            pair: 1 if compared.effect > 0 else -1
            for pair, compared in found.items()
            if compared is not None and adjusted[suite, pair] <= ALPHA
        }
        for suite, found in comparisons.items()
    }
    return Headline(
        comparisons,
        {suite: {pair: adjusted[suite, pair] for pair in found} for suite, found in comparisons.items()},
        orders,
        {suite: rank_sets(tuple(own), orders[suite]) for suite, own in scores.items()},
        sum(comparisons[suite][pair] is not None for suite, pair in cells),
    )


def _compare(scores: Mapping[str, np.ndarray], suite: str, first: str, second: str) -> Comparison | None:
    read = as_read(scores[first], scores[second])
    return None if read is None else compare_means(*read, suite, first, second)


def _adjusted(family: list[Comparison | None]) -> list[float]:
    found = [(1.0, 1.0) if each is None else (each.p_value or 0.0, each.smallest_p or 0.0) for each in family]
    corrected = holm([p_value for p_value, _ in found], [least for _, least in found], ALPHA / len(READINGS))
    return [min(1.0, p_value * len(READINGS)) for p_value in corrected]
