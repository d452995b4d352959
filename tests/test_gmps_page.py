"""What the page on papers says of GMPS's runs beyond its claims: which there are not, and how good the experts are."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import fmean

import pytest

from algorithms.catalogue import algorithms
from results.identity import base_name
from results.published import find_paper
from results.store import Store, StoredRun

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "papers.md").read_text()


@pytest.fixture(scope="module")
def shipped() -> list[StoredRun]:
    paper = find_paper("gmps")
    bases = {suite.base for suite in paper.suites}
    return [
        run for run in Store(ROOT / "results" / "reference", read_only=True).finished() if base_name(run.suite) in bases
    ]


def paragraph(begin: str) -> str:
    """Its words, in one line."""
    found = re.search(rf"^{re.escape(begin)}.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, begin
    return " ".join(found[0].split())


def test_suites_and_methods_without_any_run_are_named(shipped: list[StoredRun]) -> None:
    paper = find_paper("gmps")
    without = {suite.base for suite in paper.suites} - {base_name(run.suite) for run in shipped}
    without |= {entry.id for entry in paper.algorithms if entry.id in algorithms()} - {run.algorithm for run in shipped}
    assert set(re.findall(r"`([^`]+)`", paragraph("**Without runs**"))) == without


def test_the_experts_success_and_return_are_those_of_the_shipped_ones(shipped: list[StoredRun]) -> None:
    """They never adapt, so that their first step is as good as any."""
    experts = [run for run in shipped if run.algorithm == "contextual-sac"]
    assert len(experts) == 10
    success = dict[str, list[float]]()
    returns = dict[int, list[float]]()
    for run in experts:
        scores, learning = run.table("scores"), run.table("learning")
        for split, rows in scores[scores["step"] == 0].groupby("split"):
            success.setdefault(str(split), []).append(100 * float(rows["success"].mean()))
        for steps, rows in learning[learning["step"] == 1].groupby("environment_steps"):
            returns.setdefault(int(steps), []).append(float(rows["return"].mean()))
    said = paragraph("**The experts are none yet.**")
    test, validation = success["test"], success["validation"]
    assert "the ten shipped ones" in said
    assert f"{fmean(test):.0f} % of the episodes on test tasks ({min(test):.0f} to {max(test):.0f} % by seed)" in said
    assert f"{fmean(validation):.0f} % on validation tasks" in said
    *first, last = (f"{fmean(returns[steps]):.0f}" for steps in sorted(returns) if steps >= 60_000)
    assert f"{', '.join(first)} and {last} at each 10,000" in said
