"""Which tuned values a plan takes: what a benchmark sets itself, where trials come from, budgets, and changed code."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.api import run_cell
from benchmarks.command_line import main
from benchmarks.planning.plan import Plan, make_plan
from benchmarks.planning.profiles import FOLDER as PROFILES
from benchmarks.specs.run_spec import RunSpec
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.document import Outcome, write_outcome
from benchmarks.tuning.tune_plan import plan_tuning
from tests.support.tuned_algorithms import write_tuned
from tests.support.tuned_files import VELOCITY, tuned_text, write
from tests.support.walks import GOOD, forget_own_suites

DIRECTION = "half-cheetah-direction"
#: an action costs ten times its square
SHORT = "half-cheetah-velocity[horizon=5,control_cost=10]"


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    """A folder with ProMP's tuned values on half-cheetah-velocity in the profile quick."""
    folder = tmp_path / "chosen"
    write(folder, tuned_text())
    return folder


def plan(tuned: bool | Path, *names: str, **more: Any) -> Plan:
    asked: dict[str, Any] = {"suites": [VELOCITY], "algorithms": names or ["promp"], "seeds": 1, "tuned": tuned}
    return make_plan(**asked | more)


@pytest.mark.parametrize("step_size, taken", [(0.05, False), (0.001, True)])
def test_what_a_benchmark_sets_of_searched_options_stands_unless_the_trials_began_from_it(
    tuned: Path, tmp_path: Path, step_size: float, taken: bool
) -> None:
    profile = tmp_path / "short.toml"  # trial 0 of the file has the step size 0.001, as the profile's
    rule = f'[[rule]]\nbenchmarks = "bo-mrl"\nsuites = "half-cheetah-*"\nconfig = {{ step_size = {step_size} }}\n'
    profile.write_text((PROFILES / "quick.toml").read_text() + rule)
    write(tuned, tuned_text().replace('profile = "quick"', 'profile = "short"'), profile="short")
    assert plan(tuned, profile=str(profile))[0].configuration["step_size"] == 0.003
    found = plan(tuned, profile=str(profile), benchmark="bo-mrl")
    assert (found[0].tuning is not None) == taken
    assert found[0].configuration["step_size"] == (0.003 if taken else step_size)
    said = "benchmark bo-mrl sets this suite otherwise than the trials were set"
    assert any(said in note for note in found.notes) != taken
    (spec,) = plan(tuned, "maml-vpg", profile=str(profile), benchmark="bo-mrl", settings=["maml-vpg.step_size=0.001"])
    notes = plan(tuned, "maml-vpg", profile=str(profile), benchmark="bo-mrl").notes
    assert spec.tuning is None and any("maml-vpg is not tuned" in note for note in notes) == taken


def test_trials_of_anothers_best_say_so_in_the_record_and_in_the_command_that_equals_them(tuned: Path) -> None:
    text = tuned_text(profile="standard").replace('sampler = "qmc"', 'sampler = "best of quick"')
    write(tuned, text, profile="standard")
    (cell,) = plan(tuned, profile="standard").cells
    origin = {"profile": "quick", "trials": 3, "seeds": 2}
    assert cell.spec.tuning is not None and cell.spec.tuning["origin"] == origin
    assert RunSpec.from_record(cell.spec.record()).tuning == cell.spec.tuning
    assert cell.spec.identity() == plan(False, profile="standard", settings=["promp.step_size=0.003", "promp.gae_lambda"
                                        "=0.95"])[0].identity()  # fmt: skip
    (note,) = plan(tuned, "promp", "maml-vpg", profile="standard").notes
    command = (f"`metarl tune maml-vpg --suites {VELOCITY} --benchmark quick --profile standard --best-of quick "
               f"--trials 3 --seeds 2 --into {tuned}`")  # fmt: skip
    assert command in note
    (tuned / "quick" / f"{VELOCITY}.toml").unlink()  # then the shipped trials are those that are known
    shipped = plan(tuned, profile="standard")[0].tuning
    assert shipped is not None and shipped["origin"] == {"profile": "quick", "trials": 16, "seeds": 2}


def test_where_the_plan_takes_nobodys_values_nobody_is_asked_to_tune(tuned: Path) -> None:
    text = tuned_text(profile="standard").replace("adaptation_steps = 1", "adaptation_steps = 3")
    write(tuned, text, profile="standard")
    alone = plan(tuned, "maml-vpg", profile="standard").notes
    beside = plan(tuned, "promp", "maml-vpg", profile="standard").notes
    assert alone == () and len(beside) == 1 and "not used for promp" in beside[0]
    assert len(plan(tuned, "maml-vpg", profile="standard", benchmark="bo-mrl").notes) == 1  # three steps are its own
    write(tuned, tuned_text().replace("tasks = ", "tasks = 1"))  # of its own options, which others do not have
    assert [note.partition(" on ")[0] for note in plan(tuned, "promp", "maml-vpg").notes] == ["not used for promp"]


def test_shipped_values_of_four_steps_are_not_said_to_be_others_at_one_step() -> None:
    lake = "frozen-lake-low"
    assert plan(True, "cavia", suites=[lake], profile="standard").notes == ()
    (note,) = plan(True, "cavia", suites=[lake], profile="standard", benchmark="bo-mrl").notes
    assert "--benchmark bo-mrl --profile standard --best-of quick --trials 5 --seeds 2` gives" in note


def test_a_budget_by_hand_takes_no_values_of_another_one(tuned: Path) -> None:
    for suite in (VELOCITY, DIRECTION):  # the second takes the first's
        assert plan(tuned, suites=[suite])[0].tuning is not None
        found = plan(tuned, suites=[suite], budget=90_000)
        assert (found[0].budget, found[0].tuning) == (90_000, None)
        assert found[0].configuration == plan(False, suites=[suite])[0].configuration
        assert "the trials had a budget of 80000 steps, asked for are 90000" in found.notes[0]
        assert "not tuned" not in "".join(plan(tuned, "maml-vpg", suites=[suite], budget=90_000).notes)


def test_the_door_for_python_gives_the_plan_its_budget_and_warns(tuned: Path) -> None:
    lake = "frozen-lake-low[horizon=10]"
    write(tuned, tuned_text(lake, profile="smoke", owner=lake), lake, "smoke")
    with pytest.warns(UserWarning, match="not used for promp .* asked for are 200"):
        cell = run_cell(lake, "promp", profile="smoke", seeds=1, budget=200, tuned=tuned)
    (run,) = cell.runs
    assert run.identity["configuration"]["step_size"] == 0.001 and "tuning" not in run.run["description"]


def test_options_that_were_not_searched_are_by_hand_too(tuned: Path) -> None:
    settings = ["promp.tasks=40", "promp.hidden=8", "promp.step_size=0.01", "promp.trajectories=5"]
    note = plan(tuned, settings=settings)[0].tuning
    assert note is not None and note["by_hand"] == ["hidden", "step_size", "tasks"]  # trajectories are five anyway


def outcome_of(source: str) -> Outcome:
    """Of one trial of a loose file's algorithm."""
    (cell,) = plan_tuning("quick", [SHORT], [source], "smoke", Effort(trials=1, seeds=1)).cells
    outcome = cell.outcome([[1.0]])
    assert outcome is not None
    return outcome


def test_values_of_a_loose_file_whose_code_has_changed_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_tuned(tmp_path)
    write_outcome(Path("tuned"), "smoke", SHORT, "tuned", outcome_of(source))
    asked: dict[str, Any] = {"suites": [SHORT], "profile": "smoke"}
    assert plan(True, source, **asked)[0].tuning is not None
    Path(source).write_text(Path(source).read_text() + "\n# a comment is no other code\n")
    assert plan(True, source, **asked)[0].tuning is not None
    write_tuned(tmp_path, waste="0.5")
    found = plan(True, source, **asked)
    assert found[0].tuning is None and found[0].configuration == plan(False, source, **asked)[0].configuration
    (note,) = found.notes
    command = f"metarl tune {source} --suites '{SHORT}' --benchmark quick --profile smoke --trials 2 --seeds 1"
    assert "its code has changed since" in note and f"`{command}`" in note


def test_values_of_ours_on_a_loose_suite_whose_code_has_changed_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    request.addfinalizer(forget_own_suites)
    asked: dict[str, Any] = {"suites": ["walk.py"], "profile": "smoke"}
    Path("walk.py").write_text(GOOD)
    (cell,) = plan_tuning("quick", ["walk.py"], ["maml-vpg"], "smoke", Effort(trials=1, seeds=1)).cells
    outcome = cell.outcome([[1.0]])
    assert outcome is not None
    write_outcome(Path("tuned"), "smoke", "walk", "maml-vpg", outcome)
    assert plan(Path("tuned"), "maml-vpg", **asked)[0].tuning is not None
    forget_own_suites()
    Path("walk.py").write_text(GOOD.replace("-np.abs(self.place[:, 0])", "np.abs(self.place[:, 0])"))
    found = plan(Path("tuned"), "maml-vpg", **asked)
    assert found[0].tuning is None and "its code has changed since" in found.notes[0]


def test_a_changed_digest_of_our_own_code_is_no_obstacle(tuned: Path) -> None:
    assert 'code = "c"' in tuned_text() and plan(tuned)[0].tuning is not None


def test_an_entry_of_another_setting_is_not_written_over(tmp_path: Path) -> None:
    identity = {"code": "c", "suite_digest": "s", "split_digest": "p"}
    setting = {"budget": 100, "adaptation_steps": 1, "config": {"tasks": 5}}

    def put(folder: Path, **more: Any) -> Path:
        values, scores = [{"step": 0.1}], [(1.0,)]
        outcome = Outcome(values, scores, 0, 0, 0, (1000,), "qmc", identity, {**setting, **more})
        return write_outcome(folder, "smoke", "point", "promp", outcome)

    path = put(tmp_path / "first")
    put(tmp_path / "first")  # the same ones
    before = path.read_bytes()
    said = "holds what was found for promp with adaptation_steps 1; these trials have adaptation_steps 4"
    with pytest.raises(ValueError, match=re.escape(str(path)) + f" {said}.*--into"):
        put(tmp_path / "first", adaptation_steps=4)
    assert path.read_bytes() == before
    put(tmp_path / "second", adaptation_steps=4)


def test_a_tuning_that_could_not_be_written_is_refused_before_its_first_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_tuned(tmp_path)
    outcome = outcome_of(source)
    other = replace(outcome, setting={**outcome.setting, "adaptation_steps": 7})
    path = write_outcome(Path("tuned"), "smoke", SHORT, "tuned", other)
    before = path.read_bytes()
    words = ["tune", source, "--suites", SHORT, "--profile", "smoke", "--trials", "2", "--seeds", "1", "--workers", "1"]
    for more in ([], ["--dry-run"]):
        assert main([*words, *more]) == 2
        assert "with adaptation_steps 7; these trials have adaptation_steps 1" in capsys.readouterr().err
    assert path.read_bytes() == before and not list(Path("results").glob("trials/**/run.json"))
