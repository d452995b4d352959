"""How often a page's headline or a paper's claims decide anything where there is nothing to decide.

All algorithms have equal means, or differ by exactly an equivalence claim's margin.  Then every decision is false, and
Holm's first step is the whole test: some statistic is beyond the critical value of level / tests.  In `orders` half of
the decisions are right, and Holm's later steps count.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np

from docs.statistics_simulation.nulls import LUCKS
from docs.statistics_simulation.share import Share
from reports.papers.claims import ALIKE
from reports.statistics.bootstrap import keyed_generator
from reports.statistics.headline import ALPHA
from reports.statistics.readings import READINGS
from reports.statistics.worst_case import critical_value

ALGORITHMS, SUITES = 6, 8
PAIRS = np.array(list(combinations(range(ALGORITHMS), 2)))
#: a headline's steady algorithms and their standard deviation, where the others have 1
STEADY = {
    "equal": (0, 1.0),
    "one of six at 0.1": (1, 0.1),
    "one of six at 0.05": (1, 0.05),
    "three of six at 0.05": (3, 0.05),
}
#: of the paper's method, or of one side of a pair, where the others have 1
SPREADS = {"equal": 1.0, "one side at 0.1": 0.1, "one side at 0.05": 0.05}
#: a paper of one method: against each of three baselines on four suites, four equivalences, four ratios
BASELINES, PLACES, EQUIVALENCES, RATIOS = 3, 4, 4, 4
MARGIN = 100.0  # in standard deviations: at its border only the distance to it matters
MEAN = MARGIN / ALIKE  # of the baselines, whose share the margin is


def headline(luck: str, spread: str, seeds: int, boards: int) -> Share:
    """The page's headline at its readings up to so many seeds: `headline.decide_headline` after each of them."""
    scores = boards_of(luck, STEADY[spread], seeds, boards)
    wrong = np.zeros(boards, dtype=bool)
    for reading in READINGS:
        if reading <= seeds:
            wrong |= largest(scores[..., :reading]) >= _first_step(ALPHA / len(READINGS), reading)
    return Share(int(wrong.sum()), boards)


def read_at(luck: str, spread: str, readings: Iterable[int], boards: int) -> Share:
    """A headline that were judged at each of these numbers of seeds, always with the whole of the error."""
    readings = tuple(readings)
    scores = boards_of(luck, STEADY[spread], max(readings), boards)
    wrong = np.zeros(boards, dtype=bool)
    for reading in readings:
        wrong |= largest(scores[..., :reading]) >= _first_step(ALPHA, reading)
    return Share(int(wrong.sum()), boards)


def paper(luck: str, spread: str, seeds: int, papers: int) -> Share:
    """Any claim of a paper: directions, equivalences at the border of their margin, and ratios, of one sample."""
    generator = keyed_generator("study", "paper", luck, spread, str(seeds))
    family = BASELINES * PLACES + EQUIVALENCES + RATIOS
    two, one = (critical_value(ALPHA / family, seeds, samples) for samples in ("two", "one"))
    scores = LUCKS[luck](generator, (papers, PLACES, 1 + BASELINES, seeds))
    scores[:, :, 0] *= np.float32(SPREADS[spread])
    mean, deviation = scores.mean(axis=-1), scores.std(axis=-1, ddof=1)
    distance = mean[:, :, :1] - mean[:, :, 1:]
    error = np.maximum(deviation[:, :, :1], deviation[:, :, 1:]) * np.sqrt(2 / seeds)
    wrong = (np.abs(distance) >= two * error).any(axis=(1, 2))
    # the first baseline is called equivalent though it lies a margin below, and above on every second place
    side = np.where(np.arange(PLACES) % 2, -MARGIN, MARGIN)
    wrong |= (MARGIN - np.abs(side + distance[:, :, 0]) >= two * error[:, :, 0]).any(axis=1)
    ratios = LUCKS[luck](generator, (papers, RATIOS, seeds))
    wrong |= (np.abs(ratios.mean(axis=-1)) >= one * ratios.std(axis=-1, ddof=1) / np.sqrt(seeds)).any(axis=1)
    return Share(int(wrong.sum()), papers)


def orders(luck: str, spread: str, seeds: int, papers: int) -> Share:
    """A paper of orders alone: on every second place its method equals the baselines, on the others it lies a fifth of
    the baseline's mean above or below it.  Each order is tested in two families: for a difference, and for one that is
    smaller than that fifth, which is as uncertain as the mean (`claims.within_share`).

    In each family half of the orders are decided rightly and first, so that Holm tests the other half as a family of
    their own.  "Equal" is counted for orders that are decided too, which the page never calls so.
    """
    generator = keyed_generator("study", "orders", luck, spread, str(seeds))
    value = critical_value(ALPHA / (BASELINES * PLACES / 2), seeds, "two")
    scores = LUCKS[luck](generator, (papers, PLACES, 1 + BASELINES, seeds))
    scores[:, :, 0] *= np.float32(SPREADS[spread])
    scores += np.float32(MEAN)
    scores[:, 1::4, 0] += np.float32(ALIKE * MEAN)
    scores[:, 3::4, 0] -= np.float32(ALIKE * MEAN)
    equal, apart = scores[:, 0::2], scores[:, 1::2]
    wrong = (np.abs(above(equal, 1.0)) >= value).any(axis=(1, 2))
    wrong |= ((above(apart, 1 - ALIKE) >= value) & (above(apart, 1 + ALIKE) <= -value)).any(axis=(1, 2))
    return Share(int(wrong.sum()), papers)


def above(scores: np.ndarray, times: float) -> np.ndarray:
    """How many standard errors the first algorithm's mean lies above so many times each other one's.

    scores: [paper, suite, algorithm, seed] → [paper, suite, other algorithm]
    """
    mean, deviation = scores.mean(axis=-1), scores.std(axis=-1, ddof=1)
    error = np.maximum(deviation[..., :1], times * deviation[..., 1:]) * np.sqrt(2 / scores.shape[-1])
    return np.asarray((mean[..., :1] - times * mean[..., 1:]) / error)


def equivalent_at_the_border(luck: str, spread: str, seeds: int, pairs: int) -> Share:
    """Two algorithms that differ by exactly the margin and are called equivalent at 5 %, at the worse of its ends."""
    generator = keyed_generator("study", "equivalence", luck, spread, str(seeds))
    scores = LUCKS[luck](generator, (pairs, 2, seeds)) * np.array([[SPREADS[spread]], [1.0]])
    mean, deviation = scores.mean(axis=-1), scores.std(axis=-1, ddof=1)
    error = deviation.max(axis=1) * np.sqrt(2 / seeds) * critical_value(ALPHA, seeds, "two")
    rooms = [MARGIN - np.abs(end + mean[:, 0] - mean[:, 1]) for end in (MARGIN, -MARGIN)]
    return Share(max(int((room >= error).sum()) for room in rooms), pairs)


def pair_read_at(luck: str, spread: float, readings: Iterable[int], share: float, pairs: int) -> Share:
    """One pair that is judged at each of these numbers of seeds, with this share of the error each time."""
    readings = tuple(readings)
    generator = keyed_generator("study", "readings", luck, str(spread))
    scores = LUCKS[luck](generator, (pairs, 2, max(readings))) * np.array([[spread], [1.0]])
    wrong = np.zeros(pairs, dtype=bool)
    for reading in readings:
        seen = scores[..., :reading]
        error = seen.std(axis=-1, ddof=1).max(axis=1) * np.sqrt(2 / reading)
        distance = np.abs(seen[:, 0].mean(axis=-1) - seen[:, 1].mean(axis=-1))
        wrong |= distance >= error * critical_value(ALPHA * share, reading, "two")
    return Share(int(wrong.sum()), pairs)


def boards_of(luck: str, steady: tuple[int, float], seeds: int, boards: int) -> np.ndarray:
    """Scores [board, suite, algorithm, seed] of equal means; some algorithms have another spread on every suite."""
    count, spread = steady
    generator = keyed_generator("study", "headline", luck, str(count), str(spread), str(seeds))
    scores = LUCKS[luck](generator, (boards, SUITES, ALGORITHMS, seeds))
    scores[:, :, :count] *= np.float32(spread)
    return scores


def largest(scores: np.ndarray) -> np.ndarray:
    """The largest statistic of each board's pairs, [board]."""
    mean, deviation = scores.mean(axis=-1), scores.std(axis=-1, ddof=1)
    first, second = PAIRS.T
    error = np.maximum(deviation[..., first], deviation[..., second]) * np.sqrt(2 / scores.shape[-1])
    return np.asarray((np.abs(mean[..., first] - mean[..., second]) / error).max(axis=(1, 2)))


def _first_step(level: float, seeds: int) -> float:
    return critical_value(level / (len(PAIRS) * SUITES), seeds, "two")
