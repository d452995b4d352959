"""What sixteen noisy trials say of an option: as much as they can bear, and nothing of one that does nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from reports.statistics.option_effect import FEWEST, option_effects, ranks
from tests.support.tuned_methods import tuned_method


def draws(key: int, trials: int = 16) -> tuple[dict[str, list[float]], np.random.Generator]:
    generator = np.random.default_rng(key)
    return {name: generator.random(trials).tolist() for name in "abcd"}, generator


@pytest.mark.parametrize("best", [0.0, 0.5, 0.7])
def test_the_option_that_matters_explains_most_even_where_its_best_value_is_in_the_middle(best: float) -> None:
    first, seen = 0, 0
    for key in range(40):
        options, generator = draws(key)
        scores = -4 * (np.array(options["a"]) - best) ** 2 + generator.normal(0, 0.3, 16)
        found = option_effects(options, scores, str(key))
        first += max(found, key=lambda name: found[name].share) == "a"
        seen += found["a"].p_value <= 0.05
    assert first >= 35 and seen >= 28


def test_options_that_do_nothing_explain_nothing_on_average_and_are_seen_no_oftener_than_said() -> None:
    shares, p_values, outside = [], [], 0
    for key in range(100):
        options, generator = draws(1000 + key)
        for effect in option_effects(options, generator.normal(size=16), str(key)).values():
            assert effect.interval is not None
            shares.append(effect.share)
            p_values.append(effect.p_value)
            outside += not effect.interval[0] <= 0 <= effect.interval[1]
    assert abs(np.mean(shares)) < 0.03
    assert np.mean(np.array(p_values) <= 0.05) < 0.08 and outside / len(shares) < 0.08


def test_the_correlation_is_spearmans_and_a_failed_trial_ranks_lowest() -> None:
    options, generator = draws(7)
    scores = generator.normal(size=16)
    scores[[2, 5]] = -np.inf
    effect = option_effects({"a": [round(value, 1) for value in options["a"]]}, scores)["a"]
    finite = np.where(np.isfinite(scores), scores, -1e9)
    expected = stats.spearmanr([round(value, 1) for value in options["a"]], finite)[0]
    assert effect.correlation == pytest.approx(expected)
    assert effect.interval is not None and effect.interval[0] < expected < effect.interval[1]


def test_ranks_within_a_resample_are_those_of_the_resample() -> None:
    values, drawn = np.array([3.0, 1.0, 1.0, 7.0]), np.array([0, 0, 2, 3])
    counts = np.bincount(drawn, minlength=4)[None]
    assert ranks(values[None], counts)[0][drawn].tolist() == stats.rankdata(values[drawn]).tolist()


def test_an_option_without_an_order_has_a_share_and_no_direction() -> None:
    scores = np.array([1.0, 5.0] * 8) + np.arange(16) / 100
    found = option_effects({"kind": ["a", "b"] * 8, "mixed": [None, 3] * 8, "on": [False, True] * 8}, scores)
    assert found["kind"].share > 0.7 and found["kind"].p_value < 0.01
    assert found["kind"].correlation is None and found["mixed"].interval is None
    assert found["on"].correlation is not None and found["on"].correlation > 0.8


def test_nothing_is_said_of_few_trials_of_equal_scores_and_of_what_was_not_varied() -> None:
    options, generator = draws(3)
    assert option_effects(options, np.zeros(16)) == {}
    few = FEWEST - 1
    assert option_effects({"a": options["a"][:few]}, generator.normal(size=few)) == {}
    same: dict[str, list[Any]] = {"same": [1] * 16, "own": [str(index) for index in range(16)]}
    assert option_effects(same, generator.normal(size=16)) == {}
    with pytest.raises(ValueError, match="a must have 16 values"):
        option_effects({"a": [1.0]}, generator.normal(size=16))


def test_the_p_values_of_a_method_are_corrected_for_its_options() -> None:
    effects = tuned_method(failed=(4,)).effects
    assert next(iter(effects)) == "inner_step_size"
    effect, corrected = effects["inner_step_size"]
    assert corrected == pytest.approx(3 * effect.p_value) and corrected <= 0.05
