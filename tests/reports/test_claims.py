"""Verdicts on claims: what decides, what stays undecided and what is said of it, on runs with made-up scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reports.papers.claims import parts_of
from reports.papers.evidence import Evidence, gather
from reports.papers.parts import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED
from reports.papers.verdicts import ClaimVerdict, claims_summary, judge
from reports.scores.entries import collect_entries
from reports.statistics.bootstrap import interquartile_mean
from reports.statistics.permutation import holm, permutation_test
from results.published import Paper, read_paper
from results.store import Store, StoredRun
from tests.support.scored_runs import store_run

PAPER = """
title = "A paper"
authors = "Somebody"
year = 2020
venue = "somewhere"
source = "its text"
open = []
suites = [
    { id = "plane", printed = "Plane", suite = "point[horizon=20]", budget = 5_000_000, note = "other friction" },
]
algorithms = [
    { id = "promp", printed = "Ours" },
    { id = "maml", printed = "MAML" },
    { id = "lvc", printed = "LVC" },
]
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def paper_of(tmp_path: Path, *claims: str) -> Paper:
    tables = [
        f'[[claims]]\nid = "c{number}"\nplace = "T"\nsentence = "On {{suite}} it holds."\nsuites = ["plane"]\n{claim}'
        for number, claim in enumerate(claims)
    ]
    (tmp_path / "small.toml").write_text("\n\n".join([PAPER, *tables]))
    return read_paper(tmp_path / "small.toml")


HIGHER = 'relation = "higher"\nfirst = ["promp"]\nsecond = ["maml"]'
ABOVE_BOTH = 'relation = "higher"\nfirst = ["promp"]\nsecond = ["maml", "lvc"]'


def fill(store: Store, seeds: int, suite: str = "point[horizon=20]", budget: int = 100_000, **levels: float) -> None:
    for algorithm, level in levels.items():
        for seed in range(seeds):
            store_run(store, suite, algorithm, seed, level, budget=budget)


def evidence_of(paper: Paper, runs: list[StoredRun]) -> Evidence:
    entries, refused = collect_entries(runs)
    return gather(paper, entries, refused, algorithms={"promp", "maml"}, suites={"point"})


def verdicts_of(paper: Paper, store: Store) -> tuple[ClaimVerdict, ...]:
    return judge(evidence_of(paper, store.finished()))


def test_a_claim_that_holds_in_enough_seeds_is_reproduced(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0, maml=5.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert (verdict.word, verdict.seeds) == (REPRODUCED, 5)
    assert verdict.effect is not None and verdict.interval is not None
    assert 5 < verdict.interval[0] <= verdict.effect <= verdict.interval[1] < 9
    assert verdict.reasons == ("holds: promp against maml (p = 0.0079 after Holm's correction over 1 test)",)
    assert len(verdict.digests) == 2 and set(verdict.digests) == {run.digest for run in store.finished()}


def test_a_claim_whose_contrary_is_significant_is_contradicted(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=5.0, maml=12.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert verdict.word == CONTRADICTED
    assert verdict.effect is not None and verdict.effect < -5


def test_three_seeds_decide_nothing_and_the_verdict_says_how_many_would(store: Store, tmp_path: Path) -> None:
    fill(store, 3, promp=12.0, maml=5.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert verdict.word == UNDECIDED
    (reason,) = verdict.reasons
    assert "3 seeds can give no p-value below 0.1" in reason
    assert "at least 4 seeds of each are needed" in reason
    assert "significant" not in reason


def test_equal_methods_stay_undecided(store: Store, tmp_path: Path) -> None:
    fill(store, 6, promp=8.0, maml=8.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert verdict.word == UNDECIDED
    assert "after Holm's correction" in verdict.reasons[0]


def test_one_seed_gives_an_effect_and_no_interval(store: Store, tmp_path: Path) -> None:
    fill(store, 1, promp=12.0, maml=5.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert (verdict.word, verdict.interval, verdict.seeds) == (UNDECIDED, None, 1)
    assert verdict.effect is not None


def test_what_cannot_be_run_reads_not_run_and_why(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0)
    measured = 'relation = "measurement"\nmeasurement = "deviation of the gradient"'
    first, second, third = verdicts_of(paper_of(tmp_path, HIGHER, HIGHER.replace("maml", "lvc"), measured), store)
    assert {first.word, second.word, third.word} == {NOT_RUN}
    assert (first.effect, first.interval, first.seeds, first.digests) == (None, None, None, ())
    assert first.reasons == ("not run: no stored run of maml on point[horizon=20]",)
    assert second.reasons == ("not run: no algorithm lvc yet",)
    assert third.reasons == ("no measurement of the deviation of the gradient yet",)


def test_a_claim_of_several_parts_needs_all_and_is_refuted_by_one(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0, maml=5.0)
    paper = paper_of(tmp_path, ABOVE_BOTH)
    (verdict,) = verdicts_of(paper, store)
    assert verdict.word == UNDECIDED  # it holds against the one that was run
    assert [part.word for part in verdict.parts] == [REPRODUCED, NOT_RUN]
    fill(store, 5, lvc=20.0)
    (verdict,) = verdicts_of(paper, store)
    assert [part.word for part in verdict.parts] == [REPRODUCED, CONTRADICTED]
    assert verdict.word == CONTRADICTED
    assert verdict.effect is not None and verdict.effect < 0  # of the part that favours it least


def test_a_claim_is_reproduced_when_all_parts_hold(store: Store, tmp_path: Path) -> None:
    fill(store, 6, promp=12.0, maml=5.0, lvc=7.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, ABOVE_BOTH), store)
    assert verdict.word == REPRODUCED
    effects = [part.effect for part in verdict.parts if part.effect is not None]
    assert verdict.effect == min(effects)


def test_the_p_values_are_corrected_over_the_papers_tested_parts(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=9.0, maml=8.6, lvc=7.5)
    claims = [
        f'relation = "higher"\nfirst = ["{a}"]\nsecond = ["{b}"]' for a, b in (("promp", "maml"), ("promp", "lvc"))
    ]
    verdicts = verdicts_of(paper_of(tmp_path, *claims), store)
    entries, _ = collect_entries(store.finished())
    means = {entry.algorithm: entry.scores[-1].mean(axis=1) for entry in entries}
    raw = [permutation_test(means["promp"], means[other]).p_value for other in ("maml", "lvc")]
    assert [verdict.parts[0].p_value for verdict in verdicts] == list(holm(raw))
    effect = interquartile_mean(entries[2].scores[-1]) - interquartile_mean(entries[1].scores[-1])
    assert [entry.algorithm for entry in entries] == ["lvc", "maml", "promp"]
    assert verdicts[0].effect == pytest.approx(effect)


def test_another_claim_moves_no_effect_and_no_interval(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=9.0, maml=8.6, lvc=7.5)
    (alone,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    beside = verdicts_of(paper_of(tmp_path, ABOVE_BOTH, HIGHER), store)[1]
    assert (alone.effect, alone.interval, alone.seeds) == (beside.effect, beside.interval, beside.seeds)


def test_a_measurement_of_rising_compares_the_steps_of_one_method(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0)
    rises = 'relation = "rises"\nfirst = ["promp"]\nsteps = [0, 1, 2]'
    (verdict,) = verdicts_of(paper_of(tmp_path, rises), store)
    assert [part.word for part in verdict.parts] == [REPRODUCED, NOT_RUN]
    assert not verdict.parts[1].tested
    assert verdict.parts[1].reason == "promp: step 2 was not run"
    assert verdict.effect is not None and 5 < verdict.effect < 9  # 40 % of the level is reached before adaptation


def test_each_named_step_is_a_part(tmp_path: Path) -> None:
    (claim,) = paper_of(tmp_path, ABOVE_BOTH + "\nsteps = [0, 1]").claims
    assert [f"{first} > {second}" for first, second in parts_of(claim)] == [
        "promp after step 0 > maml after step 0",
        "promp after step 1 > maml after step 1",
        "promp after step 0 > lvc after step 0",
        "promp after step 1 > lvc after step 1",
    ]


@pytest.mark.parametrize(
    ("seeds", "factor", "word"),
    [(12, 2.0, REPRODUCED), (12, 1.3, CONTRADICTED), (4, 2.0, UNDECIDED), (4, 1.3, UNDECIDED)],
)
def test_a_ratio_is_judged_by_its_interval_from_ten_seeds_on(
    seeds: int, factor: float, word: str, store: Store, tmp_path: Path
) -> None:
    fill(store, seeds, promp=20.0, maml=9.5)  # 1.05 of the tasks' own is in both
    ratio = f'relation = "ratio"\nfirst = ["promp"]\nsecond = ["maml"]\nfactor = {factor}\ntolerance = 0.2'
    (verdict,) = verdicts_of(paper_of(tmp_path, ratio), store)
    assert verdict.word == word
    assert verdict.effect == pytest.approx(2.0, abs=0.1)
    assert f"claimed {factor:g} ± 0.2" in verdict.reasons[0]


def test_a_ratio_of_negative_returns_means_nothing(store: Store, tmp_path: Path) -> None:
    fill(store, 12, promp=-10.0, maml=-20.0)
    ratio = 'relation = "ratio"\nfirst = ["promp"]\nsecond = ["maml"]\nfactor = 2.0\ntolerance = 0.2'
    (verdict,) = verdicts_of(paper_of(tmp_path, ratio), store)
    assert (verdict.word, verdict.effect, verdict.interval) == (UNDECIDED, None, None)
    assert "not all positive" in verdict.reasons[0]
    assert claims_summary([verdict])[0]["effect"] is None


def test_learning_curves_are_compared_by_their_mean(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0, maml=5.0)
    claim = HIGHER + '\nquantity = "learning-curve"'
    (verdict,) = verdicts_of(paper_of(tmp_path, claim), store)
    assert verdict.word == REPRODUCED
    # the curve rises evenly to the level, so its mean is half of what is gained at the end
    assert verdict.effect == pytest.approx((12 - 5) / 2, abs=0.5)


OVER_TIME = HIGHER + '\nquantity = "learning-curve-over-time"'


def test_over_equal_processor_time_the_faster_of_two_equal_learners_is_ahead(store: Store, tmp_path: Path) -> None:
    for seed in range(5):
        store_run(store, "point[horizon=20]", "promp", seed, 10.0, seconds=1.0)
        store_run(store, "point[horizon=20]", "maml", seed, 10.0, seconds=2.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, OVER_TIME), store)
    assert verdict.word == REPRODUCED
    # both rise evenly to the level: to all of it in the time of the faster, and to half of it by the slower
    assert verdict.effect == pytest.approx(10 / 2 - 5 / 2, abs=0.5)


def test_times_of_other_processors_and_missing_curves_are_not_compared(store: Store, tmp_path: Path) -> None:
    fill(store, 2, maml=5.0)
    store_run(store, "point[horizon=20]", "promp", 0, 12.0, cpu="another")
    (verdict,) = verdicts_of(paper_of(tmp_path, OVER_TIME), store)
    assert (verdict.word, verdict.reasons) == (
        NOT_RUN,
        ("not run: their runs were made on processors of different kinds",),
    )


def test_runs_of_unequal_budgets_are_never_set_against_each_other(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0)
    fill(store, 5, budget=900_000, maml=5.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert verdict.word == NOT_RUN
    assert verdict.reasons == ("not run: promp and maml have no runs of equal terms",)


def test_of_several_sets_the_one_with_the_largest_budget_speaks(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=5.0, maml=12.0)
    fill(store, 5, suite="point", budget=900_000, promp=12.0, maml=5.0)
    fill(store, 1, suite="point", budget=2_000_000, promp=5.0, maml=12.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert verdict.word == REPRODUCED
    assert verdict.not_comparable == (
        "our suite is point, horizon 20; the paper's setting is point[horizon=20]",
        "our budget is 900 k environment steps, profile smoke; the paper's is 5 M",
        "other friction",
    )


def test_a_step_is_looked_for_where_it_was_run(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0)
    store_run(store, "point[horizon=20]", "promp", 0, 12.0, steps=2)
    rises = 'relation = "rises"\nfirst = ["promp"]\nsteps = [0, 1, 2]'
    (verdict,) = verdicts_of(paper_of(tmp_path, rises), store)
    assert [part.seeds for part in verdict.parts if part.tested] == [5, 1]


def test_of_several_configurations_the_one_of_todays_code_speaks_and_the_others_are_named(
    store: Store, tmp_path: Path
) -> None:
    fill(store, 5, promp=12.0, maml=5.0)
    for seed in range(6):
        store_run(store, "point[horizon=20]", "promp", seed, 3.0, code="d" * 64)
    runs = store.finished()
    old = next(run.digest for run in runs if run.identity["code"] == "d" * 64)
    paper = paper_of(tmp_path, HIGHER)
    entries, _ = collect_entries(runs)
    (verdict,) = judge(gather(paper, entries, stale={old}))
    assert verdict.word == REPRODUCED
    assert old not in verdict.digests
    assert f"other configurations are stored and not used here: promp {old[:12]}" in verdict.not_comparable


def test_the_summary_has_the_keys_of_the_contract(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0, maml=5.0)
    summary = claims_summary(verdicts_of(paper_of(tmp_path, HIGHER, HIGHER.replace("maml", "lvc")), store))
    assert all(set(entry) == {"id", "text", "verdict", "effect", "ci", "seeds"} for entry in summary)
    first = [summary[0][key] for key in ("id", "text", "verdict", "seeds")]
    assert first == ["small.c0.plane", "On Plane it holds.", "reproduced", 5]
    assert summary[1]["verdict"] == "not run" and summary[1]["ci"] is None


def test_claims_that_do_not_hold_are_rarely_called_decided(store: Store, tmp_path: Path) -> None:
    """Under equal scores the share of decided claims stays near the 5 % of the whole family."""
    generator = np.random.default_rng(3)
    decided = 0
    for _ in range(400):
        p_values = [permutation_test(*generator.normal(size=(2, 5)), "a", "b").p_value for _ in range(4)]
        decided += min(holm(p_values)) <= 0.05
    assert decided / 400 < 0.08
