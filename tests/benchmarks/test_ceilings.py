"""From the benchmark `ceilings` to a normalised board: runs, references, page."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.command_line import main
from benchmarks.commands.fix_reference_scores import main as fix
from benchmarks.planning.plan import make_plan
from reports.page import make_report
from reports.scores import normalised
from results.reference_scores import EXACT, load_reference_scores
from results.store import Store

SUITE = "corners[horizon=25,reward=published]"


def test_the_runs_of_ceilings_become_the_scale_of_a_suites_boards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, file = tmp_path / "results", tmp_path / "scores.json"
    cells = ["--suites", SUITE, "--profile", "smoke", "--seeds", "2", "--results", str(results)]
    small = ["--workers", "1", "--output", str(tmp_path / "report")]
    experts = ["--benchmark", "ceilings", "--set", "all.step_size=0.03"]
    assert main(["leaderboard", *experts, *cells, *small]) == 0
    methods = ["--benchmark", "quick", "--algorithms", "random-init,maml-vpg"]
    assert main(["leaderboard", *methods, *cells, *small]) == 0
    assert fix(["--results", str(results), "--file", str(file)]) == 0
    entry = load_reference_scores(file)[SUITE]
    assert entry["considered"].keys() == {"contextual-ppo", "oracle"}
    assert entry["oracle"] == max(entry["considered"].values())
    assert entry["ceiling"] != EXACT and len(entry["runs"]) == 2
    assert all((results / run / "done.json").is_file() for run in entry["runs"])
    monkeypatch.setattr(normalised, "load_reference_scores", lambda: load_reference_scores(file))
    (board,) = make_report(Store(results).finished()).boards
    scale = normalised.board_scale(board)
    assert scale is not None and scale.ceiling == entry["oracle"]
    ranked = {candidate.algorithm for candidate in board.learned}
    assert ranked == {"maml-vpg"}


def test_ceilings_are_planned_with_more_budget_than_any_method_of_quick() -> None:
    quick = {spec.suite: spec.budget for spec in make_plan("quick", seeds=1)}
    for spec in make_plan("ceilings", seeds=1):
        assert spec.budget >= 50 * quick[spec.suite]
        assert spec.adaptation_steps == 0
