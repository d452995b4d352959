"""Tuning end to end: what is found, what nothing can be gained from, failures, interruptions, and the same bytes."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from algorithms.catalogue import find_algorithm
from benchmarks.command_line import main
from benchmarks.commands.jobs import INTERRUPTED, RunOptions
from benchmarks.commands.tune import default_folder, run_tuning
from benchmarks.execution.executor import Watcher
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.execution.worker import RunOutcome
from benchmarks.planning.plan import make_plan
from benchmarks.planning.profiles import FOLDER as PROFILES
from benchmarks.planning.tuned_file import read_tuned
from benchmarks.planning.tuned_values import OWN, SHIPPED, folders_for, tuned_cell
from benchmarks.specs.job import J
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.document import Outcome, refuse_unwritable, write_outcome
from benchmarks.tuning.tune_plan import TunePlan, plan_tuning
from environments.typed_options import UsageError
from results.files import StoreError
from results.store import Store, StoredTrial
from tests.support.tuned_algorithms import write_tuned

#: an action costs ten times its square
SUITE = "half-cheetah-velocity[horizon=5,control_cost=10]"


def plan_of(algorithm: str, effort: Effort, suite: str = SUITE) -> TunePlan:
    return plan_tuning("quick", [suite], [algorithm], "smoke", effort)


def tune(tmp_path: Path, algorithm: str, effort: Effort, executor: Any = None, suite: str = SUITE) -> int:
    options = RunOptions(tmp_path / "store", tmp_path / "into", 1)
    return run_tuning(plan_of(algorithm, effort, suite), options, executor or InProcessExecutor())


def file_of(tmp_path: Path, suite: str = SUITE) -> Path:
    return tmp_path / "into" / "smoke" / f"{suite}.toml"


def read(tmp_path: Path, algorithm: str = "tuned") -> dict[str, Any]:
    return tomllib.loads(file_of(tmp_path).read_text())["algorithms"][algorithm]


def test_a_good_value_in_the_space_is_found_though_the_default_is_bad(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune(tmp_path, write_tuned(tmp_path), Effort(trials=16, seeds=1)) == 0
    found = read(tmp_path)
    assert len(found["trials"]) == 16 and found["seeds"] == [1000]
    assert found["trials"][0]["values"] == {"knob": 100.0} and found["published"] == found["profile"] == 0
    assert abs(math.log10(found["values"]["knob"] / 0.05)) < 0.4
    means = [trial["scores"][0] for trial in found["trials"]]
    assert means[found["chosen"]] == max(means) > means[0] + 2
    assert found["values"] == found["trials"][found["chosen"]]["values"]
    said = capsys.readouterr().out
    assert f"trial {found['chosen']} of 16" in said and "paper's" in said and f"knob {found['values']['knob']}" in said


def test_options_that_do_nothing_leave_the_papers_values(tmp_path: Path) -> None:
    assert tune(tmp_path, write_tuned(tmp_path, waste="0.5"), Effort(trials=4)) == 0
    found = read(tmp_path)
    assert len({trial["scores"][0] for trial in found["trials"]}) == 1
    assert found["chosen"] == 0 and found["values"] == {"knob": 100.0}


def test_crashed_and_nan_trials_score_worst_and_are_not_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = """
if knob > 1:
    raise ValueError("too much")
if knob < 0.1:
    return {"return": float("nan")}
"""
    algorithm, effort = write_tuned(tmp_path, meta_step=spoilt), Effort(trials=8, seeds=1)
    assert tune(tmp_path, algorithm, effort) == 0
    found = read(tmp_path)
    for trial in found["trials"]:
        assert math.isnan(trial["scores"][0]) == (not 0.1 <= trial["values"]["knob"] <= 1)
    assert 0.1 <= found["values"]["knob"] <= 1
    assert "of which failed" in capsys.readouterr().out
    before, bytes_before = attempts(tmp_path), file_of(tmp_path).read_bytes()
    assert tune(tmp_path, algorithm, effort) == 0
    assert attempts(tmp_path) == before and file_of(tmp_path).read_bytes() == bytes_before


def test_nothing_is_chosen_where_every_trial_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    algorithm = write_tuned(tmp_path, meta_step="raise ValueError('always')")
    assert tune(tmp_path, algorithm, Effort(trials=2, seeds=1)) == 1
    assert not file_of(tmp_path).exists() and "every trial failed" in capsys.readouterr().err


def test_what_earlier_tunings_tried_is_counted_beside_the_trials(tmp_path: Path) -> None:
    """Or whoever tunes often and takes the best would be said to have had one tuning's trials."""
    algorithm = write_tuned(tmp_path)
    assert tune(tmp_path, algorithm, Effort(trials=3, seeds=1)) == 0
    assert "others" not in read(tmp_path)
    assert tune(tmp_path, algorithm, Effort(trials=4, seeds=1, sampler="random")) == 0
    assert read(tmp_path)["others"] == 2  # the first is the paper's both times
    found = tuned_cell("smoke", SUITE, "tuned", [tmp_path / "into"])
    assert found is not None and found.note()["others"] == 2
    assert tune(tmp_path, algorithm, Effort(trials=4, seeds=1, sampler="random")) == 0
    assert read(tmp_path)["others"] == 2


@pytest.mark.parametrize(
    ("error", "again"),
    [
        ("MemoryError()", 1),
        ("__import__('numpy')._core._exceptions._ArrayMemoryError((1,), __import__('numpy').dtype(float))", 1),
        ("""RuntimeError("DefaultCPUAllocator: can't allocate memory")""", 1),
        ("OSError(28, 'No space left')", 1),
        ("OSError(2, 'x')", 0),
    ],
)
def test_a_trial_that_the_machine_had_no_room_for_is_tried_again(error: str, again: int, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    body = f"if not __import__('os').path.exists({str(gate)!r}):\n            raise {error}"
    algorithm, effort = write_tuned(tmp_path, meta_step=body), Effort(trials=1, seeds=1)
    assert tune(tmp_path, algorithm, effort) == 1 and attempts(tmp_path) == 1
    if "emory" in error:  # twice, and it is the values'
        assert tune(tmp_path, algorithm, effort) == tune(tmp_path, algorithm, effort) == 1
        assert attempts(tmp_path) == 2
        return
    gate.touch()
    tune(tmp_path, algorithm, effort)
    assert attempts(tmp_path) == 1 + again


def test_what_cannot_be_meant_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="--options inner_stepsize: nothing that is tuned has such an option; did you"):
        plan_of("promp", Effort(options=("step_size", "inner_stepsize")))
    assert main(["tune", "promp", "--suites", SUITE, "--sampler", "grid", "--trials", "3", "--dry-run"]) == 2
    assert "--trials 3: a grid has as many as its --points make" in capsys.readouterr().err


def test_what_a_file_of_ones_own_decides_is_not_written_into_the_package(tmp_path: Path) -> None:
    assert default_folder(["promp"]) == SHIPPED
    for named in ("mine.toml", "my_suite.py", "my_suite.py:Mine[horizon=5]"):
        assert default_folder(["promp"], "", ["quick", named]) == OWN
    assert folders_for(find_algorithm("promp"), True) == (SHIPPED, OWN)  # and is found there


def attempts(tmp_path: Path) -> int:
    return sum(path.read_text().count('"started"') for path in (tmp_path / "store").rglob("run.json"))


class Stopping(InProcessExecutor):
    """Carries out so many jobs and is then interrupted."""

    def __init__(self, after: int) -> None:
        self.after = after

    def run(self, jobs: Sequence[J], root: Path, watcher: Watcher, force: bool = False) -> list[tuple[J, RunOutcome]]:
        return super().run(jobs[: self.after], root, watcher, force)


@pytest.mark.parametrize("sampler", ["qmc", "tpe"])
def test_an_interrupted_tune_resumes_to_the_same_bytes(sampler: str, tmp_path: Path) -> None:
    algorithm, effort = write_tuned(tmp_path), Effort(trials=7, seeds=1, sampler=sampler)
    for name, stops in (("once", []), ("stopped", [Stopping(2), Stopping(1), Stopping(1)])):
        (tmp_path / name).mkdir()
        for executor in stops:
            assert tune(tmp_path / name, algorithm, effort, executor) == INTERRUPTED
        assert tune(tmp_path / name, algorithm, effort) == 0
    written = {name: file_of(tmp_path / name).read_bytes() for name in ("once", "stopped")}
    assert written["once"] == written["stopped"]
    assert attempts(tmp_path / "once") == attempts(tmp_path / "stopped") == 7
    (tmp_path / "once" / "into").rename(tmp_path / "once" / "before")
    assert tune(tmp_path / "once", algorithm, effort) == 0
    assert file_of(tmp_path / "once").read_bytes() == written["once"]


def test_a_killed_command_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    slow = "import time; time.sleep(0.3)"
    algorithm = write_tuned(tmp_path, meta_step=slow)
    assert tune(tmp_path, algorithm, Effort(trials=6, seeds=1)) == 0
    whole = file_of(tmp_path).read_bytes()
    words = ["tune", algorithm, "--suites", SUITE, "--profile", "smoke", "--trials", "6", "--seeds", "1"]
    words += ["--results", str(tmp_path / "killed" / "store"), "--into", str(tmp_path / "killed" / "into")]
    command = subprocess.Popen([sys.executable, "-m", "benchmarks.command_line", *words, "--workers", "1"])
    while sum(1 for _ in (tmp_path / "killed").rglob("done.json")) < 2 and command.poll() is None:
        time.sleep(0.02)
    command.send_signal(signal.SIGKILL)
    assert command.wait() == -signal.SIGKILL
    assert not file_of(tmp_path / "killed").exists()
    assert tune(tmp_path / "killed", algorithm, Effort(trials=6, seeds=1)) == 0
    assert file_of(tmp_path / "killed").read_bytes() == whole


def test_what_is_written_is_read_checked_and_taken_by_a_plan(tmp_path: Path) -> None:
    algorithm = write_tuned(tmp_path, meta_step="if knob > 50: raise ValueError('too much')")
    assert tune(tmp_path, algorithm, Effort(trials=5, seeds=2)) == 0
    content = read_tuned(file_of(tmp_path)).algorithms["tuned"]
    assert len(content.trials) == 5 and math.isnan(content.trials[0].scores[0]) and content.chosen > 0
    found = tuned_cell("smoke", SUITE, "tuned", (tmp_path / "into",))
    assert found is not None and found.values == content.values and (found.trials, found.seeds) == (5, 2)
    plan = make_plan(suites=[SUITE], algorithms=[algorithm], profile="smoke", tuned=tmp_path / "into")
    (again,) = plan_of(algorithm, Effort()).cells
    assert plan[0].configuration == {**again.spec.configuration, **content.values} != again.spec.configuration


def test_trials_are_runs_of_their_own_that_no_board_finds(tmp_path: Path) -> None:
    assert tune(tmp_path, write_tuned(tmp_path), Effort(trials=2, seeds=2)) == 0
    store = Store(tmp_path / "store", read_only=True)
    trials = store.read(StoredTrial)
    assert sorted(trial.seed for trial in trials) == [1000, 1000, 1001, 1001] and store.finished() == []
    (copied,) = {folder.path.parts[-5] for folder in Store(tmp_path / "copy").merge_from(store)}
    assert copied == "trials"
    assert main(["verify", str(trials[0].path), "--no-attest"]) == 0


@pytest.mark.parametrize("suite", ["half-cheetah-direction", "corners", "ant-direction"])
def test_a_suite_whose_splits_share_tasks_is_refused(suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "promp", "--suites", suite, "--profile", "smoke", "--dry-run"]) == 2
    assert "validation tasks are test tasks too" in capsys.readouterr().err


@pytest.mark.parametrize("algorithm, reason", [("stand-still", "scripted"), ("oracle", "sees test tasks")])
def test_what_has_nothing_to_choose_is_refused(algorithm: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        plan_of(algorithm, Effort())


def test_the_others_are_tuned_and_what_an_untunable_suite_takes_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "into"
    (into / "smoke").mkdir(parents=True)
    (into / "smoke" / "half-cheetah-direction.toml").write_text(
        'suite = "half-cheetah-direction"\nprofile = "smoke"\nsibling = "half-cheetah-velocity"\n'
    )
    words = ["tune", "promp", "--suites", f"half-cheetah-direction,{SUITE}", "--profile", "smoke", "--dry-run"]
    assert main([*words, "--into", str(into), "--results", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "not tuned: half-cheetah-direction: all its 2 validation tasks" in said
    assert "it takes the values tuned on its sibling half-cheetah-velocity" in said
    assert "16 trials x 2 seeds" in said and "32 runs on 1 cell are missing: about" in said
    assert not (tmp_path / "trials").exists()


def test_a_benchmark_stands_for_its_learning_methods(tmp_path: Path) -> None:
    plan = plan_tuning("quick", ["frozen-lake-low", "corners"], None, "smoke", Effort(trials=2))
    tuned = {cell.spec.algorithm for cell in plan.cells}
    assert {"promp", "maml-trpo", "maml-vpg", "multi-task"} <= tuned
    assert not tuned & {"oracle", "stand-still", "noise"} and plan.left_out == []


def test_without_a_name_or_a_benchmark_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune"]) == 2
    assert "--benchmark quick" in capsys.readouterr().err
    assert main(["tune", "promp", "--sampler", "sobol", "--suites", SUITE]) == 2
    assert "no sampler 'sobol'" in capsys.readouterr().err
    assert main(["tune", "promp", "--sampler", "rando", "--suites", SUITE]) == 2
    assert "no sampler 'rando'; did you mean 'random'?" in capsys.readouterr().err
    assert main(["tune", "promp", "--points", "3", "--suites", SUITE]) == 2
    assert "--points 3 is of a grid: name --sampler grid too" in capsys.readouterr().err


def test_loose_files_tuned_values_stay_in_the_working_directory(tmp_path: Path) -> None:
    assert default_folder(["promp"]) == SHIPPED
    assert default_folder([write_tuned(tmp_path)]) == OWN


def test_where_the_shipped_folder_cannot_be_written_ones_own_is_read_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = find_algorithm("promp")
    assert folders_for(entry, True) == (SHIPPED, OWN)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert default_folder(["promp"]) == OWN
    assert folders_for(entry, True) == (OWN, SHIPPED)


def outcome(score: float) -> Outcome:
    identity = {"code": "c", "suite_digest": "s", "split_digest": "p"}
    return Outcome([{"a": 1.0, "b": None}], [[score, math.nan]], 0, 0, 0, [1000, 1001], "qmc", identity)


def test_other_algorithms_entries_are_kept_and_their_order_is_none_of_time(tmp_path: Path) -> None:
    for folder, names in (("one", "zab"), ("two", "baz")):
        for name in names:
            path = write_outcome(tmp_path / folder, "quick", "walk[horizon=5]", name, outcome(1.5))
    assert path.read_bytes() == (tmp_path / "one" / "quick" / path.name).read_bytes()
    content = tomllib.loads(path.read_text())
    assert list(content["algorithms"]) == ["a", "b", "z"] and content["suite"] == "walk[horizon=5]"
    assert content["algorithms"]["a"]["values"] == {"a": 1.0, "b": "none"}
    with pytest.raises(StoreError):
        (tmp_path / "file").write_text("")
        write_outcome(tmp_path / "file", "quick", "walk", "a", outcome(1.5))


def test_a_suite_whose_name_is_too_long_for_a_file_is_refused_before_its_trials(tmp_path: Path) -> None:
    suite = f"walk[{','.join(f'option_number_{number}=0.{number}' for number in range(11))}]"
    with pytest.raises(UsageError, match="may have 224 bytes and would have 232: leave some options out"):
        refuse_unwritable(tmp_path, "quick", suite, "a", {})


def test_another_profiles_best_trials_are_tried_after_the_papers_values(tmp_path: Path) -> None:
    algorithm, folder = write_tuned(tmp_path), tmp_path / "into"
    assert tune(tmp_path, algorithm, Effort(trials=6, seeds=1)) == 0
    trials = read(tmp_path)["trials"]
    best = sorted(trials, key=lambda trial: -trial["scores"][0])
    effort = Effort(trials=3, seeds=1, origin="smoke")
    longer = tmp_path / "longer.toml"
    longer.write_text((PROFILES / "smoke.toml").read_text())
    plan = plan_tuning("quick", [SUITE], [algorithm], str(longer), effort, (folder,))
    store = tmp_path / "other"
    assert run_tuning(plan, RunOptions(store, tmp_path / "then", 1), InProcessExecutor()) == 0
    found = read_tuned(tmp_path / "then" / "longer" / f"{SUITE}.toml").algorithms["tuned"]
    assert [trial.values for trial in found.trials] == [each["values"] for each in (trials[0], *best[:2])]
    assert found.sampler == "best of smoke" and found.chosen == 1
    with pytest.raises(UsageError, match=r"no trials of profile standard on half-cheetah.*--profile standard. makes"):
        plan_tuning("quick", [SUITE], [algorithm], "smoke", Effort(origin="standard"), (folder,))
    with pytest.raises(UsageError, match="--best-of smoke names the profile that is tuned"):
        plan_tuning("quick", [SUITE], [algorithm], "smoke", effort, (folder,))
    with pytest.raises(UsageError, match="unknown profile 'qick'; did you mean 'quick'"):
        plan_tuning("quick", [SUITE], [algorithm], "smoke", Effort(origin="qick"), (folder,))
