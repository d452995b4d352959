"""Algorithms that do not fit a suite: left out of plans with their own reason, named, and no failure."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from algorithms.catalogue import algorithms, find_algorithm
from benchmarks.command_line import main
from benchmarks.commands.jobs import RunOptions
from benchmarks.commands.paper import PaperOptions, run_paper
from benchmarks.conformance.rules import LEFT_OUT, check
from benchmarks.planning.fitting import LeftOut, misfit
from benchmarks.planning.plan import make_plan
from environments.catalogue import make_suite, suites
from environments.facts import SuiteFacts
from environments.suite import Suite
from environments.typed_options import UsageError
from results.published import find_paper
from results.store import Store
from tests.support.adapters import write_spoilt

LAKE, CORNERS = "frozen-lake-low[horizon=10]", "corners[horizon=10,reward=potential]"
#: those that need no network fit other suites
LEARNING = sorted(name for name, found in algorithms().items() if not found.literals.get("scripted"))
CELLS = ("--seeds", "1", "--profile", "smoke", "--workers", "1")
#: fits where actions are continuous
PICKY = """
@classmethod
def fits(cls, suite):
    return "it needs continuous actions" if isinstance(suite.action_space, gymnasium.spaces.Discrete) else None

def __init__(self, problem, config, streams):
    assert not isinstance(problem.action_space, gymnasium.spaces.Discrete), "constructed where it does not fit"
    super().__init__(problem, config, streams)
"""


@pytest.fixture
def picky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return write_spoilt(tmp_path, PICKY, "picky")


def suite_with(observations: gymnasium.Space, actions: gymnasium.Space) -> Suite:
    """FrozenLake's class in name alone: its facts are asked for, nothing is run."""

    class Other(Suite):
        name, family = "other", "other"
        observation_space, action_space = observations, actions

    Other.__abstractmethods__ = frozenset()
    return Other()  # type: ignore[abstract]


def box(*shape: int) -> gymnasium.spaces.Box:
    return gymnasium.spaces.Box(-1.0, 1.0, shape, np.float64)


def test_a_cell_that_does_not_fit_is_left_out_of_the_plan_without_construction(picky: str) -> None:
    plan = make_plan(suites=[LAKE, CORNERS], algorithms=[picky, "random-init"], seeds=2, profile="smoke")
    assert {(spec.suite, spec.algorithm) for spec in plan} == {
        (LAKE, "random-init"), (CORNERS, "random-init"), (CORNERS, "picky"),
    }  # fmt: skip
    assert plan.left_out == (LeftOut(LAKE, "picky", "it needs continuous actions"),)


def test_a_leaderboard_names_what_it_leaves_out_and_succeeds(
    picky: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"left out: picky on {LAKE}: it needs continuous actions\n"
    cells = ("leaderboard", "--suites", f"{LAKE},{CORNERS}", "--algorithms", picky, *CELLS)
    assert main([*cells, "--dry-run"]) == 0
    output = capsys.readouterr().out
    assert output.startswith(line) and "1 of 1 run is missing" in output
    assert main(cells) == 0
    assert line in capsys.readouterr().out
    assert [run.suite for run in Store(tmp_path / "results").finished()] == [CORNERS]
    page = (tmp_path / "leaderboard" / "index.html").read_text()
    assert f"<b>Left out:</b> picky on {LAKE}: it needs continuous actions." in page


def test_compare_examines_and_runs_the_suites_that_fit(
    picky: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", picky, "--suites", f"{LAKE},{CORNERS}", *CELLS]) == 0
    assert f"left out: picky on {LAKE}: it needs continuous actions" in capsys.readouterr().out
    summary = (tmp_path / "comparison" / "summary.md").read_text()
    assert f"left out: picky on {LAKE}: it needs continuous actions" in summary
    assert f"tried on `{CORNERS}`" in summary
    assert set(json.loads((tmp_path / "comparison" / "summary.json").read_text())["suites"]) == {CORNERS}


@pytest.mark.parametrize("command", ["leaderboard", "compare"])
def test_a_command_of_which_every_cell_is_left_out_is_refused(
    command: str, picky: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["--algorithms", picky] if command == "leaderboard" else [picky]
    assert main([command, *named, "--suites", f"{LAKE},frozen-lake-high", *CELLS]) == 2
    assert capsys.readouterr().err == (
        f"metarl: there is nothing to run: left out is picky on {LAKE}: it needs continuous actions, and 1 more cell\n"
    )
    assert not list(tmp_path.rglob("run.json"))


def test_a_paper_of_which_every_cell_is_left_out_is_refused_unless_it_has_studies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.planning.plan.misfit", lambda found, suite: "it is not in the mood")
    places = RunOptions(tmp_path / "results", tmp_path / "page", 1)
    with pytest.raises(UsageError, match="there is nothing to run: left out is "):
        run_paper(
            find_paper("tmaml"),
            PaperOptions(suites=["humanoid-direction[horizon=100]"], profile="smoke"),
            places,
            dry_run=True,
        )
    assert run_paper(find_paper("promp"), PaperOptions(profile="smoke"), places, dry_run=True) == 0
    assert "studies are missing" in capsys.readouterr().out


def test_check_says_where_an_algorithm_does_not_fit_and_judges_it_elsewhere(
    picky: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", picky, "--suites", f"frozen-lake-low,{CORNERS}"]) == 0
    output = capsys.readouterr().out
    (line,) = [line for line in output.splitlines() if LEFT_OUT in line]
    assert re.search(r"left out +frozen-lake-low +it needs continuous actions$", line)
    assert output.endswith("picky keeps every rule\n")
    assert main(["check", picky, "--suites", "frozen-lake-low"]) == 2
    assert "picky fits no suite tried: it needs continuous actions" in capsys.readouterr().err


def test_check_tries_the_suites_own_horizon_where_a_short_one_does_not_fit(tmp_path: Path) -> None:
    patient = """
@classmethod
def fits(cls, suite):
    return None if suite.horizon > 10 else "it needs time"
"""
    findings = check(find_algorithm(write_spoilt(tmp_path, patient, "patient")), ["corners[horizon=12]"])
    assert {(finding.suite, finding.passed) for finding in findings} == {("corners[horizon=12,reward=potential]", True)}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return True", "fits must return None or a sentence on why not, got True"),
        ("return ' '", "fits must return None or a sentence on why not, got ' '"),
        ("return suite.tasks", "fits raised AttributeError"),
    ],
)
def test_an_answer_that_is_no_sentence_is_refused(body: str, message: str, tmp_path: Path) -> None:
    name = f"odd-{abs(hash(body))}"
    source = write_spoilt(tmp_path, f"@classmethod\ndef fits(cls, suite):\n    {body}", name)
    with pytest.raises(UsageError, match=message):
        make_plan(suites=[LAKE], algorithms=[source], profile="smoke")


def test_every_algorithm_fits_every_suite_of_ours() -> None:
    """But the methods that mix observations, which states of a table cannot be, and those of stable-baselines3."""
    unfit = {
        (algorithm, suite)
        for algorithm in LEARNING
        for suite in suites()
        if misfit(find_algorithm(algorithm), make_suite(suite)) is not None
    }
    vectors = ("contextual-sac", "gmps", "meta-augmentation", "sb3-ppo", "xmrl-g", "xmrl-g-random")
    assert unfit == {(algorithm, suite) for algorithm in vectors for suite in ("frozen-lake-high", "frozen-lake-low")}


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize(
    ("observations", "actions", "reason"),
    [
        (gymnasium.spaces.Discrete(4), box(2), "discrete observations need discrete actions"),
        (box(3, 4), box(2), "observations must be a vector or a number from 0 on"),
        (box(), box(2), "observations must be a vector or a number from 0 on"),
        (box(3), box(2, 2), "actions must be a vector or a number from 0 on"),
        (box(3), gymnasium.spaces.Discrete(3, start=1), "actions must be a vector or a number from 0 on"),
    ],
)
def test_spaces_for_which_no_network_serves_fit_no_algorithm_of_ours(
    name: str, observations: gymnasium.Space, actions: gymnasium.Space, reason: str
) -> None:
    assert (misfit(find_algorithm(name), suite_with(observations, actions)) or "").startswith(reason)


def test_the_oracle_fits_discrete_observations_only_where_the_mdp_is_known() -> None:
    oracle = find_algorithm("oracle")
    unknown = suite_with(gymnasium.spaces.Discrete(4), gymnasium.spaces.Discrete(3))
    assert misfit(oracle, unknown) == "discrete observations need an exact model to solve"
    assert misfit(find_algorithm("promp"), unknown) is None
    assert SuiteFacts.of(make_suite("frozen-lake-low")).has_model
    assert misfit(oracle, make_suite("frozen-lake-low")) is None
