"""How many trials may be asked for, and what contradicts itself: refused before anything is tried, with the numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from algorithms.search_space import Choice, Integers, LogRange, Space
from benchmarks.command_line import main
from benchmarks.commands.jobs import RunOptions
from benchmarks.commands.tune import run_tuning, show_tuning
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.planning.profiles import FOLDER as PROFILES
from benchmarks.tuning.candidates import Candidates
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.document import Outcome, write_outcome
from benchmarks.tuning.tune_plan import MOST_RUNS, plan_tuning
from tests.support.tuned_algorithms import write_tuned

SUITE, LAKE = "half-cheetah-velocity", "frozen-lake-low"
WALK = "half-cheetah-velocity[horizon=5,control_cost=10]"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command says in its one line, once it has refused."""
    capsys.readouterr()
    assert main([*words, "--dry-run", "--results", "nowhere"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_one_trial_is_too_few_for_methods_to_have_equally_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The paper's values and the profile's differ for some methods: two trials of one would stand beside one."""
    monkeypatch.chdir(tmp_path)
    for command in (["tune", "promp"], ["tune", "promp", "--best-of", "standard"], ["compare", "promp", "--tune"]):
        said = refused(capsys, *command, "--suites", SUITE, "--trials", "1")
        assert "--trials 1 is too few" in said and "give 2 or more" in said
    cells = plan_tuning("quick", ["hopper-params"], ["multi-task", "promp"], None, Effort(trials=2)).cells
    for cell in cells:
        cell.candidates.next_batch([])
    assert [(len(cell.candidates.found), cell.profile) for cell in cells] == [(2, 1), (2, 0)]


@pytest.mark.parametrize(
    ("asked", "runs"),
    [
        (("--sampler", "grid", "--points", "100"), "300,001 trials of 2 seeds are 600,002 runs"),
        (("--sampler", "grid", "--points", "100000", "--seeds", "1"), "300,000,000,001 trials of 1 seed are"),
        (("--trials", "2", "--seeds", "100000"), "2 trials of 100,000 seeds are 200,000 runs"),
        (("--trials", "100000"), "100,000 trials of 2 seeds are 200,000 runs"),
    ],
)
def test_more_runs_than_can_be_meant_are_counted_and_refused_before_they_are_made(
    asked: tuple[str, ...], runs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def made(self: Candidates, scores: object) -> list[int]:
        raise AssertionError("candidates were made")

    monkeypatch.setattr(Candidates, "next_batch", made)
    said = refused(capsys, "tune", "promp", "--suites", SUITE, *asked)
    assert runs in said and f"at most {MOST_RUNS:,}" in said


def test_what_was_best_elsewhere_is_drawn_by_no_sampler(capsys: pytest.CaptureFixture[str]) -> None:
    cells = ("--suites", LAKE, "--profile", "standard", "--best-of", "quick")
    for sampler in ("tpe", "qmc", "grid"):
        said = refused(capsys, "tune", "promp", *cells, "--sampler", sampler)
        assert f"--sampler {sampler} draws what is tried, and --best-of quick takes it from" in said


def test_fewer_trials_than_were_asked_for_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = ("--suites", LAKE, "--profile", "standard", "--best-of", "quick", "--results", str(tmp_path), "--dry-run")
    assert main(["tune", "promp", *cells, "--trials", "40"]) == 0
    said = capsys.readouterr().out
    assert f"note: {LAKE} promp: 16 trials, not 40: profile quick tried no more that ended\n" in said
    assert "16 trials x 2 seeds" in said
    assert main(["tune", "promp", *cells]) == 0
    said = capsys.readouterr().out
    assert "note: " not in said and "5 trials x 2 seeds" in said


def test_one_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = plan_tuning("quick", [SUITE], ["promp"], None, Effort(trials=1, seeds=1))
    assert show_tuning(plan, RunOptions(tmp_path / "store", tmp_path / "into", 1)) == 0
    said = capsys.readouterr().out
    assert "1 trial x 1 seed  1 run missing" in said and "with 1 worker;" in said


def test_an_option_that_nothing_has_is_named_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "tune", "promp", "--suites", LAKE, "--options", "nothing")
    assert "it has no option 'nothing' to try; it has gae_lambda, " in said


def test_failures_are_named_by_their_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    algorithm = write_tuned(tmp_path, meta_step="if knob < 100: raise ValueError('too small')")
    plan = plan_tuning("quick", [WALK], [algorithm], "smoke", Effort(trials=3, seeds=1))
    assert run_tuning(plan, RunOptions(tmp_path / "store", tmp_path / "into", 1), InProcessExecutor()) == 0
    lines = [line.split("  ") for line in capsys.readouterr().err.splitlines() if "too small" in line]
    assert sorted(line[-2].strip() for line in lines) == ["trial 1 seed 1000", "trial 2 seed 1000"]


def test_the_best_of_a_profile_may_hold_the_text_none(tmp_path: Path) -> None:
    """Where an option takes that text it stays one, and where it takes no value it is that."""
    algorithm = write_tuned(tmp_path)
    text = Path(algorithm).read_text()
    for old, new in (
        ("from dataclasses", "from typing import Literal\nfrom dataclasses"),
        ("import LogRange,", "import Choice, LogRange,"),
        (
            "    idle: float =",
            '    mode: Literal["some", "none"] = searched("some", Choice(("some", "none")))\n'
            "    limit: float | None = searched(1.0, Choice((1.0, None)))\n    idle: float =",
        ),
    ):
        assert old in text
        text = text.replace(old, new)
    Path(algorithm).write_text(text)
    wanted = {"knob": 0.05, "mode": "none", "limit": None}
    (cell,) = plan_tuning("quick", [WALK], [algorithm], "smoke", Effort(trials=2, seeds=1)).cells
    values = [cell.candidates.found[0], wanted]
    identity = cell.trials_of([0])[0].identity()
    outcome = Outcome(values, [[0.0], [1.0]], 1, 0, 0, [1000], "qmc", identity, cell.setting)
    write_outcome(tmp_path / "into", "smoke", WALK, "tuned", outcome)
    (tmp_path / "longer.toml").write_text((PROFILES / "smoke.toml").read_text())
    plan = plan_tuning(
        "quick", [WALK], [algorithm], str(tmp_path / "longer.toml"), Effort(trials=2, origin="smoke"),
        (tmp_path / "into",),
    )  # fmt: skip
    candidates = plan.cells[0].candidates
    candidates.next_batch([])
    assert candidates.found == values and plan.notes == []


def test_the_profile_whose_best_are_tried_may_be_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    algorithm = write_tuned(tmp_path)
    Path("short.toml").write_text((PROFILES / "smoke.toml").read_text())
    words = ("tune", algorithm, "--suites", WALK, "--profile", "smoke", "--best-of", "short.toml")
    said = refused(capsys, *words)
    (command,) = re.findall("`(metarl tune .*)` makes them", said)
    assert f"no trials of profile short on {WALK}" in said and command.endswith("--profile short.toml")
    (cell,) = plan_tuning("quick", [WALK], [algorithm], "short.toml", Effort(trials=2, seeds=1)).cells
    outcome = cell.outcome([[0.0]])
    assert outcome is not None
    write_outcome(Path("tuned"), "short", WALK, "tuned", outcome)
    assert main([*words, "--dry-run"]) == 0
    assert "1 trial x 2 seeds" in capsys.readouterr().out


def test_a_grids_size_is_known_before_it_is_made() -> None:
    space: dict[str, Space] = {"rate": LogRange(1e-4, 0.1), "steps": Integers(1, 3), "kind": Choice(("a", "b"))}
    grid = Candidates(space, [], 3, "grid", 5, lambda values: values)
    assert grid.most == 5 * 3 * 2
    grid.next_batch([])
    assert len(grid.found) == 5 * 3 * 2
