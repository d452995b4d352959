"""The expected best of n trials against every draw there is, and what a method's curve makes of known trials."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from reports.scores.tuning import TunedMethod, TunedTrial
from reports.statistics.expected_best import expected_best
from tests.support.tuned_methods import tuned_method


@pytest.mark.parametrize("known", [None, 1.5, 9.0, -4.0])
def test_it_is_the_mean_best_of_every_draw_with_replacement(known: float | None) -> None:
    scores = np.array([2.0, -1.0, 2.0, 5.0])
    found = expected_best(scores, known)
    least = -np.inf if known is None else known
    for count in range(1, 5):
        every = [max(*draw, least) for draw in product(scores, repeat=count)]
        assert found[count - 1] == pytest.approx(np.mean(every))


@pytest.mark.parametrize(("scores", "known"), [([], None), ([1.0, np.nan], None), ([-np.inf], None), ([1.0], np.inf)])
def test_what_has_no_mean_is_refused(scores: list[float], known: float | None) -> None:
    with pytest.raises(ValueError, match="finite"):
        expected_best(np.array(scores), known)


def method(scores: list[float], chosen: int, by_profile: int = 1, sampler: str = "qmc") -> TunedMethod:
    trials = tuple(TunedTrial({"step": float(index)}, (score,)) for index, score in enumerate(scores))
    return TunedMethod("point", "smoke", "promp", trials, chosen, 0, by_profile, (1000,), sampler)


def test_published_and_profiles_values_come_first_and_are_known() -> None:
    curve = method([3.0, 2.0, 1.0, 7.0], 3).curve
    assert curve.tolist() == [3.0, 3.0, (3 + 7) / 2, (3 + 3 * 7) / 4]
    assert method([3.0, 1.0, 7.0], 2, by_profile=0).curve.tolist() == [3.0, 4 + 1.0, (3 + 3 * 7) / 4]


def test_a_failed_trial_counts_as_the_worst_that_finished() -> None:
    assert method([np.nan, 2.0, np.nan, 6.0], 3).curve.tolist() == [2.0, 2.0, 4.0, 5.0]
    assert method([np.nan, np.nan], 0).curve.size == 0
    assert method([np.nan, 2.0], 1).gain is None


@pytest.mark.parametrize("sampler", ["tpe", "grid", "best of quick"])
def test_trials_that_are_no_draws_have_no_curve(sampler: str) -> None:
    assert tuned_method(sampler=sampler).curve.size == 0


def test_indices_and_scores_are_checked() -> None:
    with pytest.raises(ValueError, match="chosen must be below 2, got 2"):
        method([1.0, 2.0], 2)
    with pytest.raises(ValueError, match="2 scores, one a seed"):
        TunedMethod("point", "smoke", "promp", (TunedTrial({}, (1.0,)),), 0, 0, 0, (1000, 1001), "qmc")
