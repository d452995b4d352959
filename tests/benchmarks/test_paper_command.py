"""The command `metarl paper`: what it plans, runs and renders, and what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from algorithms.catalogue import algorithms
from benchmarks.planning.definition import find_definition
from benchmarks.planning.paper_studies import plan_studies
from benchmarks.planning.plan import make_plan
from benchmarks.specs.time_estimates import makespan
from results.published import find_paper, papers
from tests.support.command import said_by
from tests.support.report_reading import text_of


def test_a_paper_is_a_benchmark_of_what_exists() -> None:
    definition = find_definition("promp")
    assert {"promp", "maml-trpo"} <= set(definition.algorithms)
    assert definition.suites[0] == "half-cheetah-direction[horizon=100]"
    assert "promp.figure2.half-cheetah-direction" in definition.claims
    for name in papers():
        make_plan(name, seeds=1)  # names nothing that does not exist


@pytest.mark.skipif("METARL_METAWORLD" not in os.environ, reason="the Sawyer suites need Meta-World's models")
def test_the_quick_page_of_gmps_fits_an_hour_of_two_cores_its_experts_within_its_budgets() -> None:
    """By the estimates of `--dry-run`, three seeds."""
    paper = find_paper("gmps")
    names = [entry.id for entry in paper.algorithms if entry.id in algorithms()]
    plan = make_plan("gmps", None, names, 3, "quick", tuned=False)
    assert {(spec.suite, spec.algorithm) for spec in plan} == {
        (suite.suite, name) for suite in paper.suites for name in names
    }
    experts = [expert for spec in plan for expert in spec.parent_runs.values()]
    assert len(experts) == 3 * len(paper.suites)
    assert all(spec.budget > sum(each.budget for each in spec.parent_runs.values()) for spec in plan)
    by_suite = {(spec.suite, spec.budget) for spec in plan}
    assert len(by_suite) == len(paper.suites)  # equal terms
    jobs = [*plan, *experts, *plan_studies(paper, "quick", 3, None)]
    assert makespan([job.expected_seconds({}) for job in jobs], 2) < 3600


def test_xmrl_gs_tables_at_quick_are_planned_within_an_hour_of_two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METARL_STOCK_DATA", raising=False)  # the synthetic market takes as long
    paper = find_paper("xmrl-g")
    names = [entry.id for entry in paper.algorithms if entry.id in algorithms()]
    plan = make_plan("xmrl-g", None, names, 3, "quick")
    assert {(spec.suite, spec.algorithm) for spec in plan} == {
        (suite.suite, name) for suite in paper.suites for name in names
    }
    assert len({(spec.suite, spec.budget) for spec in plan}) == len(paper.suites)  # equal terms
    jobs = [*plan, *plan_studies(paper, "quick", 3, None)]
    assert makespan([job.expected_seconds({}) for job in jobs], 2) < 3600


def test_the_stored_command_renders_from_shipped_results_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output, errors = said_by(capsys, "paper", "promp", "--stored")
    assert (code, output, errors) == (0, "report: paper-promp/index.html\n", "")
    claims = json.loads((tmp_path / "paper-promp" / "summary.json").read_text())["claims"]
    assert len(claims) == len(find_paper("promp").claims)
    assert [path.name for path in tmp_path.iterdir()] == ["paper-promp"]  # no results folder is made


def test_only_the_studies_of_what_is_stored_are_shown_where_they_alone_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for more, shows_runs in (((), True), (("--only-studies",), False)):
        assert said_by(capsys, "paper", "promp", "--stored", *more)[0] == 0
        summary = json.loads((tmp_path / "paper-promp" / "summary.json").read_text())
        assert bool(summary["runs"]) == shows_runs
        assert {claim["verdict"] for claim in summary["claims"]} > {"not run", "reproduced"}  # by studies at least


def test_the_command_runs_what_is_missing_and_renders_those_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = ("--suites", "half-cheetah-direction[horizon=10]", "--profile", "smoke", "--seeds", "1", "--workers", "2")
    code, output, errors = said_by(capsys, "paper", "promp", *cells)
    assert code == 0, errors
    assert output.splitlines()[-1] == "report: paper-promp/index.html"
    summary = json.loads((tmp_path / "paper-promp" / "summary.json").read_text())
    assert list(summary["suites"]) == ["half-cheetah-direction[horizon=10]"]
    departs = "our suite is half-cheetah-direction[horizon=10], horizon 10; the paper"
    assert departs in text_of(tmp_path / "paper-promp" / "index.html")
    code, output, _ = said_by(capsys, "paper", "promp", *cells)
    assert code == 0
    assert f"all {len(summary['runs']) + 3} runs and studies are stored" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("prom",), "unknown paper 'prom'; did you mean 'promp'?"),
        (("promp", "--suites", "corners"), "promp has no suite 'corners'; did you mean 'corners-momentum'?"),
        (("promp", "--stored", "--profile", "quik"), "unknown profile 'quik'; did you mean 'quick'?"),
        (
            ("promp", "--stored", "--set", "promp.clip=0.1"),
            "--set promp.clip=0.1 configures runs, and --stored makes none",
        ),
        (
            ("promp", "--stored", "--dry-run", "--force", "--workers", "2", "--threads", "2", "--executor", "ray"),
            "--dry-run, --force, --workers, --threads, --executor say what is to run and how, and --stored",
        ),
        (
            ("promp", "--stored", "--workers", "2"),
            "--workers says what is to run or how, and --stored runs nothing; leave one or the other out",
        ),
        (("promp", "--dry-run", "--set", "promp.clp=0.1"), "algorithm promp has no option 'clp'"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, errors = said_by(capsys, "paper", *arguments)
    assert code == 2
    assert message in errors.splitlines()[-1]
    assert not any(tmp_path.iterdir())
