"""Trials that are scored on tasks of no split, for methods that train on validation tasks."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from benchmarks.command_line import main
from benchmarks.commands.jobs import RunOptions
from benchmarks.commands.tune import run_tuning
from benchmarks.commands.tuned_methods import tuned_methods
from benchmarks.commands.verify import load_run
from benchmarks.execution.executor import LocalExecutor
from benchmarks.execution.fresh_tasks import fresh_tasks
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.planning.tuned_file import read_tuned
from benchmarks.planning.tuned_values import tuned_cell
from benchmarks.specs.job import read_job
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.tune_plan import TunePlan, plan_tuning
from environments.catalogue import make_suite
from environments.same_mdp import mdp_key
from environments.splits import NAMES
from environments.suite import Suite
from environments.task_digest import task_digests
from environments.typed_options import UsageError
from results.store import Store, StoredTrial
from tests.support.tuned_algorithms import write_tuned

#: an action costs ten times its square
SUITE = "half-cheetah-velocity[horizon=5,control_cost=10]"
EFFORT = Effort(trials=3, seeds=2, fresh_tasks=4)


def keys(suite: Suite) -> set[Any]:
    return {mdp_key(suite, task) for name in NAMES for task in suite.split.tasks(name)}


def plan_of(tmp_path: Path, effort: Effort = EFFORT) -> TunePlan:
    return plan_tuning("quick", [SUITE], [write_tuned(tmp_path)], "smoke", effort)


def tune(tmp_path: Path, effort: Effort = EFFORT, place: str = "store", executor: Any = None) -> list[StoredTrial]:
    options = RunOptions(tmp_path / place, tmp_path / "into", 1)
    assert run_tuning(plan_of(tmp_path, effort), options, executor or InProcessExecutor()) == 0
    return sorted(Store(tmp_path / place).read(StoredTrial), key=lambda trial: str(trial.path.relative_to(tmp_path)))


@pytest.mark.parametrize("name", ["half-cheetah-velocity", "drone-obstacles", "hopper-velocity", "frozen-lake-low"])
def test_fresh_tasks_are_of_no_split_and_always_the_same(name: str) -> None:
    suite = make_suite(name)
    tasks = fresh_tasks(suite, 20)
    assert len({mdp_key(suite, task) for task in tasks}) == len({task.id for task in tasks}) == 20
    assert not {mdp_key(suite, task) for task in tasks} & keys(suite)
    assert not task_digests(tasks) & task_digests(suite.split.test)
    again = fresh_tasks(make_suite(name), 20)
    assert [(task.id, dict(task.parameters)) for task in again] == [(task.id, dict(task.parameters)) for task in tasks]
    assert fresh_tasks(suite, 5) == tasks[:5]


def test_a_suite_of_a_handful_of_tasks_has_no_fresh_one() -> None:
    with pytest.raises(UsageError, match="200 draws of half-cheetah-direction gave only 0 of 2 tasks beside"):
        fresh_tasks(make_suite("half-cheetah-direction"), 2)


def test_fresh_scores_choose_and_validation_scores_do_not(tmp_path: Path) -> None:
    trials = tune(tmp_path)
    chosen = tomllib.loads((tmp_path / f"into/smoke/{SUITE}.toml").read_text())["algorithms"]["tuned"]
    assert chosen["fresh_tasks"] == 4 and len(trials) == 6
    for trial in trials:
        assert trial.identity["fresh_tasks"] == 4
        rows = trial.scores[trial.scores["step"] == trial.scores["step"].max()]
        means = rows.groupby("split")["return"].mean()
        assert set(means.index) == {"validation", "fresh"} and means["fresh"] != means["validation"]
        assert rows[rows["split"] == "fresh"]["task"].nunique() == 4
        place = trial.run["description"]["trial"]
        assert chosen["trials"][place]["scores"][trial.seed - 1000] == pytest.approx(means["fresh"])


def test_trials_with_and_without_fresh_tasks_are_different_runs(tmp_path: Path) -> None:
    plain = [each.identity() for each in plan_of(tmp_path, Effort(trials=1, seeds=1)).cells[0].trials_of([0])]
    fresh = [each.identity() for each in plan_of(tmp_path, EFFORT).cells[0].trials_of([0])]
    assert plain[0] != fresh[0] and {**fresh[0]} == {**plain[0], "fresh_tasks": 4}


def test_worker_processes_give_the_same_bytes_and_records_the_same_trials(tmp_path: Path) -> None:
    here = tune(tmp_path)
    there = tune(tmp_path, place="other", executor=LocalExecutor(2))
    assert [trial.done["digests"] for trial in here] == [trial.done["digests"] for trial in there]
    job = read_job(load_run(here[0].path).run)
    assert job.identity() == here[0].identity


def test_what_trains_on_validation_tasks_is_tuned_on_fresh_ones_alone(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["tune", "xmrl-g", "--suites", "drone-obstacles", "--profile", "smoke", "--dry-run"]
    assert main(arguments) == 2
    assert "trains on validation tasks, whose scores would flatter it; --fresh 20" in capsys.readouterr().err
    assert main([*arguments, "--fresh", "20"]) == 0


def test_the_named_options_alone_are_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cell,) = plan_tuning(
        "xmrl-g", ["drone-obstacles"], ["xmrl-g"], "smoke",
        Effort(trials=4, fresh_tasks=4, options=("coefficient_mean", "step_size")),
    ).cells  # fmt: skip
    assert sorted(cell.space) == ["coefficient_mean", "step_size"]
    trials = cell.trials_of(cell.candidates.next_batch([]))
    assert len({trial.configuration["coefficient_mean"] for trial in trials}) > 1
    assert len({trial.configuration["posterior_step_size"] for trial in trials}) == 1
    assert main(["tune", write_tuned(tmp_path), "--suites", SUITE, "--options", "nob", "--dry-run"]) == 2
    assert "it has no option 'nob' to try; it has knob" in capsys.readouterr().err


def test_files_say_on_what_was_scored(tmp_path: Path) -> None:
    tune(tmp_path)
    path = tmp_path / f"into/smoke/{SUITE}.toml"
    assert read_tuned(path).algorithms["tuned"].fresh_tasks == 4
    found = tuned_cell("smoke", SUITE, "tuned", [tmp_path / "into"])
    assert found is not None and found.source.endswith("3 trials × 2 seeds on 4 fresh tasks")
    text = path.read_text()
    path.write_text(text.replace("fresh_tasks = 4", "fresh_tasks = -4"))
    with pytest.raises(UsageError, match="fresh_tasks must be a whole number of tasks, got -4"):
        read_tuned(path)
    path.write_text(text.replace("fresh_tasks = 4\n", ""))
    assert read_tuned(path).algorithms["tuned"].fresh_tasks == 0
    assert tuned_methods([], [tmp_path / "into"]) == []


def test_a_suite_without_enough_fresh_tasks_is_refused_before_anything_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_suite(SUITE).split.train[0]
    monkeypatch.setattr(type(make_suite(SUITE)), "draw_task", lambda suite, generator, name: one)
    with pytest.raises(UsageError, match=r"400 draws of .* gave only 0 of 4 tasks beside"):
        plan_of(tmp_path)
