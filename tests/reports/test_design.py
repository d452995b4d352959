"""What eight seeds can decide of a claim: from which runs it is reckoned, and with how many tests of the paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.papers.design import Design, design_of, planned_tests, written_design
from reports.papers.evidence import SEEDS, Evidence, gather
from reports.papers.parts import EQUAL
from reports.papers.verdicts import judge
from reports.scores.entries import collect_entries
from reports.statistics.power import decidable_effect, first_level
from results.claim_designs import load_claim_designs, write_claim_designs
from results.files import StoreError
from results.store import Store
from tests.support.paper_claims import ABOVE_BOTH, HIGHER, evidence_of, fill, paper_of
from tests.support.scored_runs import store_run

SUITE = "point[horizon=20]"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def design(evidence: Evidence, number: int = 0) -> Design | None:
    return design_of(evidence.paper.claims[number], evidence, planned_tests(evidence))


def means(evidence: Evidence, name: str, step: int = -1) -> np.ndarray:
    return evidence.sets[0].entries[name].scores[step].mean(axis=1)


def test_the_spread_is_pooled_over_the_methods_that_learn(store: Store, tmp_path: Path) -> None:
    fill(store, 4, promp=12.0, maml=5.0)
    store_run(store, SUITE, "random-init", 0, 1.0, trains=False)
    store_run(store, SUITE, "random-init", 1, 9.0, trains=False)
    evidence = evidence_of(paper_of(tmp_path, HIGHER), store.finished())
    found = design(evidence)
    assert found is not None
    pooled = np.sqrt((means(evidence, "promp").var(ddof=1) + means(evidence, "maml").var(ddof=1)) / 2)
    assert found.spread == pytest.approx(pooled)
    assert found.alone == found.effect == pytest.approx(pooled * decidable_effect(SEEDS, 0.05, "two"))
    assert found.origin == "4 seeds each of maml, promp on point[horizon=20], 100 k steps, profile smoke"


def test_one_seed_of_each_method_leaves_it_unknown(store: Store, tmp_path: Path) -> None:
    fill(store, 1, promp=12.0, maml=5.0)
    measured = 'relation = "measurement"\nmeasurement = "deviation of the gradient"'
    evidence = evidence_of(paper_of(tmp_path, HIGHER, measured), store.finished())
    assert design(evidence) is None and design(evidence, 1) is None


def test_the_correction_is_over_all_tests_of_the_paper_that_can_be_run(store: Store, tmp_path: Path) -> None:
    """One of a method that does not exist is not planned; what is not stored yet is."""
    fill(store, 4, promp=12.0)
    rises = 'relation = "rises"\nfirst = ["maml"]\nsteps = [0, 1, 2]'
    evidence = evidence_of(paper_of(tmp_path, HIGHER, ABOVE_BOTH, rises), store.finished())
    assert planned_tests(evidence) == 1 + 1 + 2
    found = design(evidence)
    assert found is not None and found.tests == 4
    assert found.effect == pytest.approx(found.spread * decidable_effect(SEEDS, first_level(4), "two"))
    assert found.effect > found.alone


def test_two_steps_of_one_method_are_paired_and_the_widest_step_counts(store: Store, tmp_path: Path) -> None:
    for seed in range(4):
        store_run(store, SUITE, "promp", seed, 12.0, steps=2)
    rises = 'relation = "rises"\nfirst = ["promp"]\nsteps = [0, 1, 2]'
    evidence = evidence_of(paper_of(tmp_path, rises), store.finished())
    spreads = [(means(evidence, "promp", step + 1) - means(evidence, "promp", step)).std(ddof=1) for step in (0, 1)]
    found = design(evidence)
    assert found is not None
    assert found.spread == pytest.approx(max(spreads))
    assert found.effect == pytest.approx(max(spreads) * decidable_effect(SEEDS, first_level(2), "one"))


def test_a_ratios_effect_is_a_ratio(store: Store, tmp_path: Path) -> None:
    fill(store, 4, promp=12.0, maml=5.0)
    ratio = HIGHER.replace("higher", "ratio") + '\nfactor = 2.0\ntolerance = 0.5\nmargin_from = "about two times"'
    evidence = evidence_of(paper_of(tmp_path, HIGHER, ratio), store.finished())
    difference, found = design(evidence), design(evidence, 1)
    assert difference is not None and found is not None
    size = np.mean([means(evidence, name).mean() for name in ("promp", "maml")])
    assert found.effect == pytest.approx(2 * difference.effect / size)  # the second's spread counts twice, too


def test_standard_runs_stand_before_quick_ones_which_are_named(store: Store, tmp_path: Path) -> None:
    for seed in range(6):
        store_run(store, SUITE, "promp", seed, 12.0, profile="quick")
    paper = paper_of(tmp_path, HIGHER)
    found = design(gather(paper, collect_entries(store.finished())[0]))
    assert found is not None and found.quick and found.short.endswith(" (quick)")
    for seed in range(2):
        store_run(store, SUITE, "maml", seed, 12.0, profile="standard", budget=50_000)
    found = design(gather(paper, collect_entries(store.finished())[0]))
    assert found is not None and not found.quick and "2 seeds each of maml" in found.origin


def test_runs_that_are_judged_too_are_no_forecast(store: Store, tmp_path: Path) -> None:
    fill(store, 4, promp=12.0, maml=5.0)
    found = design(evidence_of(paper_of(tmp_path, HIGHER), store.finished()))
    assert found is not None
    assert "no forecast" not in found.said() and "no forecast" in found.said(found.digests)


def test_what_was_written_down_before_the_runs_stands_whatever_they_find(store: Store, tmp_path: Path) -> None:
    fill(store, 2, promp=12.0, maml=5.0)
    paper, file = paper_of(tmp_path, HIGHER), tmp_path / "designs.json"
    before = evidence_of(paper, store.finished())
    written = written_design(paper.claims[0], before, planned_tests(before), "2026-11-22")
    assert written is not None
    write_claim_designs({paper.claims[0].id: written}, file)
    fill(longer := Store(tmp_path / "longer"), 8, promp=8.0, maml=8.0)
    now = evidence_of(paper, longer.finished())
    then = replace(now, designs=load_claim_designs(file))
    kept, today = design(then), design(now)
    assert kept is not None and today is not None
    assert kept.effect == written["effect"] != today.effect
    assert kept.said().endswith("; so written down on 2026-11-22") and "so written down" not in today.said()


def test_a_design_says_when_the_runs_that_it_rests_on_are_stored_no_longer(store: Store, tmp_path: Path) -> None:
    fill(store, 2, promp=12.0, maml=5.0)
    paper = paper_of(tmp_path, HIGHER)
    evidence = evidence_of(paper, store.finished())
    written = written_design(paper.claims[0], evidence, planned_tests(evidence), "2026-11-22")
    assert written is not None
    designs = {paper.claims[0].id: written}
    there = design(replace(evidence, designs=designs))
    gone = design(replace(evidence, designs={paper.claims[0].id: {**written, "digests": ["0" * 64]}}))
    assert there is not None and "stored no longer" not in there.said()
    assert gone is not None and gone.said().endswith("on 2026-11-22, of runs that are stored no longer")


def test_the_margin_of_equality_is_the_one_that_was_written_down(store: Store, tmp_path: Path) -> None:
    fill(store, 8, promp=8.0, maml=8.0)
    paper = paper_of(tmp_path, HIGHER)
    evidence = evidence_of(paper, store.finished())
    written = written_design(paper.claims[0], evidence, planned_tests(evidence), "2026-11-22")
    assert written is not None and judge(evidence)[0].word == EQUAL
    written["effect"] = 1e-6
    (verdict,) = judge(replace(evidence, designs={paper.claims[0].id: written}))
    assert verdict.word != EQUAL and verdict.parts[0].margin == 1e-6


@pytest.mark.parametrize("change", [{"effect": -1.0}, {"tests": 2.5}, {"digests": [1]}, {"written": None}, {"more": 1}])
def test_a_damaged_design_is_named(change: dict[str, object], tmp_path: Path) -> None:
    entry = {"effect": 1.0, "alone": 0.5, "spread": 0.1, "tests": 4, "origin": "2 seeds", "quick": False}
    entry |= {"digests": ["ab"], "written": "2026-11-22"}
    write_claim_designs({"a.b": entry}, tmp_path / "designs.json")  # type: ignore[dict-item]
    assert load_claim_designs(tmp_path / "designs.json")["a.b"]["tests"] == 4
    write_claim_designs({"a.b": entry | change}, tmp_path / "designs.json")  # type: ignore[dict-item]
    with pytest.raises(StoreError, match=r"'a\.b' must hold effect, alone"):
        load_claim_designs(tmp_path / "designs.json")
