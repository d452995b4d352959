"""Runs that begin with runs of other algorithms: planned, made first, charged, found again, resumed and made again."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from textwrap import indent

import pytest
import torch

from algorithms.catalogue import find_algorithm
from benchmarks.api import run_cell
from benchmarks.commands.explain import run_explain
from benchmarks.commands.jobs import RunOptions, missing, run_plan, show_plan, with_parents
from benchmarks.commands.leaderboard import run_leaderboard
from benchmarks.commands.verify import verify
from benchmarks.commands.verify_all import verify_all
from benchmarks.conformance.rules import check
from benchmarks.execution.executor import LocalExecutor, start_server
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.execution.parents import stored_parents
from benchmarks.execution.training import Interrupted, open_session
from benchmarks.execution.worker import run_job
from benchmarks.planning.plan import make_plan
from benchmarks.planning.repeat import other_options
from benchmarks.specs.job import read_job
from benchmarks.specs.recorded_code import recorded_code_runs
from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.trial_spec import TrialSpec
from benchmarks.verification.plan import Selection
from environments.access import Guard
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol, Problem
from environments.typed_options import UsageError
from results.run_folder import RunFolder
from results.store import Store
from tests.support.adapters import FULL_DISK, contents
from tests.support.families import FAMILY, family_plan, write_family
from tests.support.killed_runs import run_in_process

#: a method with a meta-gradient that asks for its parent
GUIDED = """class Guided(MamlVpg):
    name = "guided"
    parents = {"guide": "teacher"}

    @dataclass(frozen=True)
    class Config(AdamConfig):
        guide_share: float = unsearched(0.25, "of a test")

    def __init__(self, problem, config, streams):
        super().__init__(problem, config, streams)
        assert "bias" in problem.parent("guide")


class Pupil(Drift):"""


def options(folder: Path) -> RunOptions:
    return RunOptions(folder, folder / "report", 2)


def parent(spec: RunSpec) -> RunSpec:
    return spec.parent_runs["guide"]


def test_a_run_begins_where_its_parent_ended_and_with_its_steps_charged(tmp_path: Path) -> None:
    (spec,) = family_plan([write_family(tmp_path)])
    outcomes, code = run_plan([spec], Store(tmp_path / "store"), options(tmp_path / "store"), InProcessExecutor())
    assert code == 0
    assert [job.label for job, _ in outcomes] == [
        f"{spec.suite} teacher seed 0 (200 steps, guide of pupil)",
        f"{spec.suite} pupil seed 0",
    ]
    store = Store(tmp_path / "store")
    teacher, pupil = (store.find(job.identity()) for job in (parent(spec), spec))
    assert teacher is not None and pupil is not None
    assert (teacher.done["environment_steps"], teacher.done["iterations"]) == (200, 5)
    assert (pupil.done["environment_steps"], pupil.done["iterations"]) == (800, 15)
    learning = pupil.table("learning")
    assert learning.groupby("point")["environment_steps"].first().tolist() == [200, 520, 800]
    kept = RunFolder(teacher.path).load_state()
    session = open_session(spec, None, stored_parents(spec, store))
    assert kept is not None and torch.equal(session.algorithm.state_dict()["bias"], kept["bias"])
    assert (session.spent, session.collector.remaining) == (200, 600)


def test_the_parent_is_part_of_what_the_run_is_and_is_read_from_its_record(tmp_path: Path) -> None:
    source = write_family(tmp_path)
    (spec,) = family_plan([source])
    (entry,) = spec.identity()["parents"]
    assert (entry["role"], entry["algorithm"], entry["budget"]) == ("guide", "teacher", 200)
    assert read_job(spec.record()).identity() == spec.identity()
    assert replace(spec, seed=3).parent_runs["guide"].seed == 3

    def other(*settings: str) -> RunSpec:
        plan = make_plan(
            suites=[spec.suite], algorithms=[source], seeds=1, profile="smoke", settings=settings, tuned=False
        )
        return replace(plan[0], budget=800)

    assert other("pupil.guide_share=0.5").identity()["parents"][0]["budget"] == 400
    assert other("teacher.tasks=1").identity()["parents"] != spec.identity()["parents"]
    description = spec.record()["description"]["parents"]["guide"]
    assert description["algorithm"] == "teacher" and len(description["digest"]) == 64


def test_a_change_of_the_parents_code_is_a_change_of_the_childs(tmp_path: Path) -> None:
    (before,) = family_plan([write_family(tmp_path)])
    (after,) = family_plan([write_family(tmp_path, ("0.9 * self.momentum", "0.8 * self.momentum"))])
    assert before.identity()["code"] != after.identity()["code"]
    assert before.identity()["parents"] == after.identity()["parents"]


def test_a_parent_is_made_once_for_all_who_begin_with_it_and_is_no_result_of_the_plan(tmp_path: Path) -> None:
    source = write_family(tmp_path)
    sibling = FAMILY[FAMILY.index("class Pupil(") :].replace("Pupil(", "Sibling(").replace('"pupil"', '"sibling"')
    path = Path(source.partition(":")[0])
    path.write_text(f"{path.read_text()}\n\n{sibling}")
    plan = family_plan([source, f"{path}:Sibling"], seeds=2)
    store = Store(tmp_path / "store")
    needed = with_parents(missing(plan, store), store)
    assert [(job.names[1], job.seed) for job in needed] == [
        ("teacher", 0), ("teacher", 1), ("pupil", 0), ("sibling", 0), ("pupil", 1), ("sibling", 1),
    ]  # fmt: skip
    outcomes, code = run_plan(plan, store, options(tmp_path / "store"), LocalExecutor(2))
    assert code == 0 and [ended.status for _, ended in outcomes] == ["finished"] * 6
    assert missing(plan, store) == []
    assert run_plan(plan, store, options(tmp_path / "store"), InProcessExecutor()) == ([], 0)


def test_a_dry_run_names_the_parent_and_counts_it_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_plan(family_plan([write_family(tmp_path)]), options(tmp_path / "store"))
    first, second, whole = capsys.readouterr().out.strip().splitlines()
    assert "teacher" in first and first.endswith("guide of pupil")
    assert "pupil" in second and "800 steps" in second
    assert whole.startswith("1 of 1 run is missing, which begins with 1 more: about ")


def test_a_run_makes_the_parent_that_is_missing_and_is_the_same_killed_in_either(tmp_path: Path) -> None:
    (spec,) = family_plan([write_family(tmp_path)])
    spec = replace(spec, checkpoint_every=2, parents={"guide": replace(spec.parents["guide"], checkpoint_every=2)})
    start_server()
    assert run_job(spec, tmp_path / "whole").status == "finished"
    whole = Store(tmp_path / "whole").folder(spec.identity()).path
    killed = Store(tmp_path / "killed")
    assert run_in_process(spec, killed.root, 8) is not None
    assert killed.folder(parent(spec).identity()).finished and not killed.folder(spec.identity()).finished
    assert run_in_process(spec, killed.root) is None
    assert contents(killed.folder(spec.identity()).path) == contents(whole)

    stops = iter([False, False, True])
    stopped = Store(tmp_path / "stopped")
    assert run_job(spec, stopped.root, should_stop=lambda: next(stops)).status == "interrupted"
    assert not stopped.folder(parent(spec).identity()).finished
    assert run_job(spec, stopped.root).status == "finished"
    for each in (spec, parent(spec)):
        assert contents(stopped.folder(each.identity()).path) == contents(
            Store(whole.parents[4]).folder(each.identity()).path
        )


def test_a_report_shows_the_child_alone_and_what_it_begins_with(tmp_path: Path) -> None:
    plan = family_plan([write_family(tmp_path)])
    assert run_leaderboard(plan, options(tmp_path / "store"), "families") == 0
    page = (tmp_path / "store" / "report" / "index.html").read_text()
    assert "begins with a run of teacher as its guide (200 of these steps)" in page
    assert 'data-algorithm="pupil"' in page and 'data-algorithm="teacher"' not in page


def test_verify_makes_parent_and_child_again(tmp_path: Path) -> None:
    (spec,) = family_plan([write_family(tmp_path)])
    assert run_job(spec, tmp_path / "store").status == "finished"
    result = verify(Store(tmp_path / "store").folder(spec.identity()).path)
    assert result.agrees and result.as_lines() == ["every byte agrees"]


def test_all_of_a_store_is_made_again_parents_and_children(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = family_plan([write_family(tmp_path)], seeds=2)
    for spec in plan:
        assert run_job(spec, tmp_path / "store").status == "finished"
    capsys.readouterr()
    with recorded_code_runs(True):
        assert verify_all(tmp_path / "store", Selection(), 1, write=False, executor=InProcessExecutor()) == 0
    assert "4  every byte equal" in capsys.readouterr().out


def test_a_command_that_repeats_a_run_sets_what_its_parent_had_too(tmp_path: Path) -> None:
    source = write_family(tmp_path)
    (planned,) = family_plan([source])
    settings = ("teacher.tasks=1", "pupil.guide_share=0.5")
    (other,) = make_plan(suites=[planned.suite], algorithms=[source], seeds=1, profile="smoke", settings=settings)
    assert sorted(other_options(other, planned)) == sorted(settings)


def test_a_run_with_a_parent_is_explained_with_what_it_began_with(tmp_path: Path) -> None:
    change = ("class Pupil(Drift):", GUIDED)
    source = write_family(tmp_path, change).replace("Pupil", "Guided")
    (spec,) = make_plan(suites=["half-cheetah-velocity[horizon=5]"], algorithms=[source], seeds=1, profile="smoke")
    spec = replace(spec, budget=400)
    assert run_job(spec, tmp_path / "store").status == "finished"
    run = Store(tmp_path / "store").folder(spec.identity()).path
    options = {"trajectories": 2, "critical_tasks": 2, "poor_tasks": 1}
    assert run_explain(run, tmp_path / "explanation", options, seed=0) == 0
    assert (tmp_path / "explanation" / "explanation.json").exists()


def test_a_parent_whose_state_is_gone_is_named_with_the_way_out(tmp_path: Path) -> None:
    (spec,) = family_plan([write_family(tmp_path)])
    store = Store(tmp_path / "store")
    with pytest.raises(UsageError, match=r"teacher seed 0 .*, which has not finished in "):
        stored_parents(spec, store)
    assert run_job(parent(spec), store.root).status == "finished"
    teacher = store.folder(parent(spec).identity()).path
    (teacher / "artefacts" / "state").unlink()
    ended = run_job(spec, store.root)
    assert ended.refused and f"delete {teacher} and start the command again" in ended.error
    shutil.rmtree(teacher)
    assert run_job(spec, store.root).status == "finished"


def test_a_failing_parent_fails_its_child_with_its_own_words(tmp_path: Path) -> None:
    change = (
        'name = "teacher"',
        'name = "teacher"\n\n    def meta_step(self, collector):\n        raise OSError("ill")',
    )
    (spec,) = family_plan([write_family(tmp_path, change)])
    ended = run_job(spec, tmp_path / "store")
    assert ended.status == "failed" and "teacher seed 0" in ended.error
    assert ended.error.strip().splitlines()[-1].startswith("OSError: ill (family.py")


@pytest.mark.parametrize("apart", [False, True])
def test_a_disk_that_is_full_while_a_parent_trains_is_no_bad_input_of_the_childs(
    tmp_path: Path, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = '    """Drifts on its own."""\n'
    (spec,) = family_plan([write_family(tmp_path, (own, f"{own}{indent(FULL_DISK, '    ')}"))])
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", os.fsync)  # afterwards it is again what it was
        ended = run_job(spec, tmp_path / "store", apart=apart)
    assert ended.by_system and "No space left on device" in ended.error


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("0.25", "1.0"), "parents' shares must be above 0 and below 1 together, got guide_share=1.0"),
        (("guide_share", "guiding"), "its Config needs an option guide_share"),
        (('"guide": "teacher"', '"guide": "techer"'), "unknown algorithm 'techer'"),
        (('name = "teacher"', 'name = "teacher"\n    parents = {"guide": "pupil"}'), "begins with a run of"),
    ],
)
def test_a_family_that_cannot_be_is_refused_before_anything_runs(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        family_plan([write_family(tmp_path, change)])


def test_a_child_does_not_fit_where_its_parent_does_not(tmp_path: Path) -> None:
    change = (
        'name = "teacher"',
        'name = "teacher"\n\n    @classmethod\n    def fits(cls, suite):\n        return "no"',
    )
    plan = make_plan(suites=["frozen-lake-low"], algorithms=[write_family(tmp_path, change)], seeds=1, profile="smoke")
    assert [str(cell) for cell in plan.left_out] == [
        "pupil on frozen-lake-low: it begins with a run of teacher as its guide, which does not fit: no"
    ]


def test_a_child_keeps_the_rules_with_a_parent_of_a_few_steps(tmp_path: Path) -> None:
    findings = check(find_algorithm(write_family(tmp_path)), ["frozen-lake-low"])
    assert all(finding.passed for finding in findings)


def test_trials_begin_with_trials_so_that_no_test_task_is_touched(tmp_path: Path) -> None:
    (spec,) = family_plan([write_family(tmp_path)])
    trial = TrialSpec.of(spec, spec.configuration, trial=0, seed=0)
    assert run_job(trial, tmp_path / "store").status == "finished"
    store = Store(tmp_path / "store")
    guide = store.find(trial.parent_runs["guide"].identity())
    assert guide is not None and guide.word == "trial" and guide.seed == 1000
    assert set(guide.table("scores")["split"]) == {"validation"}
    assert read_job(trial.record()).identity() == trial.identity()
    assert store.finished() == []


def test_a_cell_run_from_python_has_the_budget_shared_anew(tmp_path: Path) -> None:
    found = run_cell(
        "frozen-lake-low[horizon=10]", write_family(tmp_path), seeds=1, profile="smoke", budget=400,
        results=tmp_path / "store",
    )  # fmt: skip
    assert set(found.scores["algorithm"]) == {"pupil"}
    (teacher,) = [run for run in Store(tmp_path / "store").finished() if run.algorithm == "teacher"]
    assert teacher.done["environment_steps"] == 80  # of 100, which hold no third meta-iteration


def test_who_names_no_parent_has_none() -> None:
    problem = Problem(make_suite("corners"), EvaluationProtocol(), Guard("training", {"train"}, "mine"))
    with pytest.raises(UsageError, match="mine has no parent run in the role 'expert'; its parents: none"):
        problem.parent("expert")


def test_a_stop_within_a_parent_is_no_failure(tmp_path: Path) -> None:
    (spec,) = family_plan([write_family(tmp_path)])
    assert run_job(spec, tmp_path, should_stop=lambda: True).status == "interrupted"
    run = Store(tmp_path).folder(spec.identity()).read_run()
    assert run is not None and [attempt["outcome"] for attempt in run["attempts"]] == ["interrupted"]
    assert issubclass(Interrupted, Exception)
