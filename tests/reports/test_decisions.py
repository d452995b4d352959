"""What lies within two ends: each of three answers, one interval with the tests, and how often nothing is something."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from reports.papers.change import more_units
from reports.papers.decisions import direction, values_not_excluded, within
from reports.papers.parts import CONTRADICTED, REPRODUCED, UNDECIDED, Part
from reports.statistics.mean_difference import Comparison, compare_means, compare_to

SAMPLES = [1.9, 2.0, 2.1, 2.05, 1.95, 2.0]


@pytest.mark.parametrize(
    ("low", "high", "word", "decided"),
    [
        (1.0, 3.0, REPRODUCED, True),
        (3.0, 4.0, CONTRADICTED, True),
        (0.0, 1.0, CONTRADICTED, True),
        (1.98, 3.0, REPRODUCED, False),
    ],
)
def test_within_leans_to_one_answer_and_its_p_value_decides(low: float, high: float, word: str, decided: bool) -> None:
    found = within(lambda value: compare_to(SAMPLES, value), low, high)
    assert found.word == word
    assert found.p_value is not None and (found.p_value <= 0.05) == decided


@pytest.mark.parametrize(
    ("effect", "interval", "text"),
    [
        (9.0, (0.2, 4.3726433306430904e16), "9.00 [0.20, 4.4e+16]"),
        (9.0, (1e-9, 20.0), "9.00 [1e-09, 20.00]"),
        (-9.0, (-2e12, -0.001), "−9.00 [−2e+12, −0.001]"),
        (0.0, (-math.inf, 0.0), "0.000 [−∞, 0.000]"),
        (1_500_000.0, (-3.5, 2_000_000.0), "1,500,000 [−4, 2,000,000]"),
    ],
)
def test_ends_are_neither_seventeen_digits_nor_a_zero_that_they_are_not(
    effect: float, interval: tuple[float, float], text: str
) -> None:
    assert Part("a against b", UNDECIDED, "", effect, interval).effect_text == text


def test_of_one_unit_nothing_is_decided() -> None:
    found = within(lambda value: compare_to([2.0], value), 1.0, 3.0)
    assert (found.word, found.p_value, found.smallest_p) == (REPRODUCED, None, None)
    assert values_not_excluded(lambda value: compare_to([2.0], value), 2.0) is None
    assert direction(compare_to([2.0])).p_value is None


def test_the_interval_of_a_ratio_ends_where_its_test_does() -> None:
    first, second = np.array([2.1, 1.9, 2.0, 2.2]), np.array([1.0, 1.05, 0.95, 1.0])

    def compare_at(ratio: float) -> Comparison:
        return compare_means(first, ratio * second)

    interval = values_not_excluded(compare_at, float(first.mean() / second.mean()))
    assert interval is not None
    for end in interval:
        assert compare_at(end).p_value == pytest.approx(0.05, abs=1e-3)


def test_a_ratio_to_what_may_be_nothing_has_no_upper_end() -> None:
    first, second = np.array([2.1, 1.9, 2.0]), np.array([0.1, 3.0, 0.4])
    interval = values_not_excluded(lambda ratio: compare_means(first, ratio * second), 1.7)
    assert interval is not None and interval[1] == math.inf


def shifted(first: np.ndarray, second: np.ndarray, value: float) -> Comparison:
    return compare_means(first, second + value)


@pytest.mark.parametrize("seeds", [3, 5])
def test_at_the_margins_border_little_is_decided(seeds: int) -> None:
    """Neither answer is right there: together they are given in about one family of twenty."""
    generator = np.random.default_rng(seeds)
    decided = 0
    for _ in range(600):
        first, second = generator.normal(1.0, 0.3, seeds), generator.normal(0.0, 0.3, seeds)
        found = within(partial(shifted, first, second), -1.0, 1.0)
        decided += found.p_value is not None and found.p_value <= 0.05
    assert decided / 600 < 0.07


@pytest.mark.parametrize("seeds", [3, 5, 8, 10])
def test_means_that_are_just_the_margin_apart_are_seldom_shown_to_lie_within_it(seeds: int) -> None:
    generator, limit = np.random.default_rng(seeds), 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
    wrong = np.zeros(2)
    for _ in range(600):
        # a skewed side of mean 3 against a steady one of mean 1, and two alike
        skewed, steady = generator.exponential(size=seeds) + 2.0, generator.normal(1.0, 0.05, size=seeds)
        first, second = generator.normal(2.0, size=seeds), generator.normal(0.0, size=seeds)
        pairs = ((skewed, steady), (first, second))
        found = [within(partial(shifted, *pair), -2.0, 2.0) for pair in pairs]
        wrong += [each.word == REPRODUCED and (each.p_value or 0.0) <= 0.05 for each in found]
    assert (wrong / 600 < limit).all()


def test_two_lie_within_a_margin_exactly_where_the_interval_of_their_difference_does() -> None:
    first, second = np.random.default_rng(9).normal(0.2, size=6), np.random.default_rng(10).normal(size=6)
    interval = compare_means(first, second).interval
    assert interval is not None
    edge = max(-interval[0], interval[1])
    inside, beyond = (within(partial(shifted, first, second), -end, end) for end in (edge * 1.001, edge * 0.999))
    assert inside.word == beyond.word == REPRODUCED
    assert (inside.p_value or 0.0) <= 0.05 < (beyond.p_value or 0.0)


def test_three_steady_seeds_do_not_show_that_they_are_alike_and_four_do() -> None:
    three, four = (within(partial(shifted, np.ones(seeds), np.ones(seeds)), -0.5, 0.5) for seeds in (3, 4))
    assert three.word == four.word == REPRODUCED
    assert (three.p_value or 0.0) > 0.05 >= (four.p_value or 1.0)


def test_the_units_that_would_decide_are_counted_from_what_is_held_against() -> None:
    """A ratio of 1.31 is 0.31 away from 1, not 1.31 from nothing."""
    part = Part("a against b", UNDECIDED, "", 1.31, (0.69, 2.49), 3, "seed", 3, REPRODUCED, 0.15, 1e-9, favour=0.31)
    assert more_units(part) == "about 27 seeds of each, if the effect is as here"
    assert more_units(replace(part, between=True)) == "more seeds, which narrow the interval"
    assert more_units(replace(part, raw_p=None, interval=None)) == "at least 3 seeds of each side"
