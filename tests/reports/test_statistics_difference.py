"""Bootstrap intervals of differences between two algorithms."""

from __future__ import annotations

import numpy as np
import pytest

from reports.statistics.bootstrap import draw_counts, interquartile_mean, keyed_generator
from reports.statistics.difference import difference_interval
from results.files import StoreError


def entry(seed: int, seeds: int, level: float = 0.0, tasks: int = 4) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return level + generator.normal(size=(seeds, 1)) + 0.5 * generator.normal(size=(seeds, tasks))


def test_whole_seeds_of_each_algorithm_are_resampled() -> None:
    first, second = entry(1, 4, level=2.0), entry(2, 5)
    draws = [
        [interquartile_mean(np.repeat(scores, drawn, axis=0)) for drawn in draw_counts(len(scores), 10_000, key).T]
        for scores, key in ((first, keyed_generator("a", "first")), (second, keyed_generator("a", "second")))
    ]
    expected = np.quantile(np.array(draws[0]) - np.array(draws[1]), [0.025, 0.975])
    assert difference_interval(first, second, "a") == pytest.approx(tuple(expected))


def test_the_interval_covers_about_as_often_as_it_says() -> None:
    boards, covered = 200, 0
    for board in range(boards):
        first, second = entry(2 * board, 10, level=1.0), entry(2 * board + 1, 10)
        low, high = difference_interval(first, second, "a")
        covered += low <= 1.0 <= high
    assert 0.88 < covered / boards < 0.985


def test_a_higher_level_is_a_wider_interval_around_the_difference() -> None:
    first, second = entry(3, 6, level=1.0), entry(4, 6)
    narrow, wide = (difference_interval(first, second, "a", level=level) for level in (0.5, 0.99))
    difference = interquartile_mean(first) - interquartile_mean(second)
    assert wide[0] < narrow[0] < difference < narrow[1] < wide[1]


def test_what_holds_no_interval_is_refused_by_name() -> None:
    good = entry(9, 3)
    with pytest.raises(StoreError, match="point/promp/second: an interval needs at least 2 seeds, got 1"):
        difference_interval(good, good[:1], "point", "promp")
    with pytest.raises(StoreError, match="point/first has a score of inf for seed 0, task 0"):
        difference_interval(np.full((2, 2), np.inf), good, "point")
