"""Comparisons of means: effect, interval and p-value are of one test, which holds where Welch's errs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reports.statistics.mean_difference import compare_means, compare_to
from reports.statistics.worst_case import SMALLEST_P, critical_value, p_value
from results.files import StoreError
from tests.support.permutation import permutation_p


def samples(seed: int, seeds: int, level: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(level, size=(seeds, 6))


def test_the_effect_is_the_difference_of_the_means_of_the_seeds_means() -> None:
    first, second = samples(1, 4, 2.0), samples(2, 6)
    found = compare_means(first, second, "point", "promp", "maml")
    assert found.effect == pytest.approx(first.mean() - second.mean())
    assert compare_means(first.mean(axis=1), second.mean(axis=1)) == found
    assert compare_to(first[:, 0], 0.5).effect == pytest.approx(first[:, 0].mean() - 0.5)


@pytest.mark.parametrize("level", [0.95, 0.9, 0.999])
@pytest.mark.parametrize("seeds", [(2, 2), (3, 3), (3, 10), (5, 5), (10, 10), (60, 60)])
def test_the_interval_excludes_zero_exactly_where_the_test_decides(seeds: tuple[int, int], level: float) -> None:
    first, second = (samples(seed, count).mean(axis=1) for seed, count in zip((3, 4), seeds, strict=True))
    outcomes = set()
    for shift in np.geomspace(0.01, 300, 60):
        compared = (compare_means(first + shift, second, level=level), compare_to(first, -shift, level=level))
        for found in compared:
            assert found.interval is not None and found.p_value is not None
            excluded = found.interval[0] > 0 or found.interval[1] < 0
            assert excluded == (found.p_value <= 1 - level)
            outcomes.add(excluded)
    assert outcomes == {True, False}


def test_the_other_side_sees_the_same_from_below_and_units_do_not_matter() -> None:
    first, second = samples(5, 5, 1.0), samples(6, 5)
    found, turned, scaled = (
        compare_means(*pair) for pair in ((first, second), (second, first), (1e3 * first + 7, 1e3 * second + 7))
    )
    assert turned.effect == pytest.approx(-found.effect)
    assert turned.p_value == pytest.approx(found.p_value)
    assert scaled.p_value == pytest.approx(found.p_value)
    assert scaled.interval == pytest.approx(1e3 * np.array(found.interval))


def test_one_seed_gives_an_effect_and_nothing_else() -> None:
    for found in (compare_means(np.ones((1, 4)), np.zeros((3, 4))), compare_to(np.ones(1))):
        assert (found.effect, found.interval, found.p_value, found.smallest_p) == (1.0, None, None, None)


def test_no_p_value_is_below_the_smallest() -> None:
    for seeds in (2, 3, 10):
        found = compare_means(samples(7, seeds) + 1e9, samples(8, seeds))
        assert found.p_value == pytest.approx(SMALLEST_P) == found.smallest_p


def test_scores_without_any_spread_are_told_apart_by_the_number_of_seeds_alone() -> None:
    assert compare_means(np.ones((3, 4)), np.ones((3, 4))).p_value == 1.0
    three, four = (compare_means(np.full(seeds, 0.3), np.full(seeds, 0.1)) for seeds in (3, 4))
    assert three.p_value == pytest.approx(permutation_p(np.ones(3), np.zeros(3))) == pytest.approx(0.1)
    assert three.interval == pytest.approx((0.0, 0.2))
    assert four.p_value == pytest.approx(2 / 70)
    assert four.interval == pytest.approx((0.2, 0.2))
    assert compare_to(np.full(6, 2.0)).p_value == pytest.approx(2 / 64)


def error_rates(seeds: int, spread: float, boards: int) -> tuple[float, float, float]:
    """How often ours, Welch's and the permutation test decide at 0.01 on skewed seeds against a steadier side."""
    generator = np.random.default_rng(seeds)
    wrong = np.zeros(3)
    for _ in range(boards):
        first, second = generator.exponential(size=(2, seeds)) - 1
        second = second * spread
        found = compare_means(first, second).p_value
        assert found is not None
        theirs = stats.ttest_ind(first, second, equal_var=False).pvalue
        wrong += np.array([found, theirs, permutation_p(first, second)]) <= 0.01
    ours, welch, permuted = wrong / boards
    return float(ours), float(welch), float(permuted)


def test_a_steady_side_does_not_make_it_err_as_welchs_and_the_permutation_test_do() -> None:
    ours, welch, permuted = error_rates(5, 0.05, 1500)
    assert ours < 0.01 + 3 * np.sqrt(0.01 * 0.99 / 1500)
    assert welch > 0.02
    assert permuted > 0.02


@pytest.mark.parametrize("seeds", [(3, 10), (10, 3), (5, 20)])
@pytest.mark.parametrize("spread", [1.0, 0.05, 20.0])
def test_it_holds_for_unequal_numbers_of_seeds(seeds: tuple[int, int], spread: float) -> None:
    generator = np.random.default_rng(sum(seeds))
    wrong = 0
    for _ in range(1000):
        first, second = (generator.exponential(size=count) - 1 for count in seeds)
        wrong += (compare_means(first, spread * second).p_value or 0.0) <= 0.05
    assert wrong / 1000 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_the_table_bounds_students_t_and_falls_with_seeds() -> None:
    for seeds in (2, 3, 5, 10, 30):
        for level in (0.2, 0.05, 0.01, 1e-3, 1e-4):
            exact = stats.t.isf(level / 2, seeds - 1)
            assert critical_value(level, seeds, "one") > exact * 0.97
            # with no spread on the other side, two samples are one whose error is larger by the root of 2
            assert critical_value(level, seeds, "two") > exact * 0.97 / np.sqrt(2)
    for one in ("one", "two"):
        values = [critical_value(0.05, seeds, one) for seeds in (2, 3, 5, 10, 11, 20)]
        assert values == sorted(values, reverse=True)


def test_p_value_and_critical_value_are_inverse() -> None:
    for level in (0.97, 0.5, 0.05, 3.3e-4, 1e-6, 2e-9):
        for seeds in (2, 7, 11, 400):
            assert p_value(critical_value(level, seeds, "two"), seeds, "two") == pytest.approx(level)
    assert p_value(0.0, 5, "one") == 1.0
    with pytest.raises(ValueError, match="level must lie in"):
        critical_value(0.0, 5, "one")


def test_what_holds_no_number_is_refused_by_name() -> None:
    good = samples(11, 3)
    with pytest.raises(StoreError, match="point/promp/second has a score of nan for seed 1"):
        compare_means(good[:, 0], np.array([1.0, np.nan, 1.0]), "point", "promp")
    with pytest.raises(StoreError, match="point/first holds no score"):
        compare_means(np.ones(0), good[:, 0], "point")
