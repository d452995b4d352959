"""Which pairs of algorithms are decided after each batch of seeds, at a family-wise error over all pairs and looks.

The method of AdaStop (Mathieu et al. 2023): at each look every pair's seeds are shuffled between its two algorithms,
batch by batch, and a pair is decided if its statistic is beyond what the largest statistic of the whole family reaches
by shuffling, in absolute value on both sides.  Decided pairs leave the family, and the rest is tested again (stepwise).

Three choices are ours.  A pair's statistic is its difference of sums divided by the standard deviation of that
difference under shuffling, so that a pair of noisy algorithms does not hide the others.  The error spent by a look is
proportional to the seeds seen: alpha times their share of the last look's, and what an earlier look could not spend is
left to the later ones.  A family that became smaller is tested again at the earlier looks too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import numpy as np

from reports.statistics.bootstrap import keyed_generator
from reports.statistics.finite import finite_scores

#: five seeds against five can have a p-value of 0.0079, and 0.025 is spent at that look
LOOKS = (5, 7, 10)
ALPHA = 0.05
#: shuffles drawn, the observed order among them, which makes one pair's test exact for any number of them
SHUFFLES = 10_000
_ROUNDING = 1e-9  # statistics, of order 1, that differ by less are equal

Pair = tuple[str, str]
Outcome = Literal["first higher", "second higher", "undecided", "not yet"]


@dataclass(frozen=True)
class Decision:
    """What the seeds so far decide.  Names are sorted, within a pair too.

    outcomes: "undecided" after the last look, "not yet" where seeds for a later look are missing.
    p_values: adjusted for all pairs and looks; a pair is decided where its own is at most alpha.
    decided_at: the look, in seeds, after which a pair was decided.
    more_seeds: algorithms of pairs "not yet" decided that lack seeds for `next_look`, None if nothing is missing.
    """

    looks_used: tuple[int, ...]
    outcomes: dict[Pair, Outcome]
    p_values: dict[Pair, float]
    decided_at: dict[Pair, int]
    more_seeds: tuple[str, ...]
    next_look: int | None


def decide(scores: Mapping[str, np.ndarray], looks: Sequence[int], alpha: float, *key: str) -> Decision:
    """Tests all pairs of the algorithms on one suite, after as many looks as the seeds allow.

    scores: [seed] by algorithm, means over tasks in the order in which seeds come; those beyond the last look are not
    read, and an algorithm all of whose pairs are decided needs no more.  looks: numbers of seeds at each look, planned
    before the first.  key: names of the suite; shuffles depend on it alone.
    Raises StoreError naming suite, algorithm and seed for a score that is not finite, ValueError for such a plan.
    """
    if not looks or looks[0] < 1 or any(later <= look for look, later in pairwise(looks)):
        raise ValueError(f"looks must be growing numbers of seeds, got {tuple(looks)}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    names = sorted(scores)
    values = [_read(scores[name], *key, name) for name in names]
    pairs = np.array(list(combinations(range(len(names)), 2)), dtype=np.int64).reshape(-1, 2)
    family, p_values = np.arange(len(pairs)), np.ones(len(pairs))
    outcomes: dict[int, Outcome] = {}
    decided_at: dict[int, int] = {}
    shuffles = _Shuffles(pairs, keyed_generator(*key, "sequential"))
    seen: list[_Look] = []
    for before, look in pairwise((0, *looks)):
        waiting = np.unique(pairs[family])
        if not waiting.size or min(len(values[index]) for index in waiting) < look:
            break
        # an algorithm whose pairs are all decided may have no such seeds; its statistics are read no more
        batch = np.stack([own[before:look] if len(own) >= look else np.zeros(look - before) for own in values])
        seen.append(shuffles.look(batch, look / looks[-1]))
        family = _step_down(seen, family, alpha, p_values, outcomes)
        decided_at.update((pair, look) for pair in outcomes.keys() - decided_at.keys())
    finished = len(seen) == len(looks)
    next_look = None if finished or not family.size else looks[len(seen)]
    lacking = (
        [] if next_look is None else [index for index in np.unique(pairs[family]) if len(values[index]) < next_look]
    )
    named: list[Pair] = [(names[first], names[second]) for first, second in pairs]
    return Decision(
        looks_used=tuple(looks[: len(seen)]),
        outcomes={
            pair: outcomes.get(index, "undecided" if finished else "not yet") for index, pair in enumerate(named)
        },
        p_values=dict(zip(named, p_values.tolist(), strict=True)),
        decided_at={pair: decided_at[index] for index, pair in enumerate(named) if index in decided_at},
        more_seeds=tuple(names[index] for index in lacking),
        next_look=next_look,
    )


class _Shuffles:
    """Adds batches of seeds, each shuffled by itself within every pair; all pairs share the shuffles."""

    def __init__(self, pairs: np.ndarray, generator: np.random.Generator) -> None:
        self._pairs = pairs
        self._generator = generator
        self._left = self._right = np.zeros((1, SHUFFLES))
        self._variance = np.zeros(len(pairs))

    def look(self, batch: np.ndarray, spent: float) -> _Look:
        """batch: the scores that came since the last look, [algorithm, seed].  spent: see `_Look`."""
        size = batch.shape[1]
        centred = batch - batch.mean()  # differences do not depend on it, and rounding is less
        signs = np.empty((SHUFFLES, 2 * size))
        signs[:] = np.repeat([1.0, -1.0], size)
        signs[1:] = self._generator.permuted(signs[1:], axis=1)
        left, right = np.ascontiguousarray(signs.T).reshape(2, size, SHUFFLES)
        self._left = self._left + np.einsum("sr,ns->nr", left, centred)
        self._right = self._right + np.einsum("sr,ns->nr", right, centred)
        both = np.concatenate([centred[self._pairs[:, 0]], centred[self._pairs[:, 1]]], axis=1)
        self._variance = self._variance + both.var(axis=1) * (2 * size) ** 2 / (2 * size - 1)
        deviation = np.sqrt(np.where(self._variance > 0, self._variance, np.inf))
        return _Look(self._pairs, self._left, self._right, deviation, spent)


@dataclass(frozen=True)
class _Look:
    """What has been seen at one look, under every shuffle, of which the first is the order of the seeds themselves.

    A pair's difference of sums is its first algorithm's sum in `left` plus its second's in `right`, [algorithm,
    shuffle].  deviation: of that difference under shuffling, [pair].  spent: share of alpha to spend until this look.
    """

    pairs: np.ndarray
    left: np.ndarray
    right: np.ndarray
    deviation: np.ndarray
    spent: float

    def difference(self, pair: int) -> np.ndarray:
        """In standard deviations, [shuffle]."""
        first, second = self.pairs[pair]
        return (self.left[first] + self.right[second]) / self.deviation[pair]

    def statistics(self, family: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The observed absolute difference of every pair of the family, and its largest under every shuffle."""
        observed, largest = np.empty(family.size), np.zeros(SHUFFLES)
        for place, pair in enumerate(family):
            statistic = np.abs(self.difference(pair))
            observed[place] = statistic[0]
            np.maximum(largest, statistic, out=largest)
        return observed, largest


def _step_down(
    seen: Sequence[_Look], family: np.ndarray, alpha: float, p_values: np.ndarray, outcomes: dict[int, Outcome]
) -> np.ndarray:
    """Decides pairs of the family until no more cross, noting p-values and outcomes; returns those that are left."""
    least = 0.0  # no pair's p-value is below that of one decided before it
    while family.size:
        shares = _shares(seen, family, alpha)
        p_values[family] = np.clip(shares.min(axis=0), least, 1)
        crosses = shares <= alpha
        decided = crosses.any(axis=0)
        if not decided.any():
            break
        for pair, look in zip(family[decided].tolist(), crosses[:, decided].argmax(axis=0), strict=True):
            outcomes[pair] = "first higher" if seen[look].difference(pair)[0] > 0 else "second higher"
        least = float(p_values[family[decided]].max())
        family = family[~decided]
    return family


def _shares(seen: Sequence[_Look], family: np.ndarray, alpha: float) -> np.ndarray:
    """The share of shuffles whose largest statistic of the family reaches a pair's, or crossed at an earlier look.

    Relative to the part of alpha that may be spent by then, so that it is at most alpha where the pair crosses.
    Returns [look, pair of the family].
    """
    alive = np.ones(SHUFFLES, dtype=bool)
    shares = np.empty((len(seen), family.size))
    for index, look in enumerate(seen):
        observed, largest = look.statistics(family)
        ordered = np.sort(largest[alive])
        crossed = SHUFFLES - ordered.size
        reaching = ordered.size - np.searchsorted(ordered, observed - _ROUNDING)
        most = int(alpha * look.spent * SHUFFLES + _ROUNDING)
        shares[index] = np.round((crossed + reaching) / SHUFFLES / look.spent, 12)
        boundary = ordered[ordered.size - 1 - (most - crossed)]  # what is left to spend may lie above it
        alive &= largest <= boundary + _ROUNDING
    return shares


def _read(scores: np.ndarray, *key: str) -> np.ndarray:
    """An algorithm without any seed yet is no error here."""
    values = np.asarray(scores, dtype=np.float64)
    return values if values.shape == (0,) else finite_scores(values, 1, *key)
