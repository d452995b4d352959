"""Verdicts on claims on studies whose numbers are sampled: by the interval of what their units say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.papers import change
from reports.papers.parts import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED
from reports.statistics.mean_difference import compare_to
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
        ("higher", [3.0, 3.1, 3.2], [1.0, 1.1, 1.1], REPRODUCED),
        ("higher", [1.0, 1.1, 1.1], [3.0, 3.1, 3.2], CONTRADICTED),
        ("higher", [1.0, 3.0, 2.0], [1.5, 1.9, 2.5], UNDECIDED),
        ("lower", [1.0, 1.1, 1.1], [3.0, 3.1, 3.2], REPRODUCED),
        ("lower", [3.0, 3.1, 3.2], [1.0, 1.1, 1.1], CONTRADICTED),
    ],
)
def test_sampled_sides_are_decided_by_the_interval_of_their_difference(
    relation: str, dice: list[float], lvc: list[float], word: str, store: Store, tmp_path: Path
) -> None:
    fill(store, dice, lvc)
    verdict = verdict_of(paper_of(tmp_path, f'{SPREAD}"{relation}"'), store)
    assert (verdict.word, verdict.seeds) == (word, 3)
    assert verdict.interval is not None and verdict.effect == pytest.approx(sum(dice) / 3 - sum(lvc) / 3)


def test_the_interval_is_of_the_differences_over_seeds_that_both_sides_share(store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 4.0, 8.0], [1.0, 3.0, 5.0])  # differences 2, 1, 3
    verdict = verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)
    assert verdict.interval == compare_to([2.0, 1.0, 3.0]).interval
    assert verdict.word == UNDECIDED


@pytest.mark.parametrize(
    ("relation", "dice", "word"),
    [
        ("higher", [99.0, 98.9, 99.1], REPRODUCED),  # by 1 % lower
        ("higher", [80.0, 80.1, 79.9], CONTRADICTED),
        ("higher", [95.0, 95.1, 94.9], UNDECIDED),
        ("lower", [101.0, 100.9, 101.1], REPRODUCED),
        ("lower", [120.0, 120.1, 119.9], CONTRADICTED),
    ],
)
def test_no_lower_is_a_margin_of_the_second_side(
    relation: str, dice: list[float], word: str, store: Store, tmp_path: Path
) -> None:
    fill(store, dice, [100.0, 100.0, 100.0])
    text = f'{SPREAD}"{relation}", margin = 0.05, margin_from = "no lower"'
    verdict = verdict_of(paper_of(tmp_path, text), store)
    assert verdict.word == word and verdict.effect == pytest.approx(sum(dice) / 3 - 100)
    said = "lower" if relation == "higher" else "higher"
    assert f"claimed no {said} by more than 5, 5 % of the second; no lower" in verdict.reasons[0]
    assert "short of it by less than 5 % of its size (no lower)" in change.test_text(verdict.claim)


@pytest.mark.parametrize(("relation", "share"), [("higher", 0.95), ("lower", 1.05)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_margin_is_as_uncertain_as_the_side_that_it_is_a_share_of(
    relation: str, share: float, sign: int, store: Store, tmp_path: Path
) -> None:
    dice, lvc = np.array([98.0, 101.0, 99.0, 100.0]), np.array([90.0, 112.0, 99.0, 97.0])
    fill(store, (sign * dice).tolist(), (sign * lvc).tolist())
    text = f'{SPREAD}"{relation}", margin = 0.05, margin_from = "no lower"'
    verdict = verdict_of(paper_of(tmp_path, text), store)
    end = share if sign > 0 else 2 - share
    assert verdict.parts[0].raw_p == pytest.approx(compare_to(sign * (dice - end * lvc)).p_value, rel=1e-9)


def test_a_magnitude_is_that_of_each_seeds_mean(store: Store, tmp_path: Path) -> None:
    """The signed values are below, those without their signs above."""
    fill(store, [-5.0, -5.2, -4.9, -5.1, -5.0], [1.0, 1.1, 0.9, 1.0, -1.0])
    paper = paper_of(tmp_path, f'{SPREAD}"lower", magnitude = true', f'{SPREAD}"lower", judged = false')
    verdict = verdict_of(paper, store)
    magnitude, signed = verdict.parts
    assert (verdict.word, magnitude.word, signed.word) == (CONTRADICTED, CONTRADICTED, REPRODUCED)
    assert magnitude.effect == pytest.approx(5.04 - 1.0) and signed.effect == pytest.approx(-5.04 - 0.6)
    assert magnitude.pair == "magnitude of the spread of dice against lvc"
    with pytest.raises(StoreError, match="a magnitude is that of a seed's mean, not of mdps with 'lower'"):
        paper_of(tmp_path, f'{SPREAD}"lower", magnitude = true, sampled = "mdps"')


def test_only_a_difference_has_a_margin(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="only the relations 'higher' and 'lower'"):
        paper_of(tmp_path, f'{SPREAD}"value", tolerance = 1.0, margin = 0.05, {FROM}')


def test_a_single_seed_decides_nothing(store: Store, tmp_path: Path) -> None:
    fill(store, [30.0], [1.0])
    verdict = verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)
    assert (verdict.word, verdict.effect, verdict.interval) == (UNDECIDED, 29.0, None)
    assert "a test needs at least 2 seeds" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("factor", "tolerance", "word"), [(2.0, 0.5, REPRODUCED), (4.0, 0.5, CONTRADICTED), (2.1, 0.1, UNDECIDED)]
)
def test_a_ratio_is_decided_by_its_interval_and_tolerance(
    factor: float, tolerance: float, word: str, store: Store, tmp_path: Path
) -> None:
    fill(store, [2.0, 4.2, 3.9], [1.0, 2.0, 2.0])
    test = f'{SPREAD}"ratio", factor = {factor}, tolerance = {tolerance}, {FROM}'
    verdict = verdict_of(paper_of(tmp_path, test), store)
    assert verdict.word == word
    assert verdict.effect == pytest.approx(math.exp((math.log(2) + math.log(2.1) + math.log(1.95)) / 3))


def test_a_ratio_of_what_is_not_positive_means_nothing(store: Store, tmp_path: Path) -> None:
    fill(store, [2.0, -4.0], [1.0, 2.0])
    verdict = verdict_of(paper_of(tmp_path, f'{SPREAD}"ratio", factor = 2.0, tolerance = 0.5, {FROM}'), store)
    assert (verdict.word, verdict.effect) == (UNDECIDED, None)


def test_with_logarithms_what_spans_magnitudes_is_decided_by_its_ratios(store: Store, tmp_path: Path) -> None:
    fill(store, [2.0, 250.0, 0.021], [1.0, 100.0, 0.01])
    plain = verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)
    logarithm = verdict_of(paper_of(tmp_path, SPREAD + '"higher", logarithm = true'), store)
    assert (plain.word, logarithm.word) == (UNDECIDED, REPRODUCED)
    assert logarithm.effect == pytest.approx((2 * 2.5 * 2.1) ** (1 / 3))


def repeated(task: str) -> list[dict[str, Any]]:
    return [
        {
            "quantity": "spread",
            "algorithm": name,
            "index": i,
            "task": task.format(i),
            "value": level + i / 9,
        }
        for name, level in (("dice", 2.0), ("lvc", 1.0))
        for i in range(8)
    ]


def test_mdps_that_are_drawn_independently_are_units(store: Store, tmp_path: Path) -> None:
    store_study(store, repeated("mdp-{}"))
    verdict = verdict_of(paper_of(tmp_path, SPREAD + '"higher", sampled = "mdps"'), store)
    assert verdict.word == REPRODUCED and verdict.least is not None
    assert (verdict.least.units_text, verdict.seeds) == ("8 independent MDPs", 1)


def test_the_unit_of_what_starts_at_random_is_the_drawn_initialisation(store: Store, tmp_path: Path) -> None:
    """A hundred draws were once read as "nothing left to chance"."""
    values = (0.4, 0.5, -0.1, 0.45, 0.6, 0.55, 0.3, 0.5)
    rows = [
        {"quantity": "gain after k steps", "algorithm": "dice", "index": k, "task": f"draw {i}", "value": k * value}
        for k in (1, 2)
        for i, value in enumerate(values)
    ]
    store_study(store, rows)
    test = 'quantity = "gain after k steps", index = 2, relation = "above", sampled = "draws"'
    verdict = verdict_of(paper_of(tmp_path, test), store)
    assert verdict.word == REPRODUCED and verdict.least is not None
    assert verdict.least.units_text == "8 random initialisations"
    assert verdict.effect == pytest.approx(2 * np.mean(values))
    assert verdict.interval is not None and verdict.interval[0] > 0


def test_a_claim_of_exact_and_of_sampled_parts_names_the_units_of_both(store: Store, tmp_path: Path) -> None:
    """Where the exact part favoured it least, nothing was said to be left to chance."""
    rows = [*repeated("mdp-{}"), {"quantity": "error", "algorithm": "dice", "index": -1, "task": "", "value": 1e-12}]
    store_study(store, rows)
    exact = 'quantity = "error", first = "dice", relation = "value", factor = 0.0, sampled = "exact"'
    exact += ', margin_from = "numerical", tolerance = {}'
    sampled = SPREAD + '"higher", sampled = "mdps"'
    verdict = verdict_of(paper_of(tmp_path, sampled, exact.format("1e-9")), store)
    assert verdict.word == REPRODUCED and verdict.least is not None and not verdict.least.unit
    assert change.unit_text(verdict) == "8 independent MDPs; other parts are exact"
    assert change.attainable_text(verdict) == "no limit"
    said = change.what_would_change(verdict, paper_of(tmp_path, sampled))
    assert said.startswith("further independent MDPs that turn the effect round, or, for the exact part, another")
    failing = verdict_of(paper_of(tmp_path, sampled, exact.format("1e-15")), store)
    assert failing.word == CONTRADICTED
    assert change.what_would_change(failing, paper_of(tmp_path, sampled)).endswith("since what fails is exact")
    alone = verdict_of(paper_of(tmp_path, sampled), store)
    assert (change.unit_text(alone), change.attainable_text(alone)) == ("8 independent MDPs", "no limit")


def test_repeats_within_one_network_are_no_units(store: Store, tmp_path: Path) -> None:
    """Groups of repeats of one seed decided a claim once; they are one unit, which decides nothing."""
    store_study(store, repeated(""))
    by_mdps = verdict_of(paper_of(tmp_path, SPREAD + '"higher", sampled = "mdps"'), store)
    assert by_mdps.word == NOT_RUN and "no quantity of independently drawn MDPs" in by_mdps.reasons[0]
    by_seeds = verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)
    assert (by_seeds.word, by_seeds.interval) == (UNDECIDED, None)
    with pytest.raises(StoreError, match="sampled 'repeats' must be one of seeds, mdps, draws, exact"):
        paper_of(tmp_path, SPREAD + '"higher", sampled = "repeats"')


def test_tests_of_studies_stand_in_holms_family(store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1, 3.2], [1.0, 1.1, 1.1])
    one = verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)
    two = verdict_of(paper_of(tmp_path, SPREAD + '"higher"', SPREAD + '"higher"'), store)
    assert one.parts[0].p_value == one.parts[0].raw_p
    assert two.parts[0].p_value == pytest.approx(2 * (one.parts[0].raw_p or 0))


@pytest.mark.parametrize(("seeds", "said"), [(1, "none with 1"), (2, "no limit"), (4, "no limit")])
def test_one_unit_attains_no_p_value_and_two_attain_any(seeds: int, said: str, store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1, 3.2, 3.3][:seeds], [1.0, 1.1, 1.1, 1.0][:seeds])
    assert change.attainable_text(verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)) == said
