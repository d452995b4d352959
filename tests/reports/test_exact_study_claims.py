"""Verdicts on claims on studies whose numbers are exact, and on statements that hold of every case."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.papers import change
from reports.papers.parts import CONTRADICTED, NO_CHANGE, NOT_RUN, REPRODUCED, VACUOUS
from results.files import StoreError
from results.store import Store
from tests.support.study_claims import FROM, SPREAD, fill, paper_of, verdict_of
from tests.support.study_rows import store_study


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.mark.parametrize(
    ("relation", "dice", "lvc", "word"),
    [
        ("higher", 2.0, 1.0, REPRODUCED),
        ("higher", 1.0, 2.0, CONTRADICTED),
        ("higher", 1.0 + 1e-9, 1.0, NO_CHANGE),
        ("lower", 1.0, 1.0 + 1e-5, REPRODUCED),
    ],
)
def test_what_is_exact_is_decided_by_its_sign_beyond_rounding(
    relation: str, dice: float, lvc: float, word: str, store: Store, tmp_path: Path
) -> None:
    fill(store, [dice], [lvc])
    verdict = verdict_of(paper_of(tmp_path, f'{SPREAD}"{relation}", sampled = "exact"'), store)
    assert (verdict.word, verdict.interval) == (word, None)


@pytest.mark.parametrize(("value", "word"), [(1e-12, REPRODUCED), (0.2, CONTRADICTED)])
def test_an_exact_value_is_what_is_claimed_or_not(value: float, word: str, store: Store, tmp_path: Path) -> None:
    fill(store, [value], [5.0])
    test = f'{SPREAD}"value", factor = 0.0, tolerance = 1e-9, sampled = "exact", {FROM}'
    verdict = verdict_of(paper_of(tmp_path, test), store)
    assert (verdict.word, verdict.effect) == (word, value)


def test_one_quantity_is_held_against_another_of_the_same_method(store: Store, tmp_path: Path) -> None:
    rows = [
        {"quantity": "gap", "algorithm": "dice", "value": 0.1},
        {"quantity": "bound", "algorithm": "dice", "value": 0.3},
    ]
    store_study(store, rows)
    below = 'quantity = "gap", against = "bound", relation = "lower", sampled = "exact"'
    verdict = verdict_of(paper_of(tmp_path, below), store)
    assert verdict.word == REPRODUCED and verdict.effect == pytest.approx(-0.2)
    assert verdict.reasons == ("holds: gap of dice against bound of dice (nothing in it is left to chance)",)


@pytest.mark.parametrize(
    ("curve", "word"),
    [
        ([0.1, 0.2, 0.3, 0.4], REPRODUCED),
        ([0.1, 0.3, 0.2, 0.4], CONTRADICTED),
        ([0.1, 0.2, 0.2 + 2e-8, 0.4], NO_CHANGE),
    ],
)
def test_what_rises_never_falls_along_its_index(curve: list[float], word: str, store: Store, tmp_path: Path) -> None:
    fine = [0.0, 1.0, 2.0, 3.0]
    rows = [
        {"quantity": "spread", "algorithm": "dice", "task": task, "index": index, "value": value}
        for task, values in (("a", fine), ("b", curve))
        for index, value in reversed(list(enumerate(values)))
    ]
    store_study(store, rows)
    verdict = verdict_of(paper_of(tmp_path, SPREAD + '"rises", sampled = "exact"'), store)
    assert verdict.word == word
    assert verdict.effect == pytest.approx(min(np.diff(curve)))


BOUND = 'quantity = "gap", against = "bound", relation = "lower", sampled = "exact", trivial = "range"'


@pytest.mark.parametrize(("bound", "word"), [(0.3, REPRODUCED), (0.05, CONTRADICTED), (87_183.0, VACUOUS)])
def test_a_bound_that_nothing_could_exceed_is_vacuous(bound: float, word: str, store: Store, tmp_path: Path) -> None:
    rows = [
        {"quantity": "gap", "algorithm": "dice", "value": 0.1},
        {"quantity": "bound", "algorithm": "dice", "value": bound},
        {"quantity": "range", "algorithm": "", "value": 10.0},
    ]
    store_study(store, rows)
    verdict = verdict_of(paper_of(tmp_path, BOUND), store)
    assert verdict.word == word
    if word == VACUOUS:
        assert "no smaller than range, 10" in verdict.reasons[0]


def test_a_vacuous_part_keeps_a_claim_from_being_reproduced(store: Store, tmp_path: Path) -> None:
    rows = [
        {"quantity": "gap", "algorithm": "dice", "value": 0.1},
        {"quantity": "tight", "algorithm": "dice", "value": 0.3},
        {"quantity": "bound", "algorithm": "dice", "value": 99.0},
        {"quantity": "range", "algorithm": "", "value": 10.0},
    ]
    store_study(store, rows)
    tight = BOUND.replace('"bound"', '"tight"')
    assert verdict_of(paper_of(tmp_path, tight, BOUND), store).word == VACUOUS
    shown = verdict_of(paper_of(tmp_path, tight, BOUND + ", judged = false"), store)
    assert shown.word == REPRODUCED
    assert shown.reasons[-1].startswith("shown, not judged: vacuous: bound of dice")


def test_one_value_is_held_against_a_number(store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1, 3.2], [1.0, 1.1, 1.1])
    assert verdict_of(paper_of(tmp_path, SPREAD + '"above", factor = 2.0'), store).word == REPRODUCED
    assert verdict_of(paper_of(tmp_path, SPREAD + '"below", factor = 2.0'), store).word == CONTRADICTED


@pytest.mark.parametrize(("relation", "second"), [("lower", [30.0, 20.0, 10.0]), ("ratio", [1.0, 1.0, 20.1])])
def test_what_is_said_of_every_case_is_judged_at_the_worst_of_them(
    relation: str, second: list[float], store: Store, tmp_path: Path
) -> None:
    """Means would let two cases that hold outweigh one that does not."""
    dice = [1.0, 1.0, 20.0] if relation == "lower" else [1.0, 3.0, 20.0]
    rows = [
        {"quantity": "spread", "algorithm": name, "index": case, "value": value}
        for name, values in (("dice", dice), ("lvc", second))
        for case, value in enumerate(values)
    ]
    store_study(store, rows)
    exact = f'{SPREAD}"{relation}", factor = 1.0, tolerance = 0.2, margin_from = "ours", sampled = "exact"'
    assert verdict_of(paper_of(tmp_path, exact), store).word == REPRODUCED
    verdict = verdict_of(paper_of(tmp_path, exact + ", every = true"), store)
    assert verdict.word == CONTRADICTED
    assert verdict.effect == pytest.approx(10.0 if relation == "lower" else 3.0)
    assert "the least favourable of 3 cases" in verdict.reasons[0]
    assert "in every case" in change.test_text(verdict.claim)
    with pytest.raises(StoreError, match="every holds of exact numbers"):
        paper_of(tmp_path, SPREAD + '"higher", every = true')


def test_sides_without_a_common_case_are_not_judged(store: Store, tmp_path: Path) -> None:
    sides = (("dice", 0), ("lvc", 1))
    store_study(store, [{"quantity": "spread", "algorithm": a, "index": k, "value": 1.0} for a, k in sides])
    verdict = verdict_of(paper_of(tmp_path, SPREAD + '"lower", sampled = "exact", every = true'), store)
    assert verdict.word == NOT_RUN
    assert "have no unit in common" in verdict.reasons[0]


def test_what_cannot_fail_is_vacuous_for_the_reason_that_is_given(store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1, 3.2], [1.0, 1.1, 1.1])
    verdict = verdict_of(paper_of(tmp_path, SPREAD + '"higher", cannot_fail = "it is trained to be"'), store)
    assert verdict.word == VACUOUS and "it is trained to be" in verdict.reasons[0]
    assert verdict.effect == pytest.approx(3.1 - 3.2 / 3)


ACCURATE = 'tolerance = 0.01, margin_from = "the starts"'


def test_what_is_taken_for_no_change_and_where_is_said_with_the_test(tmp_path: Path) -> None:
    exact = f'{SPREAD}"higher", sampled = "exact", {ACCURATE}, suite = "point[start=uniform]"'
    (claim,) = paper_of(tmp_path, SPREAD + '"higher"', exact).claims
    plain = "spread of dice above that of lvc"
    assert (
        change.test_text(claim)
        == f"study study: {plain}; {plain} by more than 0.01 (the starts) on point[start=uniform]"
    )


def test_a_quantity_of_no_algorithm_is_not_said_to_be_of_one(tmp_path: Path) -> None:
    (claim,) = paper_of(tmp_path, SPREAD + f'"value", sampled = "exact", {ACCURATE}').claims
    assert change.test_text(replace(claim, first=(), second=())) == "study study: spread is 0 ± 0.01 (the starts)"


def test_no_change_says_to_what_the_numbers_are_accurate(store: Store, tmp_path: Path) -> None:
    store_study(store, [{"quantity": "spread", "algorithm": a, "value": v} for a, v in (("dice", 2.0), ("lvc", 1.995))])
    verdict = verdict_of(paper_of(tmp_path, f'{SPREAD}"higher", sampled = "exact", {ACCURATE}'), store)
    assert verdict.word == NO_CHANGE
    assert "the two differ by no more than 0.01, the starts" in verdict.reasons[-1]
