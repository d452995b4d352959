"""Permutation tests of two algorithms on one suite, and Holm's correction for a family of them.

The test shuffles whole seeds between the two algorithms, each with its mean over tasks: under the hypothesis that both
algorithms give the same distribution of scores, every division of the seeds is as likely as the one observed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations
from math import comb

import numpy as np

from reports.statistics.bootstrap import keyed_generator
from reports.statistics.finite import finite_scores

#: so many divisions of the seeds are enumerated (10 seeds against 10: 184,756); of more, a sample is drawn
ENUMERATED = 200_000
DRAWS = 100_000
_CHUNK = 10_000  # draws at a time, which bounds memory
_ROUNDING = 1e-12  # sums that differ by less, relative to the scores, are equal


@dataclass(frozen=True)
class PermutationTest:
    """A two-sided test of equal distributions.  No result of these seeds could give a p-value below `smallest_p`."""

    p_value: float
    smallest_p: float
    effect: float  # mean of the first sample minus mean of the second
    seeds: tuple[int, int]


def permutation_test(first: np.ndarray, second: np.ndarray, *key: str) -> PermutationTest:
    """Compares the difference of means with that of every division of the seeds into groups of these sizes.

    first, second: [seed], each a mean over tasks.  key: names of what is compared; draws depend on it alone.
    Exact up to `ENUMERATED` divisions; beyond, `DRAWS` are drawn and the observed one is counted among them.
    Raises StoreError for an empty sample and for scores that are not finite.
    """
    first, second = finite_scores(first, 1, *key, "first"), finite_scores(second, 1, *key, "second")
    both = np.concatenate([first, second])
    effect = float(first.mean() - second.mean())
    # The groups' sums add up to a constant, so the difference of means is as extreme as the smaller group's sum.
    group = min(first.size, second.size)
    centred = both - both.mean()
    observed = abs(centred[: first.size].sum())
    least = observed - _ROUNDING * np.abs(both).sum()
    if comb(both.size, group) <= ENUMERATED:
        p_value = float((np.abs(centred[_divisions(both.size, group)].sum(axis=0)) >= least).mean())
    else:
        extreme = _extreme_draws(centred, group, least, keyed_generator(*key, "permutation"))
        p_value = (extreme + 1) / (DRAWS + 1)
    return PermutationTest(p_value, smallest_p(first.size, second.size), effect, (first.size, second.size))


def smallest_p(first: int, second: int) -> float:
    """The smallest two-sided p-value that this many seeds against that many can give, whatever their scores."""
    divisions = comb(first + second, first)
    if divisions > ENUMERATED:
        return 1 / (DRAWS + 1)
    # with equal sizes a division and its mirror image are equally extreme
    return (2 if first == second else 1) / divisions


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's (1979) adjusted p-values: rejecting those at most alpha has a family-wise error of at most alpha.

    p_values: one for each hypothesis of the family.  Raises ValueError for what is no probability.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"p-values must lie in [0, 1], got {[float(value) for value in values]}")
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1)), 1.0)
    return tuple(adjusted.tolist())


def seeds_needed(pairs: int, alpha: float = 0.05) -> int:
    """The fewest seeds of each of two algorithms whose smallest p-value passes Holm's first step among `pairs` tests.

    With fewer seeds no pair can be decided unless another is decided first, whatever the scores.  Counts divisions, all
    of them: a family of over 5,000 pairs needs smaller p-values than `DRAWS` of them give.
    """
    if pairs < 1 or not 0 < alpha < 1:
        raise ValueError(f"pairs must be at least 1 and alpha in (0, 1), got {pairs} and {alpha}")
    seeds = 1
    while 2 / comb(2 * seeds, seeds) > alpha / pairs:
        seeds += 1
    return seeds


@cache
def _divisions(size: int, group: int) -> np.ndarray:
    """Every choice of `group` out of `size`, int64 [group, choice]."""
    chosen = chain.from_iterable(combinations(range(size), group))
    choices = np.fromiter(chosen, dtype=np.int64, count=comb(size, group) * group).reshape(-1, group)
    return np.ascontiguousarray(choices.T)


def _extreme_draws(centred: np.ndarray, group: int, least: float, generator: np.random.Generator) -> int:
    """In how many of `DRAWS` random divisions the absolute sum of the smaller group is at least `least`."""
    extreme = 0
    for start in range(0, DRAWS, _CHUNK):
        drawn = generator.permuted(np.broadcast_to(centred, (min(_CHUNK, DRAWS - start), centred.size)), axis=1)
        extreme += int((np.abs(drawn[:, :group].sum(axis=1)) >= least).sum())
    return extreme
