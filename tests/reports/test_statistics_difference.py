"""Intervals of differences between two algorithms, and what counts as reproduced."""

from __future__ import annotations

import numpy as np
import pytest

from reports.statistics.bootstrap import draw_counts, interquartile_mean, keyed_generator
from reports.statistics.difference import difference_interval, equivalent
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


def test_algorithms_are_equivalent_where_the_90_percent_interval_lies_within_the_margin() -> None:
    first, second = entry(5, 8), entry(6, 8)
    low, high = difference_interval(first, second, "a", level=0.90)
    edge = max(-low, high)
    assert equivalent(first, second, edge * 1.001, "a") is True
    assert equivalent(first, second, edge * 0.999, "a") is False
    assert equivalent(first, first + 5.0, 1.0, "a") is False


def test_a_difference_of_the_margin_is_seldom_called_none() -> None:
    found = [equivalent(entry(board, 10, level=2.0), entry(board + 500, 10), 2.0, "a") for board in range(200)]
    assert sum(map(bool, found)) / 200 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_fewer_than_three_seeds_decide_nothing() -> None:
    assert equivalent(entry(7, 2), entry(8, 9), 100.0, "a") is None
    assert equivalent(entry(7, 3), entry(8, 3), 100.0, "a") is True


def test_what_holds_no_interval_is_refused_by_name() -> None:
    good = entry(9, 3)
    with pytest.raises(StoreError, match="point/promp/second: an interval needs at least 2 seeds, got 1"):
        difference_interval(good, good[:1], "point", "promp")
    with pytest.raises(StoreError, match="point/first has a score of inf for seed 0, task 0"):
        difference_interval(np.full((2, 2), np.inf), good, "point")
    for margin in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="margin must be positive"):
            equivalent(good, good, margin, "point")
