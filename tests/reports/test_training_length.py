"""How long a study trained, where it trains each suite for a time of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from reports.papers.study_evidence import ChosenStudy
from reports.papers.training_length import length_of_study
from results.published import papers
from results.store import StoredStudy


class Study:
    """What of a stored study is asked for here."""

    name = "explanation"

    def __init__(self, **configuration: Any) -> None:
        self.configuration = configuration


def chosen(**configuration: Any) -> ChosenStudy:
    return ChosenStudy((cast(StoredStudy, Study(**configuration)),), stale=False)


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
