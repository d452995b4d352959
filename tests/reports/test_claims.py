"""Verdicts on claims: what decides, what stays undecided and what is said of it, on runs with made-up scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.papers.change import what_would_change
from reports.papers.claims import parts_of
from reports.papers.evidence import gather
from reports.papers.parts import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED
from reports.papers.verdicts import claims_summary, judge
from reports.scores.entries import collect_entries
from reports.statistics.mean_difference import compare_means
from reports.statistics.multiplicity import holm
from results.files import StoreError
from results.published import read_paper
from results.store import Store
from tests.support.paper_claims import ABOVE_BOTH, HIGHER, MARGIN, evidence_of, fill, paper_of, verdicts_of
from tests.support.scored_runs import store_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def test_a_claim_that_holds_in_enough_seeds_is_reproduced(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0, maml=5.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert (verdict.word, verdict.seeds) == (REPRODUCED, 5)
    assert verdict.effect is not None and verdict.interval is not None
    assert 5 < verdict.interval[0] <= verdict.effect <= verdict.interval[1] < 9
    (reason,) = verdict.reasons
    assert reason.startswith("holds: promp against maml (p = ") and "after Holm's correction over 1 test" in reason
    assert len(verdict.digests) == 2 and set(verdict.digests) == {run.digest for run in store.finished()}


def test_a_claim_whose_contrary_is_significant_is_contradicted(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=5.0, maml=12.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert verdict.word == CONTRADICTED
    assert verdict.effect is not None and verdict.effect < -5


def test_equal_methods_of_few_seeds_stay_undecided(store: Store, tmp_path: Path) -> None:
    fill(store, 3, promp=8.0, maml=8.0)
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


def test_an_algorithm_that_does_not_exist_is_asked_for_before_the_command(store: Store, tmp_path: Path) -> None:
    """The command alone was once given as what would run the claim; it plans all but the one in question."""
    paper = paper_of(tmp_path, HIGHER, HIGHER.replace("maml", "lvc"))
    known, unknown = (what_would_change(verdict, paper) for verdict in verdicts_of(paper, store))
    command = "runs of promp, {}: metarl paper small --suites 'point[horizon=20]'"
    assert known == command.format("maml")
    assert unknown == f"lvc, which no code of ours is yet; then {command.format('lvc')}"


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
    tests = [compare_means(means["promp"], means[other]) for other in ("maml", "lvc")]
    assert [verdict.parts[0].p_value for verdict in verdicts] == holm([test.p_value or 0 for test in tests], [0.0, 0.0])
    assert [entry.algorithm for entry in entries] == ["lvc", "maml", "promp"]
    assert verdicts[0].effect == pytest.approx(means["promp"].mean() - means["maml"].mean())


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


@pytest.mark.parametrize(("factor", "word"), [(2.0, REPRODUCED), (1.3, CONTRADICTED), (2.18, UNDECIDED)])
def test_a_ratio_is_decided_by_tests_at_both_ends_of_its_tolerance(
    factor: float, word: str, store: Store, tmp_path: Path
) -> None:
    fill(store, 6, promp=20.0, maml=9.5)  # 1.05 of the tasks' own is in both
    ratio = f'relation = "ratio"\nfirst = ["promp"]\nsecond = ["maml"]\nfactor = {factor}\ntolerance = 0.2\n{MARGIN}'
    (verdict,) = verdicts_of(paper_of(tmp_path, ratio), store)
    assert verdict.word == word
    assert verdict.effect == pytest.approx(2.0, abs=0.1)
    assert verdict.interval is not None and verdict.effect is not None
    assert verdict.interval[0] < verdict.effect < verdict.interval[1]
    assert f"claimed {factor:g} ± 0.2, the paper says twice" in verdict.reasons[0]
    # the very same test: the ratios that are not excluded
    entries, _ = collect_entries(store.finished())
    means = {entry.algorithm: entry.scores[-1].mean(axis=1) for entry in entries}
    for end in verdict.interval:
        assert compare_means(means["promp"], end * means["maml"]).p_value == pytest.approx(0.05, abs=1e-4)


def test_a_ratio_whose_lower_side_the_paper_leaves_open_is_never_contradicted_there(
    store: Store, tmp_path: Path
) -> None:
    fill(store, 6, promp=20.0, maml=9.5)
    ratio = 'relation = "ratio"\nfirst = ["promp"]\nsecond = ["maml"]\nnothing_below = "ours lacks a part"\n'
    low, high = (ratio + f"factor = {factor}\ntolerance = 0.2\n{MARGIN}" for factor in (3.0, 1.3))
    below, above = verdicts_of(paper_of(tmp_path, low, high), store)
    assert below.word == UNDECIDED and "ours lacks a part" in below.reasons[0]
    assert above.word == CONTRADICTED


@pytest.mark.parametrize(("level", "word"), [(10.1, REPRODUCED), (12.5, CONTRADICTED), (10.95, UNDECIDED)])
def test_what_is_claimed_to_be_little_is_a_test_of_equivalence(
    level: float, word: str, store: Store, tmp_path: Path
) -> None:
    fill(store, 6, promp=level, maml=10.0)
    little = f'relation = "equivalent"\nfirst = ["promp"]\nsecond = ["maml"]\nmargin = 0.1\n{MARGIN}'
    (verdict,) = verdicts_of(paper_of(tmp_path, little), store)
    assert verdict.word == word
    assert "10 % of the second; the paper says twice" in verdict.reasons[0]
    # the margin is as uncertain as the second is: both of its ends are held against so many times the second
    entries, _ = collect_entries(store.finished())
    means = {entry.algorithm: entry.scores[-1].mean(axis=1) for entry in entries}
    ends = [compare_means(means["promp"], times * means["maml"]).p_value or 0.0 for times in (0.9, 1.1)]
    expected = ends[1] if word == CONTRADICTED else max(ends)
    assert verdict.parts[0].raw_p == pytest.approx(expected, rel=1e-12)


def test_a_tolerance_must_say_what_in_the_paper_it_rests_on(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="margin_from must say what in the paper"):
        paper_of(tmp_path, 'relation = "equivalent"\nfirst = ["promp"]\nsecond = ["maml"]\nmargin = 0.1')


def test_what_is_missing_where_all_that_was_run_is_decided_are_the_runs(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0, maml=5.0)
    paper = paper_of(tmp_path, ABOVE_BOTH)
    (verdict,) = verdicts_of(paper, store)
    assert (verdict.word, verdict.least and verdict.least.word) == (UNDECIDED, REPRODUCED)
    assert what_would_change(verdict, paper) == "runs for 1 of 2 parts; the others are decided"
    decided, missing = verdict.parts
    open_still = replace(decided, word=UNDECIDED, favour=decided.favour + 1)
    among = what_would_change(replace(verdict, parts=(decided, open_still, missing)), paper)
    assert among.startswith("runs for 1 of 3 parts, and ") and "decided" not in among


def test_one_seed_weakens_no_other_test(store: Store, tmp_path: Path) -> None:
    """Under Holm's plain form nine tests of one seed would raise each p-value tenfold."""
    fill(store, 4, promp=9.0, maml=7.9)
    fill(store, 1, lvc=7.5)
    (alone,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    beside = verdicts_of(paper_of(tmp_path, HIGHER, *([HIGHER.replace("maml", "lvc")] * 9)), store)
    assert beside[0].parts[0].p_value == alone.parts[0].p_value == alone.parts[0].raw_p
    assert {verdict.word for verdict in beside[1:]} == {UNDECIDED}
    assert "1 seed holds no test" in beside[1].reasons[0]


def test_effect_interval_and_p_are_of_one_estimand(store: Store, tmp_path: Path) -> None:
    """A few tasks that go far the other way: interquartile means and means over tasks have different signs."""
    fill(store, 6, promp=9.0, maml=8.0)
    paper = paper_of(tmp_path, HIGHER)
    evidence = evidence_of(paper, store.finished())
    entry = evidence.sets[0].entries["promp"]
    entry.scores[-1][:, 0] -= 40.0  # one task of four
    (verdict,) = judge(evidence)
    (part,) = verdict.parts
    assert part.interval is not None and part.effect is not None and part.raw_p is not None
    assert (part.effect < 0) == (part.interval[1] < 0)
    assert (part.raw_p <= 0.05) == (part.interval[0] > 0 or part.interval[1] < 0)
    assert verdict.word == CONTRADICTED


def test_gains_of_further_steps_are_compared_with_the_other_methods_gains(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0, maml=5.0)
    gain = HIGHER + '\nquantity = "gain"\nsteps = [0, 1]'
    (verdict,) = verdicts_of(paper_of(tmp_path, gain), store)
    assert verdict.word == REPRODUCED
    assert verdict.effect == pytest.approx(0.6 * (12 - 5), abs=0.5)  # 40 % of the level is reached before adaptation


def test_a_share_of_time_is_held_against_a_number_on_this_machine(store: Store, tmp_path: Path) -> None:
    fill(store, 8, promp=12.0)
    share = 'relation = "above"\nquantity = "sampling-share"\nfirst = ["promp"]\nfactor = '
    above, below = verdicts_of(paper_of(tmp_path, share + "0.7", share + "0.9"), store)
    assert (above.word, below.word) == (REPRODUCED, CONTRADICTED)  # 0.4 of 0.5 seconds
    assert above.effect == pytest.approx(0.8)
    assert "claimed above 0.7; on a processor, promp's single meta-iterations 0.8 to 0.8" in above.reasons[-1]


OPPOSITE = (
    'relation = "higher"\nfirst = ["promp"]\nsecond = ["maml"]\napart = "the end is counted"',
    'relation = "higher"\nfirst = ["maml"]\nsecond = ["promp"]',
)


def test_opposite_verdicts_on_one_figure_say_why_first(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0, maml=5.0)
    first, second = verdicts_of(paper_of(tmp_path, *OPPOSITE), store)
    assert (first.word, second.word) == (REPRODUCED, CONTRADICTED)
    assert first.reasons[0] == "Here the end is counted; c1 on the same t has the opposite verdict"
    assert second.opposed == ("small.c0.plane",)


SETTINGS = """
[[settings]]
id = "appendix"
place = "Appendix A"
title = "Settings"
suites = ["plane"]
rows = [
    ["GAE λ", "1", "gae_lambda", 1, { algorithms = ["promp"] }],
    ["Tasks", "40", "tasks", 40],
    ["Adaptation steps", "3", "protocol.adaptation_steps", 3],
    ["Horizon", "20", "horizon", 20],
    ["Meta-iterations", "500", "iterations", 500],
]
"""


def test_departures_are_computed_from_the_papers_settings(store: Store, tmp_path: Path) -> None:
    for seed in range(5):
        for name, level in (("promp", 12.0), ("maml", 5.0)):
            store_run(store, "point[horizon=20]", name, seed, level, configuration={"gae_lambda": 0.95, "tasks": 40})
    path = tmp_path / "with.toml"
    paper_of(tmp_path, HIGHER)
    path.write_text((tmp_path / "small.toml").read_text() + SETTINGS)
    (verdict,) = verdicts_of(read_paper(path), store)
    assert [str(each) for each in verdict.departures] == [
        "GAE λ: ours 0.95 (promp); the paper's 1 (Appendix A)",
        "Adaptation steps: ours 1 (maml, promp); the paper's 3 (Appendix A)",
        "Meta-iterations: ours 4 (maml, promp); the paper's 500 (Appendix A)",
    ]


def test_a_ratio_of_negative_returns_means_nothing(store: Store, tmp_path: Path) -> None:
    fill(store, 12, promp=-10.0, maml=-20.0)
    ratio = 'relation = "ratio"\nfirst = ["promp"]\nsecond = ["maml"]\nfactor = 2.0\ntolerance = 0.2\n' + MARGIN
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


def test_a_few_long_runs_are_not_judged_where_eight_shorter_ones_are(store: Store, tmp_path: Path) -> None:
    fill(store, 8, promp=12.0, maml=5.0)
    fill(store, 3, budget=900_000, promp=5.0, maml=12.0)
    (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
    assert verdict.word == REPRODUCED and verdict.seeds == 8


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


def test_of_two_configurations_with_as_many_seeds_the_tuned_one_speaks(tmp_path: Path) -> None:
    tuning = {"trials": 8, "seeds": 1, "digest": "e" * 64}
    for clip in (0.1, 0.2):  # whichever of their digests is the first
        root = Store(tmp_path / str(clip))
        for seed in range(5):
            store_run(root, "point[horizon=20]", "promp", seed, 12.0, configuration={"clip": clip}, tuning=tuning)
            store_run(root, "point[horizon=20]", "promp", seed, 3.0, configuration={"clip": 0.3 - clip})
            store_run(root, "point[horizon=20]", "maml", seed, 5.0)
        (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), root)
        assert verdict.word == REPRODUCED


def test_an_interval_of_a_difference_of_shares_ends_where_differences_do(tmp_path: Path) -> None:
    """Three seeds of the drone's read "−0.01 [−1.10, 1.07]"."""
    for metric in ("return", "success"):
        store = Store(tmp_path / metric)
        for seed, (first, second) in enumerate([(1.0, 40.0), (40.0, 1.0), (1.0, 1.0)]):
            store_run(store, "point[horizon=20]", "promp", seed, first, metric=metric)
            store_run(store, "point[horizon=20]", "maml", seed, second, metric=metric)
        (verdict,) = verdicts_of(paper_of(tmp_path, HIGHER), store)
        interval = verdict.parts[0].interval
        assert interval is not None
        assert (interval == (-1.0, 1.0)) == (metric == "success")


def test_the_summary_has_the_keys_of_the_contract(store: Store, tmp_path: Path) -> None:
    fill(store, 5, promp=12.0, maml=5.0)
    summary = claims_summary(verdicts_of(paper_of(tmp_path, HIGHER, HIGHER.replace("maml", "lvc")), store))
    keys = {"id", "text", "verdict", "effect", "ci", "seeds", "p", "digests"}
    assert all(set(entry) == keys for entry in summary)
    first = [summary[0][key] for key in ("id", "text", "verdict", "seeds")]
    assert first == ["small.c0.plane", "On Plane it holds.", "reproduced", 5]
    assert summary[1]["verdict"] == "not run" and summary[1]["ci"] is None


def test_claims_that_do_not_hold_are_rarely_called_decided(store: Store, tmp_path: Path) -> None:
    """Under equal scores the share of decided claims stays near the 5 % of the whole family."""
    generator = np.random.default_rng(3)
    decided = 0
    for _ in range(400):
        found = [compare_means(*generator.normal(size=(2, 5)), "a", "b") for _ in range(4)]
        decided += min(holm([test.p_value or 0.0 for test in found], [0.0] * 4)) <= 0.05
    assert decided / 400 < 0.08
