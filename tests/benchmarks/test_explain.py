"""`metarl explain`: what it writes of a run whose state was kept, and why it cannot explain others."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from algorithms.catalogue import find_algorithm
from algorithms.explanation.explain import Explanation
from algorithms.explanation.options import ExplanationConfig
from benchmarks.command_line import main
from benchmarks.commands.explain import as_lines, write_explanation
from benchmarks.commands.report import REFERENCE
from benchmarks.execution.explaining import ExplainedRun, refuse_unexplainable
from benchmarks.execution.worker import run_job
from benchmarks.planning.plan import make_plan
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.same_mdp import mdp_key
from environments.task import Task
from environments.typed_options import UsageError, make_options
from reports.figures.canvas import Canvas
from reports.figures.critical_tasks import task_map
from results.files import StoreError
from results.identity import chosen_digest
from results.store import Store
from tests.support.goal_clusters import GoalClusters

QUICKLY = ["--trajectories", "2", "--critical", "3", "--poor", "2"]
#: pictures, table and record
FILES = {"report-files.json", "explanation.json", "weights.csv", "weights.svg", "weights.png", "tasks.svg", "tasks.png"}


def finished(root: Path, suite: str, algorithm: str) -> Path:
    (spec,) = make_plan(suites=[suite], algorithms=[algorithm], seeds=1, profile="smoke")
    assert run_job(spec, root).status == "finished"
    return Store(root).folder(spec.identity()).path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("store"), "half-cheetah-velocity[horizon=5]", "maml-vpg")


@pytest.fixture
def collected_splits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The splits of all tasks that are collected on."""
    seen: list[str] = []
    collect = Collector.collect

    def watched(self: Collector, policy: object, tasks: list, trajectories: int) -> object:
        seen.extend(task.split for task in tasks)
        return collect(self, policy, tasks, trajectories)  # type: ignore[arg-type]

    monkeypatch.setattr(Collector, "collect", watched)
    return seen


def test_a_run_is_explained_without_test_tasks_and_the_same_again_by_its_seed(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], collected_splits: list[str]
) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for name, seed in (("first", "0"), ("second", "0"), ("another", "1")):
        assert main(["explain", str(run), "--output", str(tmp_path / name), "--seed", seed, *QUICKLY]) == 0
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert set(collected_splits) == {"train", "validation"}
    output = tmp_path / "first"
    assert {path.name for path in output.iterdir()} == FILES
    assert all((output / name).read_bytes() == (tmp_path / "second" / name).read_bytes() for name in FILES)
    assert (output / "weights.csv").read_text() != (tmp_path / "another" / "weights.csv").read_text()
    record = json.loads((output / "explanation.json").read_text())
    rows = list(csv.DictReader((output / "weights.csv").read_text().splitlines()))
    split = make_suite("half-cheetah-velocity").split
    assert [row["task"] for row in rows] == [task.id for task in split.train]
    best = sorted(rows, key=lambda row: -float(row["weight"]))[:3]
    assert [entry["task"] for entry in record["critical"]] == [row["task"] for row in best]
    assert {row["task"] for row in rows if row["critical"] == "1"} == {row["task"] for row in best}
    assert {entry["task"] for entry in record["poor"]} <= {task.id for task in split.validation}
    assert record["poor"][0]["score"] <= record["poor"][1]["score"]
    for row in rows:
        influences = [float(row[f"influence_{replicate}"]) for replicate in range(2)]
        assert float(row["weight"]) == pytest.approx(1 / 50 + sum(influences) / 2)
    for name in ("weights", "tasks"):
        assert Image.open(output / f"{name}.png").width > 500
        assert (output / f"{name}.svg").read_text().rstrip().endswith("</svg>")
    said = capsys.readouterr().out.partition(str(output))[0]
    assert record["critical"][0]["task"] in said
    assert ("the weights stand out" in said) == record["stands_out"]
    assert ("nothing stands out" in said) != record["stands_out"]


def test_a_run_without_its_state_says_how_to_keep_it(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = run / "artefacts" / "state"
    aside = state.rename(state.with_name("aside"))
    try:
        assert main(["explain", str(run)]) == 2
    finally:
        aside.rename(state)
    said = capsys.readouterr().err
    assert "was not kept" in said
    where = "--profile smoke --suites 'half-cheetah-velocity[horizon=5]' --algorithms maml-vpg --seeds 1 --force`"
    assert f"`metarl leaderboard --benchmark quick {where}, and explain the run there" in said


def test_the_command_that_makes_a_shipped_run_again_plans_that_very_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Under its benchmark's terms, which are not the quick board's on that suite."""
    shipped = Store(REFERENCE, read_only=True).finished()
    run = next(run for run in shipped if (run.suite, run.algorithm, run.seed) == ("hopper-velocity", "maml-vpg", 1))
    assert main(["explain", str(run.path)]) == 2
    (command,) = re.findall("`(metarl [^`]*)`", capsys.readouterr().err)
    words = shlex.split(command)
    given = {word: words[place + 1] for place, word in enumerate(words[:-1]) if word.startswith("--")}
    plan = make_plan(
        given["--benchmark"], [given["--suites"]], [given["--algorithms"]], int(given["--seeds"]), given["--profile"],
        [words[place + 1] for place, word in enumerate(words) if word == "--set"], "--untuned" not in words,
    )  # fmt: skip
    assert chosen_digest(run.identity) in {chosen_digest(spec.identity()) for spec in plan}
    assert run.seed in {spec.seed for spec in plan}


def test_a_run_may_lie_anywhere(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # with fewer folders above it than in a store
        shutil.copytree(run, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("state"))
        assert main(["explain", folder]) == 2
    assert "was not kept" in capsys.readouterr().err


def test_a_study_and_a_missing_folder_are_no_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(tmp_path)]) == 2
    assert "is no run" in capsys.readouterr().err
    study = Store(REFERENCE, read_only=True).studies()[0]
    assert main(["explain", str(study.path)]) == 2
    assert "holds a study, which trains no policy; name the folder of a run" in capsys.readouterr().err


def test_a_refusal_is_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = finished(tmp_path, "frozen-lake-low[horizon=5]", "random-init")
    assert main(["explain", str(path), "--output", str(tmp_path / "out")]) == 2
    assert "random-init cannot be explained" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_another_methods_run_is_explained_and_equal_success_is_told_apart_by_returns(tmp_path: Path) -> None:
    """On a drone, which an untrained policy never lands and whose tasks differ in four numbers."""
    path = finished(tmp_path, "drone-obstacles[horizon=5]", "cavia")
    assert main(["explain", str(path), "--output", str(tmp_path / "out"), *QUICKLY]) == 0
    assert {each.name for each in (tmp_path / "out").iterdir()} == FILES
    assert "the two numbers of 4 that spread most" in (tmp_path / "out" / "tasks.svg").read_text()
    record = json.loads((tmp_path / "out" / "explanation.json").read_text())
    assert [each["score"] for each in record["poor"]] == [0.0, 0.0]  # without what told them apart
    first = [task.id for task in make_suite("drone-obstacles").split.validation[:2]]
    assert [each["task"] for each in record["poor"]] != first


@pytest.mark.parametrize(
    ("algorithm", "suite", "options", "reason"),
    [
        ("random-init", "half-cheetah-velocity", {}, "random-init cannot be explained.*such as maml-vpg"),
        ("promp", "half-cheetah-velocity[train_tasks=distribution]", {}, "no list of training tasks"),
        (
            "maml-vpg-validation",
            "half-cheetah-velocity",
            {},
            "it trains on validation tasks, so that the poor ones are",
        ),
        ("meta-augmentation", "half-cheetah-velocity", {}, "it mixes the data of every task that it samples.*maml-vpg"),
        ("promp", "corners", {}, "validation tasks of corners are training tasks"),
        ("promp", "half-cheetah-velocity", {"poor_tasks": 11}, "--poor 11 is more than the 10 validation tasks"),
        ("promp", "half-cheetah-velocity", {"critical_tasks": 51}, "--critical 51 is more than the 50 training tasks"),
    ],
)
def test_what_cannot_be_explained_says_why(algorithm: str, suite: str, options: dict[str, int], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        refuse_unexplainable(
            find_algorithm(algorithm).load(), make_suite(suite), make_options(ExplanationConfig, options, "explain")
        )


def explained(largest: float, band: float) -> ExplainedRun:
    """Of ten lakes, whose maps are no numbers."""
    tasks = tuple(Task(f"train-{index}", {"map": f"S{'H' * index}G"}) for index in range(10))
    weights = torch.full((10,), 0.1, dtype=torch.float64)
    groups = tuple((index,) for index in range(10))
    found = Explanation(weights, weights[None], (0,), largest, band, 0.4, False, {}, groups, 1.0, 0.0, 0.0, 0.0, 0.0, 0)
    return ExplainedRun(tasks, tasks, (0.0,) * 10, (0,), found)


@pytest.mark.parametrize(
    ("largest", "band", "said"),
    [
        (0.10000234, 0.10000567, "largest weight 0.100002, 95 % band 0.100006, uniform 0.1,"),
        (0.2, 0.15, "largest weight 0.2, 95 % band 0.15, uniform 0.1,"),
        (0.1, 0.1, "largest weight 0.1, 95 % band 0.1, uniform 0.1,"),
    ],
)
def test_different_weights_look_different(largest: float, band: float, said: str) -> None:
    assert said in "\n".join(as_lines(explained(largest, band)))


def test_tasks_that_share_an_mdp_are_said_to_be_no_choice() -> None:
    found = explained(0.2, 0.15)
    groups = ((0, 3), *((index,) for index in (1, 2, *range(4, 10))))
    shared = replace(found.explanation, groups=groups)
    said = "\n".join(as_lines(replace(found, explanation=shared)))
    assert "train-0  0.1  map SG  the same MDP as 1 other training task" in said
    assert (
        "not identifiable, since they share one MDP of which only some are among the critical: train-0, train-3" in said
    )
    assert "10 training tasks are 9 different MDPs; equal ones share a weight" in said


def test_the_picture_has_the_widest_two_numbers_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = explained(0.2, 0.15)
    tasks = tuple(Task(f"train-{i}", {"still": 1.0, "goal": [0.1 * i, 3.0 * i], "size": 2.0 * i}) for i in range(10))
    drawn: list[list[str]] = []

    def kept(places: object, labels: list[str], title: str) -> Canvas:
        drawn.append(labels)
        return task_map(places, labels, title)  # type: ignore[arg-type]

    monkeypatch.setattr("benchmarks.commands.explain.task_map", kept)
    write_explanation(tmp_path / "three", replace(found, training=tasks, validation=tasks), {})
    plane = tuple(Task(task.id, {"goal": task.parameters["goal"]}) for task in tasks)
    write_explanation(tmp_path / "plane", replace(found, training=plane, validation=plane), {})
    assert drawn == [["goal 2", "size"], ["goal 1", "goal 2"]]


def test_tasks_that_no_number_tells_apart_have_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_explanation(tmp_path / "explanation", explained(0.2, 0.15), {})
    assert capsys.readouterr().out == "no picture of the tasks: they differ in no number\n"


def test_an_explanation_leaves_a_strangers_file_alone_and_no_picture_of_another_run(tmp_path: Path) -> None:
    output, thesis = tmp_path / "explanation", tmp_path / "thesis"
    found = explained(0.2, 0.15)
    goals = tuple(Task(f"train-{i}", {"goal": 0.1 * i}) for i in range(10))
    write_explanation(output, replace(found, training=goals, validation=goals), {})
    assert (output / "tasks.svg").exists()
    write_explanation(output, found, {})  # whose tasks differ in no number
    assert not (output / "tasks.svg").exists() and (output / "weights.svg").exists()
    thesis.mkdir()
    (thesis / "weights.csv").write_text("my own")
    with pytest.raises(StoreError, match=r"holds something else than a report of this version \(weights.csv\)"):
        write_explanation(thesis, found, {})
    assert [path.name for path in thesis.iterdir()] == ["weights.csv"]
    assert (thesis / "weights.csv").read_text() == "my own"


def test_stock_tasks_between_the_same_two_turbulences_are_one_mdp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METARL_STOCK_DATA", raising=False)
    suite = make_suite("dow30-turbulence[data=synthetic]")
    levels = sorted(set(suite.episode.turbulence[: suite.horizon].tolist()))  # type: ignore[attr-defined]
    key: Callable[[float], object] = lambda threshold: mdp_key(suite, Task("any", {"threshold": threshold}))  # noqa: E731
    low, high = levels[100], levels[101]
    assert key(low + 0.25 * (high - low)) == key(low + 0.75 * (high - low)) == key(high)
    assert key(low) != key(high)
    tasks = [*suite.split.train, *suite.split.validation, *suite.split.test]
    assert len({mdp_key(suite, task) for task in tasks}) == suite.distinct_mdps()  # type: ignore[attr-defined]
    by_level = make_suite("dow30-risk[data=synthetic]")
    assert len({mdp_key(by_level, task) for task in by_level.split.train}) == 50


def test_elsewhere_tasks_of_equal_parameters_are_one_mdp_unless_the_suite_says_otherwise() -> None:
    suite = GoalClusters()
    one, other = Task("one", {"goal": [1.0, 0]}), Task("other", {"goal": [1, 0.0]})
    assert mdp_key(suite, one) == mdp_key(suite, other)
    assert mdp_key(suite, one) != mdp_key(suite, Task("one", {"goal": [1.0, 0.5]}))
    suite.mdp_key = lambda task: task.id  # type: ignore[attr-defined]
    assert mdp_key(suite, one) != mdp_key(suite, other)
