"""How long a study trained, where it trains each suite for a time of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan
from typing import Any, cast

import pandas as pd
import pytest

from benchmarks.commands.report import REFERENCE
from reports.papers.study_evidence import ChosenStudy, choose_studies
from reports.papers.training_length import length_of_study
from results.published import papers
from results.store import Store, StoredStudy


class Study:
    """What of a stored study is asked for here."""

    name, seed = "explanation", 0

    def __init__(self, rows: list[dict[str, Any]], **configuration: Any) -> None:
        self.configuration = configuration
        columns = ["quantity", "suite", "algorithm", "x"]
        self.values = pd.DataFrame(rows, columns=columns).astype({"x": float})


def chosen(rows: Sequence[dict[str, Any]] = (), **configuration: Any) -> ChosenStudy:
    return ChosenStudy((cast(StoredStudy, Study(list(rows), **configuration)),), stale=False)


@pytest.mark.parametrize(("suite", "steps"), [("drone", 480_000), ("hopper", 160_000)])
def test_a_claims_suite_has_its_own_length(suite: str, steps: int) -> None:
    paper = papers()["xmrl-g"]
    (base,) = (each.base for each in paper.suites if each.id == suite)
    claim = next(claim for claim in paper.claims if claim.measured_by == "explanation" and claim.suite == suite)
    study = chosen(budget=160_000, per_suite=["drone-obstacles[budget=480000,hidden=32:32,rate=4.56e-3,name=x]"])
    (length,) = length_of_study(paper, claim, study)
    assert length.ours == steps
    assert study.on(base)["budget"] == steps
    (common,) = length_of_study(paper, replace(claim, suite=""), study)
    assert common.ours == 160_000


def test_a_policy_that_goes_on_from_a_trained_one_has_trained_for_both() -> None:
    """By what the rows of the claim's methods count, which the study's budget fell short of."""
    paper = papers()["xmrl-g"]
    claims = {claim.id: claim for claim in paper.claims}
    score = {"quantity": "score on the test tasks", "suite": "hopper-velocity"}
    rows = [
        {**score, "algorithm": "maml-vpg-continued", "x": 199_000},
        {**score, "algorithm": "xmrl-g-continued", "x": 200_000},
        {**score, "algorithm": "xmrl-g", "x": 700_000},
        {**score, "suite": "walker2d-velocity", "algorithm": "xmrl-g-continued", "x": 900_000},
        {**score, "quantity": "weight", "algorithm": "xmrl-g-continued", "x": 800_000},
    ]
    (length,) = length_of_study(paper, claims["xmrl-g.table1.continued.hopper"], chosen(rows, budget=160_000))
    assert length.ours == 200_000
    for none in (nan, inf, 0.0, -5.0):
        rows = [{**score, "algorithm": "xmrl-g-continued", "x": none}]
        (length,) = length_of_study(paper, claims["xmrl-g.table1.continued.hopper"], chosen(rows, budget=160_000))
        assert length.ours == 160_000


def test_the_shipped_policies_that_go_on_have_trained_for_longer_than_maml() -> None:
    paper, studies = papers()["xmrl-g"], choose_studies(Store(REFERENCE, read_only=True).studies(), ())
    claims, study = {claim.id: claim for claim in paper.claims}, studies["explanation"]
    for name in ("table1.continued", "appendix-b.continued", "remark1"):
        for suite in ("drone", "stock-market", "half-cheetah", "hopper", "walker"):
            (first,) = length_of_study(paper, claims[f"xmrl-g.abstract.uneven.{suite}"], study)
            (length,) = length_of_study(paper, claims[f"xmrl-g.{name}.{suite}"], study)
            assert length.ours == pytest.approx((1 + study.configuration["continued"]) * first.ours, rel=1e-6)


def test_a_suites_values_are_read_as_what_they_are() -> None:
    study = chosen(hidden=[64, 64], rate=1.0, per_suite=["lake[hidden=32:16,rate=4.56e-3,name=x]", "lake[tasks=3]"])
    assert study.on("lake") | {"per_suite": ()} == {
        "hidden": [32, 16], "rate": 4.56e-3, "name": "x", "tasks": 3, "per_suite": (),
    }  # fmt: skip
    assert study.on("other")["hidden"] == [64, 64]
    assert chosen(budget=5).on("lake") == {"budget": 5}


@pytest.mark.parametrize("strange", [5, "drone-obstacles[budget=7]", [5], ["drone-obstacles[budget=1e999]"], None])
def test_what_a_stranger_wrote_there_raises_nothing(strange: object) -> None:
    paper = papers()["xmrl-g"]
    claim = next(claim for claim in paper.claims if claim.measured_by == "explanation" and claim.suite == "drone")
    found = length_of_study(paper, claim, chosen(budget=160_000, per_suite=strange))
    assert [length.ours for length in found] == ([] if "1e999" in str(strange) else [160_000])
