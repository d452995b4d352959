"""Verdicts on claims on studies: what each relation decides, on made-up rows."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.papers import change
from reports.papers.evidence import gather
from reports.papers.page import write_paper
from reports.papers.parts import CONTRADICTED, NO_CHANGE, NOT_RUN, REPRODUCED, UNDECIDED, VACUOUS
from reports.papers.study_evidence import choose_studies
from reports.papers.verdicts import ClaimVerdict, judge
from reports.statistics.mean_difference import compare_to
from results.files import StoreError
from results.published import Paper, read_paper
from results.store import Store
from tests.support.study_rows import store_study

PAPER = """
title = "A paper"
authors = "Somebody"
year = 2020
venue = "somewhere"
source = "its text"
open = []
suites = [{ id = "plane", printed = "Plane", suite = "point[horizon=20]" }]
algorithms = [{ id = "dice", printed = "DiCE" }, { id = "lvc", printed = "LVC" }, { id = "maml", printed = "MAML" }]

[[claims]]
id = "claim"
place = "Figure 1"
sentence = "It holds."
relation = "measurement"
measurement = "spread"
measured_by = "study"
first = ["dice"]
second = ["lvc"]
tests = [%s]
"""
SPREAD = 'quantity = "spread", relation = '
FROM = 'margin_from = "ours"'


def paper_of(folder: Path, *tests: str) -> Paper:
    path = folder / "small.toml"
    path.write_text(PAPER % ", ".join(f"{{ {test} }}" for test in tests))
    return read_paper(path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def fill(store: Store, dice: list[float], lvc: list[float], **options: Any) -> None:
    """A seed for each pair of values."""
    for seed, values in enumerate(zip(dice, lvc, strict=True)):
        rows = [
            {"quantity": "spread", "algorithm": n, "value": v} for n, v in zip(("dice", "lvc"), values, strict=True)
        ]
        store_study(store, rows, seed, **options)


def verdict_of(paper: Paper, store: Store, stale: tuple[str, ...] = ()) -> ClaimVerdict:
    studies = choose_studies(store.studies(), stale)
    (verdict,) = judge(gather(paper, [], stale=stale, studies=studies))
    return verdict


def test_what_is_not_stored_is_not_run(store: Store, tmp_path: Path) -> None:
    verdict = verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)
    assert (verdict.word, verdict.effect) == (NOT_RUN, None)
    assert verdict.reasons == ("no measurement of the spread yet; none of study is stored",)


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


def test_repeats_within_one_network_are_no_units(store: Store, tmp_path: Path) -> None:
    """Groups of repeats of one seed decided a claim once; they are one unit, which decides nothing."""
    store_study(store, repeated(""))
    by_mdps = verdict_of(paper_of(tmp_path, SPREAD + '"higher", sampled = "mdps"'), store)
    assert by_mdps.word == NOT_RUN and "no quantity of independently drawn MDPs" in by_mdps.reasons[0]
    by_seeds = verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)
    assert (by_seeds.word, by_seeds.interval) == (UNDECIDED, None)
    with pytest.raises(StoreError, match="sampled 'repeats' must be one of seeds, mdps, draws, exact"):
        paper_of(tmp_path, SPREAD + '"higher", sampled = "repeats"')


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


def test_tests_of_studies_stand_in_holms_family(store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1, 3.2], [1.0, 1.1, 1.1])
    one = verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)
    two = verdict_of(paper_of(tmp_path, SPREAD + '"higher"', SPREAD + '"higher"'), store)
    assert one.parts[0].p_value == one.parts[0].raw_p
    assert two.parts[0].p_value == pytest.approx(2 * (one.parts[0].raw_p or 0))


def test_one_value_is_held_against_a_number(store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1, 3.2], [1.0, 1.1, 1.1])
    assert verdict_of(paper_of(tmp_path, SPREAD + '"above", factor = 2.0'), store).word == REPRODUCED
    assert verdict_of(paper_of(tmp_path, SPREAD + '"below", factor = 2.0'), store).word == CONTRADICTED


def test_the_last_place_alone_and_the_claims_suite_alone_count(store: Store, tmp_path: Path) -> None:
    rows = [
        {"quantity": "spread", "algorithm": name, "x": x, "suite": suite, "value": value}
        for name, early, late in (("dice", 1.0, 5.0), ("lvc", 3.0, 2.0))
        for suite, sign in (("point[horizon=5]", 1.0), ("elsewhere", -1.0))
        for x, value in ((1.0, sign * early), (9.0, sign * late))
    ]
    store_study(store, rows)
    exact = SPREAD + '"higher", sampled = "exact", suite = "point"'
    assert verdict_of(paper_of(tmp_path, exact), store).effect == pytest.approx(3.0 - 2.5)
    assert verdict_of(paper_of(tmp_path, exact + ", last = true"), store).effect == pytest.approx(3.0)


def test_rows_of_other_options_do_not_stand_for_those_that_a_test_names(store: Store, tmp_path: Path) -> None:
    sides = (("dice", 2.0), ("lvc", 1.0))
    store_study(store, [{"quantity": "spread", "algorithm": a, "suite": "point", "value": v} for a, v in sides])
    exact = SPREAD + '"higher", sampled = "exact", suite = "point{}"'
    assert verdict_of(paper_of(tmp_path, exact.format("")), store).word == REPRODUCED
    other = verdict_of(paper_of(tmp_path, exact.format("[start=uniform]")), store)
    assert other.word == NOT_RUN
    assert other.reasons == ("not run: spread of dice was not measured on point[start=uniform]",)


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


@pytest.mark.parametrize(("seeds", "said"), [(1, "none with 1"), (2, "no limit"), (4, "no limit")])
def test_one_unit_attains_no_p_value_and_two_attain_any(seeds: int, said: str, store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1, 3.2, 3.3][:seeds], [1.0, 1.1, 1.1, 1.0][:seeds])
    assert change.attainable_text(verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)) == said


def test_what_cannot_fail_is_vacuous_for_the_reason_that_is_given(store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1, 3.2], [1.0, 1.1, 1.1])
    verdict = verdict_of(paper_of(tmp_path, SPREAD + '"higher", cannot_fail = "it is trained to be"'), store)
    assert verdict.word == VACUOUS and "it is trained to be" in verdict.reasons[0]
    assert verdict.effect == pytest.approx(3.1 - 3.2 / 3)


def test_a_claim_without_a_suite_shares_its_figure_with_every_suite(store: Store, tmp_path: Path) -> None:
    for seed, (dice, lvc) in enumerate(((3.0, 1.0), (3.1, 1.1), (3.2, 1.1))):
        sides = (("dice", dice), ("lvc", lvc))
        rows = [{"quantity": "spread", "suite": "point", "algorithm": a, "value": value} for a, value in sides]
        store_study(store, rows, seed)
    text = (PAPER % f'{{ {SPREAD}"higher" }}') + (
        '[[claims]]\nid = "other"\nplace = "Figure 1"\nsentence = "On {suite} not."\nsuites = ["plane"]\n'
        'relation = "measurement"\nmeasurement = "spread"\nmeasured_by = "study"\nfirst = ["lvc"]\nsecond = ["dice"]\n'
        f'tests = [{{ {SPREAD}"higher", suite = "point" }}]\n'
    )
    (tmp_path / "small.toml").write_text(text)
    verdicts = judge(gather(read_paper(tmp_path / "small.toml"), [], studies=choose_studies(store.studies(), ())))
    assert [verdict.word for verdict in verdicts] == [REPRODUCED, CONTRADICTED]
    assert [len(verdict.opposed) for verdict in verdicts] == [1, 1]


ACCURATE = 'tolerance = 0.01, margin_from = "the starts"'


def test_what_is_taken_for_no_change_and_where_is_said_with_the_test(tmp_path: Path) -> None:
    exact = f'{SPREAD}"higher", sampled = "exact", {ACCURATE}, suite = "point[start=uniform]"'
    (claim,) = paper_of(tmp_path, SPREAD + '"higher"', exact).claims
    plain = "spread of dice above that of lvc"
    assert (
        change.test_text(claim)
        == f"study study: {plain}; {plain} by more than 0.01 (the starts) on point[start=uniform]"
    )


def test_no_change_says_to_what_the_numbers_are_accurate(store: Store, tmp_path: Path) -> None:
    store_study(store, [{"quantity": "spread", "algorithm": a, "value": v} for a, v in (("dice", 2.0), ("lvc", 1.995))])
    verdict = verdict_of(paper_of(tmp_path, f'{SPREAD}"higher", sampled = "exact", {ACCURATE}'), store)
    assert verdict.word == NO_CHANGE
    assert "the two differ by no more than 0.01, the starts" in verdict.reasons[-1]


def test_a_claim_fails_with_one_test_and_stays_open_while_one_is_open(store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1, 3.2], [1.0, 1.1, 1.1])
    holds, fails = SPREAD + '"higher"', f'{SPREAD}"ratio", factor = 9.0, tolerance = 1.0, {FROM}'
    absent = SPREAD + '"higher", second = "maml"'
    assert verdict_of(paper_of(tmp_path, holds, fails), store).word == CONTRADICTED
    verdict = verdict_of(paper_of(tmp_path, holds, absent), store)
    assert verdict.word == UNDECIDED
    assert verdict.reasons[-1] == "not run: spread of maml was not measured"
    assert [part.word for part in verdict.parts] == [REPRODUCED, NOT_RUN]


def test_of_several_configurations_todays_and_then_the_largest_speaks(store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1], [1.0, 1.0], seconds=10.0, configuration={"repeats": 9})
    fill(store, [1.0, 1.0], [3.0, 3.1], seconds=1.0)
    fill(store, [1.0, 1.0], [3.0, 3.1], seconds=99.0, code="d" * 64, configuration={"repeats": 99})
    stored = store.studies()
    old = next(entry.digest for entry in stored if entry.identity["code"] == "d" * 64)
    verdict = verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store, stale=(old,))
    assert verdict.effect == pytest.approx(2.05)
    assert old[:12] in verdict.not_comparable[-1] and "other configurations" in verdict.not_comparable[-1]


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ('quantity = "a", relation = "better"', "relation 'better' must be one of"),
        ('quantity = "a", relation = "ratio", factor = 2.0', "needs a tolerance above 0"),
        ('quantity = "a", relation = "higher", sampled = "days"', "sampled 'days' must be one of"),
        (
            'quantity = "a", relation = "higher", sampled = "exact", tolerance = 0.01',
            "0.01 needs margin_from: the paper",
        ),
        ('quantity = "a", relation = "value", factor = 2.0, tolerance = 0.5', "0.5 needs margin_from: the paper"),
        ('quantity = "a", relation = "ratio", factor = 2.0, tolerance = 0.5', "0.5 needs margin_from: the paper"),
        ('quantity = "a", relation = "higher", margin = 0.05', "0.05 needs margin_from: the paper"),
        ('quantity = "a", relation = "higher", kind = "b"', "has no key 'kind'"),
    ],
)
def test_a_wrong_test_is_named_with_what_is_wrong(test: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"published data small\.toml are not valid") as raised:
        paper_of(tmp_path, test)
    assert message in str(raised.value)


def test_the_page_shows_the_verdict_its_interval_and_the_study_behind_it(store: Store, tmp_path: Path) -> None:
    fill(store, [3.0, 3.1, 3.2], [1.0, 1.1, 1.1])
    stored = store.studies()
    page = write_paper(paper_of(tmp_path, SPREAD + '"higher"'), [], tmp_path / "out", studies=stored)
    (claim,) = json.loads((page.parent / "summary.json").read_text())["claims"]
    assert (claim["verdict"], claim["seeds"]) == ("reproduced", 3) and claim["ci"][0] > 1.5
    text = page.read_text()
    assert "3 study runs" in text and "spread of dice against lvc" in text
    assert stored[0].digest[:12] in text and "profile smoke, 3 seeds" in text
    assert "spread of dice against lvc: 2.03" in (page.parent / "statement.md").read_text()
