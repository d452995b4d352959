"""The permutation null: how often noise stands out, and whether a signal does."""

import numpy as np
import pytest
import torch

from algorithms.explanation.permutation_null import permutation_null

TASKS, TRIALS, PERMUTATIONS = 50, 400, 200

NOISE = {
    "normal": lambda draw, shape: draw.normal(size=shape),
    "heavy tails": lambda draw, shape: draw.standard_t(4, size=shape),
    "skewed": lambda draw, shape: draw.exponential(size=shape),
}


def null(influence, sizes=None, permutations=PERMUTATIONS):
    sizes = torch.ones(influence.shape[1]) if sizes is None else sizes
    return permutation_null(torch.from_numpy(influence), sizes.double(), permutations, np.random.default_rng(1))


def share(draws, sizes=None):
    return np.mean([null(influence, sizes).stands_out for influence in draws])


@pytest.mark.parametrize("kind", NOISE)
def test_noise_stands_out_in_at_most_a_twentieth(kind):
    draw = np.random.default_rng(0)
    # 0.05 and twice the standard error of 400 trials
    assert share(NOISE[kind](draw, (2, TASKS)) for _ in range(TRIALS)) <= 0.072


def test_noise_of_pooled_tasks_is_smaller_and_stands_out_no_more_often():
    draw = np.random.default_rng(0)
    sizes = torch.tensor([30.0, 1, 1, 4, 9, 1, 1, 1, 2, 1])
    draws = (3 + draw.normal(size=(2, 10)) / sizes.sqrt().numpy() for _ in range(TRIALS))
    assert share(draws, sizes) <= 0.072


@pytest.mark.parametrize("critical", [1, 5, 10])
def test_a_signal_stands_out_be_it_one_tasks_or_a_clusters(critical):
    draw = np.random.default_rng(0)
    signal = 6.0 * (np.arange(TASKS) < critical)
    assert share(draw.normal(size=(2, TASKS)) + signal for _ in range(50)) >= 0.9


def test_where_replicates_agree_wholly_every_difference_stands_out():
    found = null(np.tile(np.arange(8.0), (2, 1)))
    assert found.stands_out
    assert found.largest == pytest.approx(3.5)
    assert found.band == pytest.approx(0, abs=1e-12)


def test_one_group_has_nothing_to_stand_out_of():
    found = null(np.array([[1.0], [2.0]]), torch.tensor([5.0]))
    assert (found.p_value, found.stands_out) == (1.0, False)
