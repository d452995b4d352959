"""What papers' claims are held to, as data: bounds, margins and shared figures, against the shipped studies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.studies.optimality_gap.lake import STEPS, WEIGHTS
from environments.catalogue import make_suite
from results.published import Paper, find_paper, papers
from results.published_claims import Claim
from results.store import Store
from results.study_tests import StudyTest

if TYPE_CHECKING:
    import pandas as pd

EVERY_PAPER = pytest.mark.parametrize("paper", papers().values(), ids=lambda paper: paper.name)
STARTS = "to which the three best of ten starts"
#: methods whose training a compared name stands for, with the policy gradient's size
TRAINED = {"maml, best step size": ("maml", 1000.0)}
#: whose bound has no quantity in the study from which on it excludes nothing
SQUARED_GRADIENT = "theorem1-bound"


def shipped(name: str) -> pd.DataFrame:
    """Rows of all seeds."""
    import pandas as pd

    folder = Path(__file__).parents[2] / "results" / "reference"
    return pd.concat([each.values for each in Store(folder, read_only=True).studies() if each.name == name])


def each_test(*names: str) -> Iterator[tuple[Claim, StudyTest]]:
    for name in names or papers():
        for claim in find_paper(name).claims:
            for test in claim.tests:
                yield claim, test


@EVERY_PAPER
def test_every_test_against_a_bound_says_from_where_on_the_bound_is_vacuous(paper: Paper) -> None:
    """Whatever its relation: above a bound that nothing could exceed there is nothing either."""
    for claim, test in each_test(paper.name):
        if "bound" in test.against and test.against != SQUARED_GRADIENT:
            assert test.trivial, claim.id


def test_the_bound_without_such_a_quantity_lies_below_the_square_of_the_largest_gradient() -> None:
    rows = shipped("xmrl-g-lemmas").set_index("quantity")["value"]
    assert rows[SQUARED_GRADIENT].max() < float(rows["lipschitz"]) ** 2


def test_what_a_margin_rests_on_is_required_of_ratios_values_and_margins() -> None:
    for relation in ("ratio", "value"):
        with pytest.raises(ValueError, match="needs margin_from"):
            StudyTest("a", relation, factor=2.0, tolerance=0.5)
    with pytest.raises(ValueError, match="needs margin_from"):
        StudyTest("a", "higher", margin=0.1)
    assert StudyTest("a", "value", factor=2.0, tolerance=0.5, margin_from="ours").margin_from == "ours"


def test_no_verdict_hangs_on_a_numerical_tolerance() -> None:
    """What holds does so within a hundredth of it, and what fails is a hundred times beyond it."""
    numerical = [(claim, test) for claim, test in each_test() if test.margin_from.startswith("numerical")]
    assert len(numerical) == 34  # sixteen sums in double precision and eighteen of finite differences
    studies = {name: shipped(name) for name in {claim.measured_by for claim, _ in numerical}}
    for claim, test in numerical:
        rows = studies[claim.measured_by]
        methods = (test.first,) if test.first else claim.first or ("",)
        own = rows[(rows["quantity"] == test.quantity) & rows["algorithm"].isin(methods)]["value"]
        away = (own - test.factor).abs()
        assert len(away), claim.id
        least = away.max() if test.every else away.min()  # what is said of every case fails with one
        assert away.max() < test.tolerance / 100 or least > test.tolerance * 100, (claim.id, away)
        if test.tolerance == 1e-9 and away.max() < test.tolerance:
            assert away.max() < 1e-13  # as its reason says


def test_exact_orders_are_decided_beyond_what_the_shipped_training_is_accurate_to() -> None:
    """Of every method compared, whose training the study repeats from ten starts each."""
    rows = shipped("optimality-gap")
    starts = rows[rows["quantity"] == "training objective by start"]
    methods = set()
    for claim, test in each_test("bo-mrl"):
        if not test.margin_from.startswith(STARTS):
            continue
        suite, spreads = find_paper("bo-mrl").suite(claim.suite).suite, []
        names = {*((test.first,) if test.first else claim.first), test.second} - {""}
        for name in names:
            method, size = TRAINED.get(name, (name, None))
            own = starts[(starts["algorithm"] == method) & (starts["suite"] == suite)]
            reached = (own if size is None else own[own["x"] == size])["value"].sort_values(ascending=False)
            assert len(reached) == 10, (claim.id, name)
            spreads.append(float(reached.iloc[0] - reached.iloc[2]))
            methods.add(name)
        assert max(spreads) <= test.tolerance, (claim.id, names, spreads)
    assert methods == {"bo-mrl-1", "bo-mrl-2", "bo-mrl-3", "bo-mrl-3-by-state", "maml, best step size"}


def test_the_third_algorithms_starts_agree_less_and_no_wider_than_its_tests_allow() -> None:
    starts = shipped("optimality-gap").query("quantity == 'training objective by start'")
    for name, tolerance in (("bo-mrl-3", 0.13), ("bo-mrl-3-by-state", 0.02)):
        spreads = []
        for suite in ("frozen-lake-high", "frozen-lake-low"):
            reached = starts[(starts["algorithm"] == name) & (starts["suite"] == suite)]["value"].nlargest(3)
            spreads.append(float(reached.iloc[0] - reached.iloc[2]))
        assert tolerance / 2 < max(spreads) <= tolerance
        tests = [test for claim, test in each_test("bo-mrl") if name in ((test.first,) if test.first else claim.first)]
        assert {test.tolerance for test in tests if test.margin_from.startswith(STARTS)} == {tolerance}


@EVERY_PAPER
def test_a_claim_that_shares_its_figure_says_what_sets_it_apart(paper: Paper) -> None:
    for claim in paper.claims:
        others = [other.id for other in paper.claims if other is not claim and other.shares_figure(claim)]
        assert claim.apart or not others, (claim.id, others)


def test_a_claim_without_a_suite_shares_the_figure_of_every_suite() -> None:
    claims = {claim.id: claim for claim in find_paper("promp").claims}
    deviation, returns = claims["promp.figure3.deviation"], claims["promp.figure3.return.half-cheetah-direction"]
    assert deviation.shares_figure(returns) and returns.shares_figure(deviation)
    walker, hopper = claims["promp.figure2.walker2d-direction"], claims["promp.figure2.hopper-params"]
    assert not walker.shares_figure(hopper) and not walker.shares_figure(deviation)


@EVERY_PAPER
def test_every_study_of_a_paper_with_settings_stands_in_a_table_of_them_or_says_why_not(paper: Paper) -> None:
    assert paper.settings
    listed = {study for table in paper.settings for study in table.studies}
    used = {claim.measured_by for claim in paper.claims} - {""}
    assert used == listed | set(paper.without_settings)


def test_what_optimality_gap_has_as_constants_is_printed() -> None:
    """Its reason in `without_settings`."""
    table = next(table for table in find_paper("bo-mrl").settings if table.id == "frozen-lake-settings")
    distances = {"bo-mrl-1": "kl", "bo-mrl-2": "reverse_kl", "bo-mrl-3": "euclidean"}
    for suite, weights in WEIGHTS.items():
        for name, distance in distances.items():
            values = {row.option: row.value for row in table.holding(suite, name)}
            assert values["regularisation"] == weights[distance]  # type: ignore[index]
            assert values["discount"] == make_suite(suite).discount
            assert values["protocol.adaptation_steps"] == STEPS
