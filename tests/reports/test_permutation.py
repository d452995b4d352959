"""Permutation tests against enumeration and SciPy, Holm's correction, and what few seeds can never decide."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest
from scipy import stats

from reports.statistics.permutation import DRAWS, PermutationTest, holm, permutation_test, seeds_needed, smallest_p
from results.files import StoreError


def enumerated(first: np.ndarray, second: np.ndarray) -> float:
    both, size = np.concatenate([first, second]), len(first)
    observed = abs(first.mean() - second.mean())
    count = 0
    for chosen in itertools.combinations(range(len(both)), size):
        rest = np.delete(both, chosen)
        count += abs(both[list(chosen)].mean() - rest.mean()) >= observed - 1e-9
    return count / comb(len(both), size)


@pytest.mark.parametrize("seeds", [(1, 1), (1, 4), (3, 3), (4, 2), (3, 5), (5, 5)])
def test_the_p_value_is_that_of_every_division(seeds: tuple[int, int]) -> None:
    generator = np.random.default_rng(sum(seeds))
    for shift in (0.0, 1.0, 100.0):
        first, second = generator.normal(size=seeds[0]) + shift, generator.normal(size=seeds[1])
        test = permutation_test(first, second, "point", "promp", "maml")
        assert test.p_value == pytest.approx(enumerated(first, second), rel=1e-12)
        assert test.effect == pytest.approx(first.mean() - second.mean())
        assert test.seeds == seeds
        assert test.p_value >= test.smallest_p * (1 - 1e-12)
    assert test.p_value == pytest.approx(test.smallest_p)  # nothing is further apart than a shift of 100


def test_ten_against_ten_is_exact_and_beyond_that_drawn() -> None:
    generator = np.random.default_rng(3)
    first, second = generator.normal(size=10) + 0.8, generator.normal(size=10)
    both = np.concatenate([first, second])
    masks = np.arange(2**20)
    bits = [(masks >> place) & 1 for place in range(20)]
    halves = sum(bits) == 10
    sums = sum(bit * score for bit, score in zip(bits, both - both.mean(), strict=True))[halves]
    exact = permutation_test(first, second, "exact").p_value
    assert exact == pytest.approx((abs(sums) >= abs(sums[masks[halves] == 1023]) - 1e-9).mean(), rel=1e-12)
    more = np.append(first, first.mean())  # 11 against 10: 352,716 divisions
    drawn = permutation_test(more, second, "drawn")
    assert drawn.smallest_p == 1 / (DRAWS + 1)
    assert drawn.p_value == pytest.approx(stats.ttest_ind(more, second).pvalue, abs=0.02)
    assert permutation_test(more, second, "drawn") == drawn
    assert permutation_test(more, second, "another key").p_value != drawn.p_value


def test_a_drawn_p_value_is_never_zero() -> None:
    test = permutation_test(np.arange(15) + 1000.0, np.arange(15.0), "apart")
    assert test.p_value == test.smallest_p == 1 / (DRAWS + 1)


def test_it_is_symmetric_and_knows_no_scale() -> None:
    generator = np.random.default_rng(5)
    first, second = generator.normal(size=4) + 1, generator.normal(size=4)
    test = permutation_test(first, second, "a")
    turned = permutation_test(second, first, "a")
    assert (turned.p_value, turned.effect) == (test.p_value, pytest.approx(-test.effect))
    assert permutation_test(1e6 + 1e-3 * first, 1e6 + 1e-3 * second, "a").p_value == test.p_value


def test_equal_scores_give_one() -> None:
    assert permutation_test(np.full(3, 0.1), np.full(3, 0.1), "a") == PermutationTest(1.0, 0.1, 0.0, (3, 3))


def test_a_true_hypothesis_is_rejected_as_often_as_said() -> None:
    generator = np.random.default_rng(7)
    p_values = [permutation_test(*generator.exponential(size=(2, 5)), "null").p_value for _ in range(1000)]
    for alpha in (0.01, 0.05, 0.2):
        attainable = 2 * np.floor(alpha * comb(10, 5) / 2) / comb(10, 5)
        assert np.mean(np.array(p_values) <= alpha) == pytest.approx(attainable, abs=4 * np.sqrt(alpha / 1000))


def test_few_seeds_bound_the_p_value() -> None:
    assert smallest_p(3, 3) == pytest.approx(0.1)
    assert smallest_p(5, 5) == pytest.approx(2 / 252)
    assert smallest_p(3, 5) == pytest.approx(1 / 56)
    assert smallest_p(1, 1) == 1


@pytest.mark.parametrize(("pairs", "seeds"), [(1, 4), (6, 5), (7, 6), (15, 6), (45, 7)])
def test_the_seeds_needed_are_the_fewest_that_can_pass_holm(pairs: int, seeds: int) -> None:
    assert seeds_needed(pairs) == seeds
    assert smallest_p(seeds, seeds) <= 0.05 / pairs < smallest_p(seeds - 1, seeds - 1)


def test_a_family_of_any_size_has_a_number_of_seeds() -> None:
    assert [seeds_needed(pairs) for pairs in (4000, 4700, 6000, 10**6)] == [10, 11, 11, 14]
    with pytest.raises(ValueError, match="pairs must be at least 1"):
        seeds_needed(0)


def test_holm_multiplies_the_smallest_most_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.5, 0.9]) == (1.0, 1.0)
    assert holm([]) == ()
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        holm([0.1, float("nan")])


def test_a_score_that_is_no_number_is_refused_by_name() -> None:
    good = np.ones(3)
    with pytest.raises(StoreError, match="point/promp/maml/second has a score of nan for seed 1"):
        permutation_test(good, np.array([1.0, np.nan, 1.0]), "point", "promp", "maml")
    with pytest.raises(StoreError, match="point/first holds no score"):
        permutation_test(np.ones(0), good, "point")
    with pytest.raises(StoreError, match=r"scores must be \[seed\]"):
        permutation_test(np.ones((3, 2)), good, "point")
