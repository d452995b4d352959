"""The effect that a design can decide: against the noncentral t distribution, and against its test in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reports.statistics.mean_difference import compare_means, compare_to
from reports.statistics.power import POWER, decidable_effect, first_level, power
from reports.statistics.worst_case import critical_value


@pytest.mark.parametrize("seeds", [3, 8, 20])
@pytest.mark.parametrize("level", [0.05, 0.05 / 68])
def test_the_power_of_one_sample_is_that_of_the_noncentral_t(seeds: int, level: float) -> None:
    critical = critical_value(level, seeds, "one")
    for effect in (0.0, 0.5, 1.0, 2.0, 4.0):
        known = (
            stats.nct.sf(critical, seeds - 1, effect * np.sqrt(seeds)) if effect else stats.t.sf(critical, seeds - 1)
        )
        assert power(effect, seeds, level, "one") == pytest.approx(known, abs=2e-5)


@pytest.mark.parametrize("tests", [1, 40])
def test_at_the_decidable_effect_the_pages_own_test_decides_in_four_of_five_draws(tests: int) -> None:
    seeds, level, draws = 8, first_level(tests), 3000
    generator = np.random.default_rng(0)
    two, one = (decidable_effect(seeds, level, samples) for samples in ("two", "one"))
    decided = {"two": 0, "one": 0}
    for ours, others in generator.normal(size=(draws, 2, seeds)):
        of_two, of_one = compare_means(5 * (ours + two), 5 * others), compare_to(5 * (ours + one))
        decided["two"] += of_two.p_value is not None and of_two.p_value <= level and of_two.effect > 0
        decided["one"] += of_one.p_value is not None and of_one.p_value <= level and of_one.effect > 0
    for count in decided.values():
        assert abs(count / draws - POWER) < 4 * np.sqrt(POWER * (1 - POWER) / draws)


def test_more_seeds_decide_less_and_more_tests_ask_for_more() -> None:
    effects = [decidable_effect(seeds, first_level(40), "two") for seeds in (3, 5, 8, 10, 20)]
    assert effects == sorted(effects, reverse=True)
    assert decidable_effect(8, first_level(68), "two") > decidable_effect(8, first_level(1), "two")
    assert decidable_effect(8, 0.05, "two", 0.9) > decidable_effect(8, 0.05, "two")


def test_the_page_of_statistics_has_the_same_numbers_by_simulation() -> None:
    """Least favourable null, equal spread, one test: docs/statistics.md, "What it costs"."""
    for seeds, simulated in ((3, 7.13), (5, 3.13), (10, 1.53), (20, 0.954)):
        assert decidable_effect(seeds, 0.05, "two") == pytest.approx(simulated, rel=0.02)


def test_a_chance_that_is_none_is_refused() -> None:
    for wanted in (0.0, 1.0):
        with pytest.raises(ValueError, match="the chance must lie"):
            decidable_effect(8, 0.05, "two", wanted)
