"""Which pairs of algorithms are decided after each batch of seeds, at a family-wise error over all pairs and looks.

At each planned look all pairs that are still undecided are tested with all seeds so far, by `compare_means` with Holm's
correction, and what is decided leaves the family.  A look may spend alpha times its own share of the last look's seeds;
the shares add up to alpha (Bonferroni), so that neither looks nor pairs nor unequal spreads raise the error.

AdaStop (Mathieu et al. 2023), which shuffles seeds between two algorithms, decides more with five seeds.  It tests
whether they are alike, and so tells equal means apart too often where one algorithm is steadier than the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import numpy as np

from reports.statistics.finite import finite_scores
from reports.statistics.mean_difference import compare_means
from reports.statistics.multiplicity import holm

LOOKS = (5, 7, 10)
ALPHA = 0.05

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
    before the first.  key: names of the suite, for messages.
    Raises StoreError naming suite, algorithm and seed for a score that is not finite, ValueError for such a plan.
    """
    if not looks or looks[0] < 2 or any(later <= look for look, later in pairwise(looks)):
        raise ValueError(f"looks must be growing numbers of seeds, at least 2, got {tuple(looks)}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    values = {name: _read(scores[name], *key, name) for name in sorted(scores)}
    pairs = list(combinations(values, 2))
    family, used = pairs, 0
    p_values = dict.fromkeys(pairs, 1.0)
    outcomes: dict[Pair, Outcome] = {}
    decided_at: dict[Pair, int] = {}
    for before, look in pairwise((0, *looks)):
        if not family or min(len(values[name]) for pair in family for name in pair) < look:
            break
        used += 1
        share = (look - before) / looks[-1]
        found = [
            compare_means(values[first][:look], values[second][:look], *key, first, second) for first, second in family
        ]
        adjusted = holm(
            [each.p_value or 0.0 for each in found], [each.smallest_p or 0.0 for each in found], alpha * share
        )
        for pair, compared, p_value in zip(family, found, adjusted, strict=True):
            p_values[pair] = min(p_values[pair], p_value / share)
            if p_value <= alpha * share:
                outcomes[pair] = "first higher" if compared.effect > 0 else "second higher"
                decided_at[pair] = look
        family = [pair for pair in family if pair not in outcomes]
    finished = used == len(looks)
    next_look = None if finished or not family else looks[used]
    waiting = sorted({name for pair in family for name in pair})
    return Decision(
        looks_used=tuple(looks[:used]),
        outcomes={pair: outcomes.get(pair, "undecided" if finished else "not yet") for pair in pairs},
        p_values=p_values,
        decided_at={pair: decided_at[pair] for pair in pairs if pair in decided_at},
        more_seeds=() if next_look is None else tuple(name for name in waiting if len(values[name]) < next_look),
        next_look=next_look,
    )


def _read(scores: np.ndarray, *key: str) -> np.ndarray:
    """An algorithm without any seed yet is no error here."""
    values = np.asarray(scores, dtype=np.float64)
    return values if values.shape == (0,) else finite_scores(values, 1, *key)
