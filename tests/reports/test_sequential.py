"""Sequential decisions: their error rate, their power, whose seeds are missing, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from reports.statistics.mean_difference import compare_means
from reports.statistics.sequential import ALPHA, LOOKS, Decision, decide
from results.files import StoreError


def leaderboard(seed: int, levels: tuple[float, ...], seeds: int = LOOKS[-1]) -> dict[str, np.ndarray]:
    scores = np.random.default_rng(seed).normal(size=(len(levels), seeds)) + np.array(levels)[:, None]
    return {f"algorithm-{index}": own for index, own in enumerate(scores)}


def decided(decision: Decision) -> dict[tuple[str, str], str]:
    return {pair: outcome for pair, outcome in decision.outcomes.items() if outcome.endswith("higher")}


@pytest.mark.parametrize("levels", [(0.0,) * 6, (0.0,) * 3 + (90.0,) * 3, (0.0, 0.0)])
def test_identical_algorithms_are_told_apart_at_most_as_often_as_said(levels: tuple[float, ...]) -> None:
    boards, wrong = 300, 0
    for board in range(boards):
        pairs = decided(decide(leaderboard(board, levels), LOOKS, ALPHA, "point", str(board)))
        wrong += any(levels[int(first[-1])] == levels[int(second[-1])] for first, second in pairs)
    assert wrong / boards < ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / boards)


@pytest.mark.parametrize("luck", ["normal", "skewed"])
def test_a_steady_algorithm_raises_the_error_no_further(luck: str) -> None:
    # by shuffling, one of six with a tenth of the spread was told apart on 11 % of normal leaderboards
    generator, boards, wrong = np.random.default_rng(1), 400, 0
    for _ in range(boards):
        scores = generator.normal(size=(6, 10)) if luck == "normal" else generator.exponential(size=(6, 10)) - 1
        scores[0] *= 0.1
        wrong += bool(decided(decide(dict(zip("abcdef", scores, strict=True)), LOOKS, ALPHA, "point")))
    assert wrong / boards < ALPHA + 2 * np.sqrt(ALPHA * (1 - ALPHA) / boards)


def test_what_lies_far_apart_is_decided_at_the_first_look_and_needs_no_more_seeds() -> None:
    scores = leaderboard(1, (0.0, 20.0, 40.0), seeds=LOOKS[0])
    decision = decide(scores, LOOKS, ALPHA, "point")
    assert set(decision.outcomes.values()) == {"second higher"}
    assert set(decision.decided_at.values()) == {LOOKS[0]}
    assert all(p_value <= ALPHA for p_value in decision.p_values.values())
    assert (decision.looks_used, decision.more_seeds, decision.next_look) == (LOOKS[:1], (), None)
    lower = decide({name: -own for name, own in scores.items()}, LOOKS, ALPHA, "point")
    assert set(lower.outcomes.values()) == {"first higher"}


def test_decided_algorithms_may_stop_while_the_others_go_on() -> None:
    scores = leaderboard(2, (0.0, 0.1, 50.0))
    scores["algorithm-2"] = scores["algorithm-2"][: LOOKS[0]]
    waiting = {name: own[: LOOKS[0] + 1] for name, own in scores.items()}
    first = decide(waiting, LOOKS, ALPHA, "point")
    assert first.more_seeds == ("algorithm-0", "algorithm-1")
    assert (first.looks_used, first.next_look) == (LOOKS[:1], LOOKS[1])
    assert first.outcomes["algorithm-0", "algorithm-1"] == "not yet"
    last = decide(scores, LOOKS, ALPHA, "point")
    assert last.looks_used == LOOKS
    assert last.outcomes["algorithm-0", "algorithm-1"] == "undecided"
    assert (last.more_seeds, last.next_look) == ((), None)
    assert decided(last) == decided(first)
    assert {last.decided_at[pair] for pair in decided(last)} == {LOOKS[0]}


def test_a_later_look_never_takes_a_decision_back() -> None:
    scores = leaderboard(3, (0.0, 0.8, 1.6, 2.4, 3.2))
    before: dict[tuple[str, str], str] = {}
    for seeds in LOOKS:
        now = decided(decide({name: own[:seeds] for name, own in scores.items()}, LOOKS, ALPHA, "point"))
        assert before.items() <= now.items()
        before = now
    assert 0 < len(before) < 10


def test_a_pair_is_decided_exactly_where_its_p_value_is_at_most_alpha() -> None:
    for board in range(20):
        decision = decide(leaderboard(board, (0.0, 0.0, 1.0, 2.0)), LOOKS, ALPHA, "point")
        below = {pair for pair, p_value in decision.p_values.items() if p_value <= ALPHA}
        assert below == set(decided(decision)) == set(decision.decided_at)


def test_one_look_at_one_pair_is_the_comparison_of_means() -> None:
    generator = np.random.default_rng(4)
    first, second = generator.normal(size=5) + 1.2, generator.normal(size=5)
    found = decide({"a": first, "b": second}, (5,), ALPHA, "point").p_values["a", "b"]
    assert found == pytest.approx(compare_means(first, second).p_value)


def test_a_look_spends_its_share_and_p_values_are_corrected_for_it() -> None:
    scores = {"a": np.random.default_rng(5).normal(size=10), "b": np.random.default_rng(6).normal(size=10)}
    first, both = (decide(scores, looks, ALPHA, "point").p_values["a", "b"] for looks in ((5,), (5, 10)))
    last = decide(scores, (10,), ALPHA, "point").p_values["a", "b"]
    assert both == pytest.approx(min(2 * first, 2 * last, 1))


def test_a_noisy_algorithm_does_not_hide_the_others() -> None:
    scores = leaderboard(6, (0.0, 8.0, 0.0))
    scores["algorithm-2"] = scores["algorithm-2"] * 1000
    assert decided(decide(scores, LOOKS, ALPHA, "point")) == {("algorithm-0", "algorithm-1"): "second higher"}


def test_neither_the_order_of_names_nor_a_change_of_units_matters() -> None:
    scores = leaderboard(7, (0.0, 1.0, 2.0, 3.0))
    decision = decide(scores, LOOKS, ALPHA, "point")
    assert decide(dict(reversed(scores.items())), LOOKS, ALPHA, "point") == decision
    scaled = decide({name: 64 * own + 1e6 for name, own in scores.items()}, LOOKS, ALPHA, "point")
    assert scaled.outcomes == decision.outcomes
    assert scaled.p_values == pytest.approx(decision.p_values)


def test_seeds_beyond_the_last_look_are_not_read() -> None:
    scores = leaderboard(8, (0.0, 1.0, 2.0), seeds=15)
    planned = {name: own[: LOOKS[-1]] for name, own in scores.items()}
    assert decide(scores, LOOKS, ALPHA, "point") == decide(planned, LOOKS, ALPHA, "point")


def test_equal_scores_are_not_told_apart() -> None:
    scores = {name: np.full(10, 0.1) for name in ("a", "b", "c")}
    decision = decide(scores, LOOKS, ALPHA, "point")
    assert set(decision.outcomes.values()) == {"undecided"}
    assert set(decision.p_values.values()) == {1.0}


@pytest.mark.parametrize("seeds", [0, 1, LOOKS[0] - 1])
def test_fewer_seeds_than_the_first_look_decide_nothing_and_name_who_needs_more(seeds: int) -> None:
    scores = {**leaderboard(9, (0.0, 50.0)), "new": np.zeros(seeds)}
    decision = decide(scores, LOOKS, ALPHA, "point")
    assert set(decision.outcomes.values()) == {"not yet"}
    assert (decision.looks_used, decision.more_seeds, decision.next_look) == ((), ("new",), LOOKS[0])


@pytest.mark.parametrize("names", [(), ("alone",)])
def test_without_a_pair_there_is_nothing_to_decide(names: tuple[str, ...]) -> None:
    decision = decide({name: np.ones(3) for name in names}, LOOKS, ALPHA, "point")
    assert (decision.outcomes, decision.more_seeds, decision.next_look) == ({}, (), None)


def test_bad_scores_and_plans_are_refused_by_name() -> None:
    scores = leaderboard(10, (0.0, 1.0))
    with pytest.raises(StoreError, match="point/promp has a score of nan for seed 2"):
        decide({**scores, "promp": np.array([1.0, 2.0, np.nan])}, LOOKS, ALPHA, "point")
    for looks in ((), (0, 5), (5, 5), (7, 5)):
        with pytest.raises(ValueError, match="looks must be growing"):
            decide(scores, looks, ALPHA, "point")
    with pytest.raises(ValueError, match="alpha must be in"):
        decide(scores, LOOKS, 1.0, "point")
