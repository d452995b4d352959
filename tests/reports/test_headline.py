"""Headlines: one family over all suites and readings, and what they say of ranks."""

from __future__ import annotations

import numpy as np
import pytest

from reports.statistics.headline import ALPHA, decide_headline
from reports.statistics.mean_difference import compare_means
from reports.statistics.readings import READINGS, as_read, next_reading, seeds_read
from results.files import StoreError


def boards(seed: int, suites: int, levels: tuple[float, ...], seeds: int = 10) -> dict[str, dict[str, np.ndarray]]:
    generator = np.random.default_rng(seed)
    return {
        f"suite-{suite}": {
            f"algorithm-{place}": level + generator.normal(size=(seeds, 3)).mean(axis=1)
            for place, level in enumerate(levels)
        }
        for suite in range(suites)
    }


def test_what_lies_far_apart_is_ranked_and_what_lies_together_shares_its_ranks() -> None:
    found = decide_headline(boards(1, 2, (0.0, 0.0, 50.0)))
    assert found.ranks["suite-0"] == {"algorithm-0": (2, 3), "algorithm-1": (2, 3), "algorithm-2": (1, 1)}
    assert found.orders["suite-1"] == {("algorithm-0", "algorithm-2"): -1, ("algorithm-1", "algorithm-2"): -1}
    assert found.tests == 6


def test_all_suites_are_one_family() -> None:
    scores = boards(2, 1, (0.0, 3.0), seeds=10)
    alone = decide_headline(scores).p_values["suite-0"]["algorithm-0", "algorithm-1"]
    together = decide_headline({**boards(3, 8, (0.0, 0.0)), **scores}).p_values["suite-0"]["algorithm-0", "algorithm-1"]
    assert together == pytest.approx(8 * alone)


def test_a_pair_is_decided_exactly_where_its_p_value_says_so() -> None:
    found = decide_headline(boards(4, 3, (0.0, 1.0, 3.0, 8.0)))
    for suite, p_values in found.p_values.items():
        assert {pair for pair, p_value in p_values.items() if p_value <= ALPHA} == set(found.orders[suite])
    assert any(found.orders.values())


def test_seeds_between_two_readings_move_no_decision() -> None:
    scores = boards(5, 2, (0.0, 4.0, 9.0), seeds=9)
    fewer = {suite: {name: own[:5] for name, own in entries.items()} for suite, entries in scores.items()}
    assert decide_headline(scores) == decide_headline(fewer)
    assert as_read(np.arange(9), np.arange(40)) is not None
    assert [seeds_read(2, 9), seeds_read(4, 40), seeds_read(9, 5), seeds_read(50, 60)] == [None, 3, 5, 20]
    assert [next_reading(1), next_reading(3, 40), next_reading(20)] == [3, 5, None]


def test_one_seed_says_nothing_and_weakens_nobody() -> None:
    scores = boards(6, 1, (0.0, 6.0))
    before = decide_headline(scores)
    scores["suite-0"]["new"] = np.array([5.0])
    scores["other"] = {"algorithm-0": np.ones(1), "algorithm-1": np.zeros(2)}
    after = decide_headline(scores)
    pair = ("algorithm-0", "algorithm-1")
    assert after.p_values["suite-0"][pair] == before.p_values["suite-0"][pair]
    assert after.comparisons["other"][pair] is None
    assert after.ranks["suite-0"]["new"] == (1, 3)
    assert (before.tests, after.tests) == (1, 1)


@pytest.mark.parametrize("luck", ["normal", "skewed"])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_equal_means_are_told_apart_at_most_as_often_as_said(luck: str, seeds: int) -> None:
    # the intervals' overlap, which headlines rested on, errs on 80 % of such pages with 3 seeds
    generator = np.random.default_rng(seeds)
    wrong = 0
    for _ in range(150):
        scores = generator.normal(size=(4, 4, seeds)) if luck == "normal" else generator.exponential(size=(4, 4, seeds))
        scores[:, 0] = (scores[:, 0] - (luck == "skewed")) * 0.05 + (luck == "skewed")
        found = decide_headline({str(suite): dict(zip("abcd", own, strict=True)) for suite, own in enumerate(scores)})
        wrong += any(found.orders.values())
    assert wrong / 150 < ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / 150)


def test_reading_again_after_each_seed_decides_no_more_often_than_said() -> None:
    generator = np.random.default_rng(7)
    wrong = 0
    for _ in range(150):
        scores = dict(zip("abc", generator.normal(size=(3, 12)), strict=True))
        read = (
            decide_headline({"lake": {name: own[:seeds] for name, own in scores.items()}}) for seeds in range(3, 13)
        )
        wrong += any(found.orders["lake"] for found in read)
    assert wrong / 150 < ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / 150)


def test_each_of_four_readings_spends_a_quarter_of_the_error() -> None:
    first, second = np.random.default_rng(8).normal([[0.0], [3.0]], size=(2, 10))
    alone = compare_means(first, second).p_value
    assert alone is not None and 0 < 4 * alone < 1
    (found,) = decide_headline({"lake": {"a": first, "b": second}}).p_values["lake"].values()
    assert found == pytest.approx(4 * alone)


@pytest.mark.parametrize("corrected", [True, False])
def test_it_is_the_correction_that_lets_a_page_be_read_again(corrected: bool) -> None:
    """Skewed seeds against a steady side, where a single reading errs in up to 5 of 100 pages."""
    generator = np.random.default_rng(9)
    wrong = 0
    for _ in range(400):
        noisy, steady = generator.exponential(size=20) - 1, np.zeros(20)
        steady[0] = 1e-9
        for seeds in (3, 5, 10, 20):
            own = {"a": noisy[:seeds], "b": steady[:seeds]}
            if corrected and decide_headline({"lake": own}).orders["lake"]:
                break
            if not corrected and (compare_means(own["a"], own["b"]).p_value or 1.0) <= ALPHA:
                break
        else:
            continue
        wrong += 1
    limit = ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / 400)
    assert bool(wrong / 400 < limit) is corrected  # 3 % against 14 %


def test_a_page_without_a_pair_decides_nothing() -> None:
    assert decide_headline({}).ranks == {}
    assert decide_headline({"lake": {"a": np.ones(5)}}).ranks == {"lake": {"a": (1, 1)}}


def test_scores_that_are_no_number_are_refused_by_name() -> None:
    with pytest.raises(StoreError, match="lake/a/b/second has a score of nan for seed 2"):
        decide_headline({"lake": {"a": np.ones(3), "b": np.array([1, 2, np.nan])}})
    assert len(READINGS) == 4
