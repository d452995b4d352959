"""Interquartile means against rliable and SciPy, and intervals that resample whole seeds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from rliable import library, metrics
from scipy import stats

from docs.statistics_simulation.percentile_bootstrap import bootstrap_iqms, iqm_intervals
from reports.statistics.aggregate import summarise
from reports.statistics.bootstrap import draw_counts, interquartile_mean, keyed_generator
from reports.statistics.seed_interval import mean_interval, middle_means, printed_coverage, seed_interval


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (3, 1), (3, 5), (5, 20), (10, 7)])
def test_the_interquartile_mean_is_that_of_rliable_and_scipy(shape: tuple[int, int]) -> None:
    scores = np.random.default_rng(3).lognormal(size=shape)
    assert interquartile_mean(scores) == pytest.approx(metrics.aggregate_iqm(scores), rel=1e-12)
    assert interquartile_mean(scores) == pytest.approx(stats.trim_mean(scores, 0.25, axis=None), rel=1e-12)
    by_seed = [metrics.aggregate_iqm(own) for own in scores]
    assert middle_means(scores) == pytest.approx(np.array(by_seed), rel=1e-12)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_with_one_task_the_interval_is_that_of_rliable(seeds: int) -> None:
    # with one column, resampling seeds and rliable's resampling within each task are the same thing
    scores = np.random.default_rng(seeds).normal(size=(seeds, 1))
    state = np.random.get_state()
    np.random.seed(1)  # rliable draws from the global generator, whatever seed it is given
    try:
        _, theirs = library.get_interval_estimates(
            {"ours": scores}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=2000
        )
    finally:
        np.random.set_state(state)
    ours = iqm_intervals(scores[None], "parity")[0]
    assert ours == pytest.approx(theirs["ours"][:, 0], abs=0.08 * scores.std())


def test_a_resample_takes_seeds_whole_and_trims_what_it_took() -> None:
    scores = np.random.default_rng(5).normal(size=(4, 6))
    found = bootstrap_iqms(scores[None], keyed_generator("whole"), resamples=300)[0]
    drawn = draw_counts(4, 300, keyed_generator("whole"))
    expected = [stats.trim_mean(np.repeat(scores, counts, axis=0), 0.25, axis=None) for counts in drawn.T]
    assert found == pytest.approx(np.array(expected), rel=1e-12)


def test_a_resample_takes_as_many_seeds_as_there_are_each_as_often() -> None:
    counts = draw_counts(7, 20_000, keyed_generator("counts"))
    assert counts.shape == (7, 20_000)
    assert (counts.sum(axis=0) == 7).all()
    assert counts.mean(axis=1) == pytest.approx(np.ones(7), abs=0.03)
    assert counts.var(axis=1) == pytest.approx(np.full(7, 6 / 7), abs=0.04)


def test_three_seeds_give_the_quantiles_of_all_their_resamples() -> None:
    scores = np.random.default_rng(7).normal(size=(3, 4))
    every = [interquartile_mean(scores[list(draw)]) for draw in itertools.product(range(3), repeat=3)]
    low, high = iqm_intervals(scores[None], "enumerated")[0]
    assert (low, high) == pytest.approx((min(every), max(every)))  # the two extremes have a chance of 1/27 each


def test_intervals_are_wider_than_if_tasks_were_resampled_apart() -> None:
    generator = np.random.default_rng(11)
    scores = generator.normal(size=(8, 1)) + 0.1 * generator.normal(size=(8, 12))  # tasks share the seed's luck
    low, high = iqm_intervals(scores[None], "shared")[0]
    apart = np.stack([generator.choice(scores[:, task], (2000, 8)) for task in range(12)], axis=2)
    narrow = np.quantile([interquartile_mean(resample) for resample in apart], [0.025, 0.975])
    assert high - low > 2 * (narrow[1] - narrow[0])


def test_draws_depend_on_the_key_alone() -> None:
    scores = np.random.default_rng(13).normal(size=(2, 10, 3))
    first = iqm_intervals(scores, "suite", "promp")
    iqm_intervals(scores, "suite", "another")
    assert (iqm_intervals(scores, "suite", "promp") == first).all()
    assert (iqm_intervals(scores[:1], "suite", "promp") == first[:1]).all()
    assert (iqm_intervals(scores, "suite", "another") != first).any()


def entries(kind: str, boards: int, seeds: int) -> np.ndarray:
    """Scores [board, seed, task] whose tasks differ by three times the seeds' standard deviation."""
    generator = np.random.default_rng(seeds)
    shape = (boards, seeds, 1)
    luck = generator.normal(size=shape) if kind == "normal" else generator.exponential(size=shape)
    return luck + 0.5 * generator.normal(size=(boards, seeds, 12)) + 3 * stats.norm.ppf((np.arange(12) + 0.5) / 12)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("kind", ["normal", "skewed"])
def test_the_interval_covers_as_often_as_pages_print(kind: str, seeds: int) -> None:
    scores, many = entries(kind, 1500, seeds), entries(kind, 1, 50_000)
    truth = interquartile_mean(many)
    found = [seed_interval(board) for board in scores]
    share = np.mean([interval is not None and interval[0] <= truth <= interval[1] for interval in found])
    printed = printed_coverage(seeds)
    assert printed is not None
    assert printed[0] - 0.03 < share < printed[1] + 0.03
    assert share > 0.86  # the percentile bootstrap covers 0.72 to 0.89


def test_the_printed_coverage_is_that_of_no_more_seeds_than_there_are() -> None:
    assert printed_coverage(1) is None
    assert printed_coverage(6) == printed_coverage(5) != printed_coverage(7)
    assert printed_coverage(500) == printed_coverage(20)


def test_the_interval_is_students_around_the_interquartile_mean() -> None:
    scores = np.random.default_rng(19).lognormal(size=(5, 9))
    own = np.array([interquartile_mean(seed) for seed in scores])
    half = stats.t.ppf(0.975, 4) * stats.sem(own)
    middle = interquartile_mean(scores)
    assert seed_interval(scores) == pytest.approx((middle - half, middle + half))
    means = scores.mean(axis=1)
    expected = stats.t.interval(0.95, 4, means.mean(), stats.sem(means))
    assert mean_interval(scores) == mean_interval(means) == pytest.approx(expected)


def test_tasks_that_differ_do_not_widen_the_interval() -> None:
    scores = np.random.default_rng(23).normal(size=(5, 1)) + np.zeros((5, 8))
    plain, apart = seed_interval(scores), seed_interval(scores + 1000.0 * np.arange(8))
    assert plain is not None and apart is not None
    assert apart[1] - apart[0] == pytest.approx(plain[1] - plain[0])


def test_a_summary_names_both_spreads() -> None:
    scores = np.array([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]])
    (summary,) = summarise(scores[None], "suite", "promp")
    assert (summary.mean, summary.seeds, summary.tasks) == (4.0, 2, 3)
    assert summary.std_seeds == pytest.approx(np.std([3.0, 5.0], ddof=1))
    assert summary.std_tasks == pytest.approx(np.std([2.0, 3.0, 7.0], ddof=1))


def test_one_seed_has_no_interval() -> None:
    (summary,) = summarise(np.ones((1, 1, 5)), "suite", "promp")
    assert summary.interval is summary.mean_interval is None
    assert summary.std_seeds is None
    with pytest.raises(ValueError, match="suite/promp: an interval needs at least 2 seeds, got 1"):
        iqm_intervals(np.ones((1, 1, 5)), "suite", "promp")


def test_equal_scores_give_an_interval_without_width() -> None:
    (summary,) = summarise(np.full((1, 3, 7), 0.7), "suite", "promp")
    assert summary.interval == (0.7, 0.7)


@pytest.mark.parametrize(
    "scores", [np.full((1, 2, 2), np.nan), np.full((1, 2, 2), np.inf), np.ones((0, 2, 2)), np.ones(3)]
)
def test_scores_that_hold_no_number_are_refused(scores: np.ndarray) -> None:
    with pytest.raises(ValueError, match="suite/promp"):
        summarise(scores, "suite", "promp")


def test_an_interval_of_shares_ends_where_shares_do() -> None:
    """A drone that met its goal in 1 % of the episodes had an interval down to -3 %."""
    scores = np.array([[[0.0, 0.0], [0.0, 0.1], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.9], [1.0, 1.0]]])
    free, shares = summarise(scores, "suite", "promp"), summarise(scores, "suite", "promp", share=True)
    for point, low in ((0, True), (1, False)):
        for name in ("interval", "mean_interval"):
            ends, ended = getattr(free[point], name), getattr(shares[point], name)
            assert ends[0] < 0 if low else ends[1] > 1
            assert ended == ((0.0, ends[1]) if low else (ends[0], 1.0))


def test_an_interval_of_zeros_is_exactly_zero_whatever_lies_outside_the_middle() -> None:
    rare = np.zeros((1, 3, 20))
    rare[0, 0, :3] = 0.1, 0.2, 0.7
    rare[0, 1, 4:6] = 0.3, 0.1

    (seldom,) = summarise(rare, "suite", "seldom")

    assert seldom.interval == (0.0, 0.0) and seldom.iqm == 0.0
