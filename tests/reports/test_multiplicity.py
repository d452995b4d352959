"""Holm's correction in Tarone's form: what cannot be decided weakens nobody."""

from __future__ import annotations

import numpy as np
import pytest

from reports.statistics.multiplicity import counted, holm

ALWAYS = [0.0] * 4


def test_where_every_test_can_reject_it_is_holms() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005], ALWAYS) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9], [0.0, 0.0]) == [1.0, 1.0]
    assert holm([], []) == []


def test_a_test_that_could_never_reject_does_not_count() -> None:
    # pairs of one seed say nothing; three seeds against three by permutation have no p-value below 0.1
    assert holm([0.02, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0])[0] == pytest.approx(0.02)
    assert holm([0.02, 0.1, 0.1], [0.0079, 0.1, 0.1])[0] == pytest.approx(0.02)
    assert holm([0.02, 0.1, 0.1], [0.0079, 0.0, 0.0])[0] == pytest.approx(0.06)


def test_it_counts_the_fewest_tests_that_could_reach_their_share() -> None:
    assert counted(np.array([0.0] * 6)) == 6
    assert counted(np.array([0.02, 0.02])) == 2
    assert counted(np.array([0.03, 0.03])) == 2  # neither can reach 0.025, but both could reach 0.05
    assert counted(np.array([0.0, 0.02, 0.02, 0.02])) == 3  # 0.05 / 3 is below 0.02, so one test counts as three
    assert counted(np.array([1.0])) == counted(np.array([])) == 1


def test_p_values_keep_their_order_and_decisions_free_the_rest() -> None:
    adjusted = holm([0.001, 0.024, 0.026, 0.9], ALWAYS)
    assert adjusted == sorted(adjusted)
    assert adjusted[0] == pytest.approx(0.004)
    assert holm([0.001, 0.04], [0.0, 0.0]) == pytest.approx([0.002, 0.04])


def test_true_hypotheses_are_decided_at_most_as_often_as_said() -> None:
    generator = np.random.default_rng(1)
    smallest = np.array([0.1] * 4 + [1 / 60] * 4 + [0.0] * 2)
    wrong = 0
    for _ in range(1000):
        # discrete p-values that are as small as a true hypothesis allows: multiples of the smallest
        uniform = generator.random(10)
        p_values = np.where(smallest > 0, np.ceil(uniform / np.maximum(smallest, 1e-9)) * smallest, uniform)
        wrong += min(holm(np.minimum(p_values, 1).tolist(), smallest.tolist())) <= 0.05
    assert wrong / 1000 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_thousands_of_pairs_are_corrected() -> None:
    adjusted = holm(np.linspace(1e-9, 1, 6000).tolist(), [0.0] * 6000)
    assert adjusted[0] == pytest.approx(6e-6)
    assert (np.diff(adjusted) >= 0).all()


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        holm([0.1, float("nan")], [0.0, 0.0])
    with pytest.raises(ValueError, match="one smallest p-value for each, got 2 and 1"):
        holm([0.1, 0.1], [0.0])
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\)"):
        holm([0.1], [0.0], level=1.0)
