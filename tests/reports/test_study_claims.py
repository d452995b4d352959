"""Claims on studies: which of the stored rows speak, what several tests make of a claim, and what the page shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports.papers.evidence import gather
from reports.papers.page import write_paper
from reports.papers.parts import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED
from reports.papers.study_evidence import choose_studies
from reports.papers.verdicts import judge
from results.files import StoreError
from results.published import read_paper
from results.store import Store
from tests.support.study_claims import FROM, PAPER, SPREAD, fill, paper_of, verdict_of
from tests.support.study_rows import store_study


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def test_what_is_not_stored_is_not_run(store: Store, tmp_path: Path) -> None:
    verdict = verdict_of(paper_of(tmp_path, SPREAD + '"higher"'), store)
    assert (verdict.word, verdict.effect) == (NOT_RUN, None)
    assert verdict.reasons == ("no measurement of the spread yet; none of study is stored",)


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
