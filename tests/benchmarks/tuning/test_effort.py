"""How many trials may be asked for, and what contradicts itself: refused before anything is tried, with the numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from algorithms.search_space import Choice, Integers, LogRange, Space
from benchmarks.command_line import main
from benchmarks.tuning.candidates import Candidates
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.tune_plan import MOST_RUNS, plan_tuning

SUITE = "half-cheetah-velocity"


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


def test_a_grids_size_is_known_before_it_is_made() -> None:
    space: dict[str, Space] = {"rate": LogRange(1e-4, 0.1), "steps": Integers(1, 3), "kind": Choice(("a", "b"))}
    grid = Candidates(space, [], 3, "grid", 5, lambda values: values)
    assert grid.most == 5 * 3 * 2
    grid.next_batch([])
    assert len(grid.found) == 5 * 3 * 2
