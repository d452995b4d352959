"""Rank sets: what decided orders leave open, chained only where both links are decided."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from reports.statistics.rank_sets import rank_sets


def test_without_a_decision_every_rank_is_open() -> None:
    assert rank_sets(("a", "b", "c"), {}) == dict.fromkeys("abc", (1, 3))
    assert rank_sets(("a", "b", "c"), {("a", "b"): 0}) == dict.fromkeys("abc", (1, 3))
    assert rank_sets((), {}) == {}


def test_either_sign_says_who_is_above() -> None:
    expected = {"a": (1, 2), "b": (2, 3), "c": (1, 3)}
    assert rank_sets(("a", "b", "c"), {("a", "b"): 1}) == expected
    assert rank_sets(("a", "b", "c"), {("b", "a"): -1}) == expected


def test_decided_orders_are_chained_and_undecided_ones_are_not() -> None:
    chain = {("a", "b"): 1, ("b", "c"): 1}
    assert rank_sets("abcd", chain) == {"a": (1, 2), "b": (2, 3), "c": (3, 4), "d": (1, 4)}
    # a above c is decided; b lies undecided between them, and may still be first or last
    assert rank_sets("abc", {("a", "c"): 1}) == {"a": (1, 2), "b": (1, 3), "c": (2, 3)}


def test_every_order_that_agrees_with_the_decisions_lies_within_the_sets() -> None:
    generator = np.random.default_rng(1)
    names = "abcde"
    for _ in range(30):
        truth = {name: place for place, name in enumerate(generator.permutation(list(names)))}
        decided = {
            (first, second): 1 if truth[first] < truth[second] else -1
            for first, second in combinations(names, 2)
            if generator.random() < 0.3
        }
        agreeing = [
            order
            for order in permutations(names)
            if all(
                (order.index(first) < order.index(second)) == (sign > 0) for (first, second), sign in decided.items()
            )
        ]
        for name, (best, worst) in rank_sets(names, decided).items():
            ranks = {order.index(name) + 1 for order in agreeing}
            assert (min(ranks), max(ranks)) == (best, worst)


def test_contradictions_and_strangers_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="contradict one another: a, b, c stand above themselves"):
        rank_sets("abc", {("a", "b"): 1, ("b", "c"): 1, ("a", "c"): -1})
    with pytest.raises(ValueError, match="no such name: z"):
        rank_sets("abc", {("a", "z"): 1})
    with pytest.raises(ValueError, match="names must differ"):
        rank_sets("aba", {})
