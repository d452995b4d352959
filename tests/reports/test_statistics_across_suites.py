"""Aggregates, profiles and probabilities of improvement across suites: rliable's where a suite is one column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from rliable import library, metrics
from scipy import stats

from reports.statistics.aggregate import Aggregate, aggregate
from reports.statistics.bootstrap import draw_strata, percentile_interval, resampled_iqms
from reports.statistics.improvement import probability_of_improvement
from reports.statistics.performance_profile import performance_profile
from results.files import StoreError

Strata = dict[str, np.ndarray]
METRICS: dict[str, Callable[[np.ndarray], float]] = {
    "iqm": metrics.aggregate_iqm,
    "median": metrics.aggregate_median,
    "mean": metrics.aggregate_mean,
    "optimality_gap": metrics.aggregate_optimality_gap,
}


def columns(scores: np.ndarray) -> Strata:
    """rliable's [run, task] as suites of one column each."""
    return {f"suite-{column:02d}": scores[:, [column]] for column in range(scores.shape[1])}


def normalised(seed: int, shape: tuple[int, int], level: float = 0.6) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return level + 0.3 * generator.normal(size=shape) + 0.5 * generator.normal(size=shape[1])


@contextmanager
def rliable_seeded(seed: int) -> Iterator[None]:
    """rliable draws from the global generator, whatever random state it is given."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


def values(found: Aggregate) -> dict[str, float]:
    return {name: getattr(found, name).value for name in METRICS}


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 5), (5, 6), (10, 7), (10, 20)])
def test_point_estimates_are_those_of_rliable(shape: tuple[int, int]) -> None:
    scores = normalised(1, shape)
    expected = {name: metric(scores) for name, metric in METRICS.items()}
    assert values(aggregate(columns(scores), "promp")) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_resamples_are_those_of_rliable() -> None:
    scores = normalised(2, (8, 5))
    with rliable_seeded(1):
        _, theirs = library.get_interval_estimates(
            {"promp": scores}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=2000
        )
    strata = columns(scores)
    low, high = percentile_interval(resampled_iqms(list(strata.values()), draw_strata(strata, 10_000, "promp")))
    expected = theirs["promp"][:, 0]
    assert np.abs(np.array([low, high]) - expected).max() < 0.08 * (expected[1] - expected[0])


def test_on_one_suite_the_interval_of_the_mean_is_students() -> None:
    scores = normalised(2, (5, 4))
    means = scores.mean(axis=1)
    expected = stats.t.interval(0.95, 4, means.mean(), stats.sem(means))
    assert aggregate({"lake": scores}, "promp").mean.interval == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("seeds", "suites"), [(3, 2), (3, 8), (5, 2), (10, 4)])
def test_intervals_across_suites_cover_about_as_often_as_they_say(seeds: int, suites: int) -> None:
    generator = np.random.default_rng(seeds * suites)
    covered = 0
    for board in range(300):
        scores = generator.normal(size=(suites, seeds, 1)) + np.linspace(-3, 3, 4)
        strata = {f"suite-{place}": own for place, own in enumerate(scores)}
        interval = aggregate(strata, str(board), resamples=300).mean.interval
        assert interval is not None
        covered += interval[0] <= 0 <= interval[1]
    assert 0.90 < covered / 300 < 0.99  # of percentiles 0.77 to 0.93


def test_an_estimate_without_spread_has_an_interval_without_width() -> None:
    found = aggregate({"lake": np.full((3, 2), 0.5), "point": np.full((4, 2), 1.5)}, "promp")
    assert found.mean.interval == (1.0, 1.0)


def test_a_profile_is_that_of_rliable() -> None:
    scores, thresholds = normalised(3, (6, 4)), np.linspace(-0.5, 2, 26)
    with rliable_seeded(2):
        theirs, intervals = library.create_performance_profile({"promp": scores}, thresholds, reps=2000)
    ours = performance_profile(columns(scores), thresholds, "promp")
    assert ours.share == pytest.approx(theirs["promp"], rel=1e-12, abs=1e-12)
    assert ours.interval is not None
    # shares are multiples of 1/24, and a quantile that falls between two of them may fall to either side
    assert np.abs(ours.interval - intervals["promp"].T).max() < 1 / 24 + 1e-9
    assert np.abs(ours.interval - intervals["promp"].T).mean() < 0.15 / 24


@pytest.mark.parametrize("seeds", [(1, 1), (5, 5), (3, 10)])
def test_the_probability_of_improvement_is_that_of_rliable(seeds: tuple[int, int]) -> None:
    first, second = normalised(4, (seeds[0], 6)), normalised(4, (seeds[1], 6), level=0.5)
    first[0], second[0] = 0.25, 0.25  # ties count half
    ours = probability_of_improvement(columns(first), columns(second), "promp", "maml")
    assert ours.value == pytest.approx(metrics.probability_of_improvement(first, second), rel=1e-12)
    turned = probability_of_improvement(columns(second), columns(first), "maml", "promp")
    assert ours.value + turned.value == pytest.approx(1)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("distance", [0.0, 1.0, 2.2])
def test_the_interval_of_the_probability_of_improvement_covers(seeds: int, distance: float) -> None:
    truth = stats.norm.cdf(distance / np.sqrt(2))  # 0.94 at 2.2, where resampling covered 0.45, 0.71 and 0.82
    generator = np.random.default_rng(seeds)
    covered = 0
    for _ in range(400):
        first, second = generator.normal(size=(2, seeds, 1))
        interval = probability_of_improvement({"a": first + distance}, {"a": second}, "a").interval
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert covered / 400 > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400)


def test_a_clean_sweep_does_not_prove_certainty() -> None:
    sweep = {"a": np.arange(3.0)[:, None] + 10}, {"a": np.arange(3.0)[:, None]}
    found = probability_of_improvement(*sweep, "a")
    assert found.value == 1
    assert found.interval is not None
    low, high = found.interval
    variance = low * (1 - low) * (1 + 2 * ((1 - low) / (2 - low) + low / (1 + low))) / 9  # Newcombe (2006), method 5
    assert 1 - low == pytest.approx(stats.t.ppf(0.975, 4) * variance**0.5)
    assert 0.3 < low < 0.5 and high == 1
    turned = probability_of_improvement(*reversed(sweep), "a").interval
    assert turned == pytest.approx((0, 1 - low))
    above, below = ({f"suite-{place}": side["a"] for place in range(4)} for side in sweep)
    more = probability_of_improvement(above, below, "a")
    assert more.interval is not None
    assert more.interval[0] > 0.6


def test_suites_weigh_alike_whatever_their_seeds_and_tasks() -> None:
    strata = {"lake": normalised(5, (3, 2)), "point": normalised(6, (4, 6)) + 1}  # 6 and 24 scores
    found = aggregate(strata, "promp")
    pooled = np.concatenate([np.tile(strata["lake"].ravel(), 4), strata["point"].ravel()])
    assert found.iqm.value == pytest.approx(stats.trim_mean(pooled, 0.25))
    means = [scores.mean() for scores in strata.values()]
    assert found.mean.value == pytest.approx(np.mean(means))
    assert found.median.value == pytest.approx(np.median(means))
    assert found.optimality_gap.value == pytest.approx((1 - np.minimum(pooled, 1)).mean())
    assert found.seeds == {"lake": 3, "point": 4}
    profile = performance_profile(strata, np.array([0.9]), "promp")
    assert profile.share[0] == pytest.approx((pooled > 0.9).mean())


def test_a_resample_draws_whole_seeds_within_each_suite() -> None:
    strata = {"lake": normalised(7, (3, 2)), "point": normalised(8, (4, 6))}
    counts = draw_strata(strata, 50, "whole")
    found = resampled_iqms(list(strata.values()), counts)
    for place in range(50):
        lake, point = (
            np.repeat(scores, drawn[:, place], axis=0) for scores, drawn in zip(strata.values(), counts, strict=True)
        )
        assert found[place] == pytest.approx(stats.trim_mean(np.append(np.tile(lake.ravel(), 4), point), 0.25))


def test_tasks_of_a_seed_are_not_taken_for_independent() -> None:
    luck = normalised(9, (8, 1))
    one = aggregate({"point": luck}, "promp").mean.interval
    many = aggregate({"point": np.repeat(luck, 12, axis=1)}, "promp").mean.interval
    assert many == pytest.approx(one)


def test_one_seed_on_a_suite_has_an_estimate_and_no_interval() -> None:
    strata = {"lake": normalised(10, (1, 4)), "point": normalised(11, (3, 4))}
    found = aggregate(strata, "promp")
    assert [getattr(found, name).interval for name in METRICS] == [None] * 4
    assert performance_profile(strata, np.array([0.5]), "promp").interval is None
    assert probability_of_improvement(strata, strata, "promp", "maml").interval is None


def test_adding_an_algorithm_or_a_suite_to_another_leaves_the_draws_alone() -> None:
    strata = columns(normalised(12, (4, 3)))
    before = aggregate(strata, "promp")
    aggregate(columns(normalised(13, (4, 3))), "maml")
    assert aggregate(dict(reversed(strata.items())), "promp") == before
    assert aggregate(strata, "maml") != before
    alone = draw_strata({"suite-01": strata["suite-01"]}, 100, "promp")
    assert (draw_strata(strata, 100, "promp")[1] == alone[0]).all()


def refusals() -> list[Any]:
    good = {"lake": np.ones((2, 3)), "point": np.ones((2, 3))}
    broken = {**good, "point": np.array([[1.0, 1.0, 1.0], [1.0, 1.0, np.nan]])}
    flat = {**good, "point": np.ones(3)}
    named = "promp/point has a score of nan for seed 1, task 2"
    return [
        (lambda: aggregate(broken, "promp"), named),
        (lambda: performance_profile(broken, np.zeros(1), "promp"), named),
        (lambda: probability_of_improvement(good, broken, "maml", "promp"), "maml/promp/second/point has .* seed 1"),
        (lambda: aggregate(flat, "promp"), r"promp/point: scores must be \[seed, task\]"),
        (lambda: aggregate({**good, "point": np.ones((0, 3))}, "promp"), "promp/point holds no score"),
        (lambda: aggregate({}, "promp"), "promp: there is no suite"),
        (lambda: performance_profile({}, np.zeros(1), "promp"), "promp: there is no suite"),
        (lambda: probability_of_improvement(good, {"lake": good["lake"]}, "a", "b"), "one side alone: point"),
        (lambda: probability_of_improvement(good, {**good, "point": np.ones((2, 4))}, "a", "b"), "on 3 and 4 tasks"),
    ]


@pytest.mark.parametrize(("call", "message"), refusals())
def test_what_holds_no_number_is_refused_by_name(call: Callable[[], object], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        call()
