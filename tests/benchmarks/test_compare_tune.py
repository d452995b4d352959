"""`metarl compare --tune`: the newcomer gets its opponents' effort in one command; the dry run says what it takes."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.command_line import main
from benchmarks.commands.newcomer_tuning import UNTUNED, opponents_effort, plan_newcomer
from benchmarks.commands.report import REFERENCE
from benchmarks.conformance.rules import RULES, Finding
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.planning.plan import Plan, make_plan
from benchmarks.planning.profiles import FOLDER as PROFILES
from benchmarks.tuning.cell import Effort
from results.store import Store, StoredRun, StoredTrial
from tests.support.synthetic_runs import store_score
from tests.support.tuned_algorithms import write_tuned

ROOT = Path(__file__).parents[2]
#: an action costs ten times its square
SUITE = "half-cheetah-velocity[horizon=5,control_cost=10]"
OTHER, THIRD = SUITE.replace("horizon=5", "horizon=6"), SUITE.replace("horizon=5", "horizon=7")
COMMAND = ["--suites", SUITE, "--profile", "smoke", "--seeds", "1", "--workers", "1"]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file of `tuned`, whose default is bad, in the working directory; the rules are taken for kept."""
    monkeypatch.chdir(tmp_path)
    kept = [Finding(SUITE, rule, True) for rule in RULES]
    monkeypatch.setattr("benchmarks.commands.compare.check", lambda found, suites: kept)
    monkeypatch.setattr("benchmarks.commands.jobs.LocalExecutor", lambda workers: InProcessExecutor())
    return write_tuned(tmp_path)


def store_opponent(
    trials: int,
    seeds: int,
    name: str = "promp",
    suite: str = SUITE,
    origin: dict[str, Any] | None = None,
    fresh_tasks: int = 0,
) -> None:
    """trials: 0 of one that is not tuned."""
    (spec,) = make_plan(suites=[suite], algorithms=[name], seeds=1, profile="smoke")
    record = {"trials": trials, "seeds": seeds, "digest": "d" * 64, "sibling": None}
    record |= ({"origin": origin} if origin else {}) | ({"fresh_tasks": fresh_tasks} if fresh_tasks else {})
    store_score(replace(spec, tuning=record if trials else None), Path("results"), 1.0)


def test_it_is_tuned_as_its_opponents_were_and_then_compared_with_what_was_chosen(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store_opponent(trials=5, seeds=1)
    assert main(["compare", source, "--tune", *COMMAND]) == 0
    tuned = tomllib.loads(Path("tuned/smoke", f"{SUITE}.toml").read_text())["algorithms"]["tuned"]
    assert len(tuned["trials"]) == 5 and tuned["seeds"] == [1000] and tuned["values"] != {"knob": 100.0}
    store = Store(Path("results"))
    assert len(store.read(StoredTrial)) == 5
    (own,) = [run for run in store.finished() if run.algorithm == "tuned"]
    assert own.identity["configuration"]["knob"] == tuned["values"]["knob"] and own.seed == 0
    assert own.run["description"]["tuning"]["trials"] == 5
    out = capsys.readouterr().out
    assert "5 trials of 1 seed" in out and f"knob {tuned['values']['knob']}" in out
    summary = Path("comparison/summary.md").read_text()
    assert summary.splitlines()[2].startswith(f"**tuned** on `{SUITE}`: ")
    assert f"- Tuning: 5 trials of 1 seed for `{SUITE}`\n- Configurations tried: 1 on `{SUITE}`\n" in summary
    assert "unequal effort" not in summary
    page = Path("comparison/index.html").read_text()
    assert 'id="tuning"' in page and page.index("<b>tuned</b> on") < page.index('<p class="lead">')
    assert main(["compare", source, "--tune", *COMMAND, "--dry-run"]) == 0
    assert "0 runs of trials and 0 of 1 run are missing" in capsys.readouterr().out


@pytest.mark.parametrize("tuned", [True, False])
def test_a_method_whose_default_is_bad_ranks_where_it_should_once_it_is_tuned(
    tuned: bool, source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its optimum is that of `best`, its default is worse than `middling`'s, each by a decade and more."""
    others = ",".join(write_tuned(tmp_path, name, default) for name, default in (("best", 0.05), ("middling", 2.0)))
    cells = ["--suites", SUITE, "--profile", "smoke", "--seeds", "10", "--workers", "1"]
    assert main(["leaderboard", "--algorithms", others, *cells]) == 0
    assert main(["compare", source, *cells, *(["--tune", "--trials", "16"] if tuned else [])]) == 0
    (said,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("tuned on")]
    assert ("above middling" in said) == tuned and ("below best, middling" in said) != tuned, said


def test_the_dry_run_counts_the_trials_and_runs_nothing(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", source, "--tune", "--trials", "3", *COMMAND, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "6 runs of trials and 1 of 1 run are missing: about " in out
    assert "a guess: nothing is stored of the suite" in out
    assert not Path("results").exists() and not Path("tuned").exists() and not Path("comparison").exists()


@pytest.mark.parametrize(
    ("command", "count"),
    [
        (["compare", "gmps"], "1 of 1 run is missing, which begins with 1 more: about "),
        (["compare", "gmps", "--tune", "--trials", "2"], "and 1 of 1 run are missing, which begin with 3 more: about "),
        (["tune", "gmps", "--trials", "2"], "6 runs on 1 cell are missing: about "),
    ],
)
def test_dry_runs_count_the_experts_that_runs_and_trials_begin_with(
    command: list[str], count: str, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two trials of two seeds share the experts of these seeds; the run has one of its own."""
    seeds = ["--seeds", "1"] * (command[0] == "compare")
    assert main([*command, "--suites", "half-cheetah-velocity", "--profile", "standard", *seeds, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert count in out and " expert of gmps" in out


def stored() -> list[StoredRun]:
    return Store(Path("results")).finished()


def test_effort_is_the_most_of_any_opponent_there_and_else_the_usual(source: str) -> None:
    specs = make_plan(suites=[SUITE], algorithms=[source], seeds=1, profile="smoke")
    assert opponents_effort([], specs, None) == {SUITE: Effort(16, 2)}
    store_opponent(trials=7, seeds=3)
    assert opponents_effort(stored(), specs, None) == {SUITE: Effort(7, 3)}
    assert opponents_effort(stored(), specs, 4) == {SUITE: Effort(4, 3)}
    store_opponent(trials=16, seeds=1, name="maml-vpg")  # fewer runs than 7 of 3 seeds
    store_opponent(trials=0, seeds=0, name="maml-trpo")
    assert opponents_effort(stored(), specs, None) == {SUITE: Effort(7, 3)}


def test_records_that_do_not_name_what_their_trials_were_the_best_of_are_read_with_the_file_of_the_trials() -> None:
    suite, profile = "frozen-lake-low", "standard"
    runs = [
        run for run in Store(REFERENCE, read_only=True).finished()
        if (run.suite, run.profile) == (suite, profile) and run.run["description"].get("tuning")
    ]  # fmt: skip
    assert runs and not any("origin" in run.run["description"]["tuning"] for run in runs)
    asked: dict[str, Any] = {
        "suites": [suite],
        "algorithms": ["maml-trpo"],
        "seeds": 1,
        "profile": profile,
        "tuned": False,
    }
    specs = make_plan("bo-mrl", **asked)
    assert opponents_effort(runs, specs, None) == {suite: Effort(5, 2, origin="quick")}
    elsewhere = make_plan("quick", **asked)  # another board of the suite, by its adaptation steps
    assert elsewhere[0].adaptation_steps != specs[0].adaptation_steps
    assert opponents_effort(runs, elsewhere, None) == {suite: Effort(16, 2)}


def test_a_newcomer_is_scored_on_fresh_tasks_where_its_opponents_were(source: str) -> None:
    specs = make_plan(suites=[SUITE], algorithms=[source], seeds=1, profile="smoke")
    store_opponent(trials=5, seeds=1, fresh_tasks=4)
    assert opponents_effort(stored(), specs, None) == {SUITE: Effort(5, 1, fresh_tasks=4)}
    assert opponents_effort(stored(), specs, 2) == {SUITE: Effort(2, 1, fresh_tasks=4)}


def test_a_suite_whose_opponents_were_not_tuned_is_left_out_unless_trials_are_asked_for(source: str) -> None:
    specs = make_plan(suites=[SUITE, OTHER, THIRD], algorithms=[source], seeds=1, profile="smoke")
    store_opponent(trials=7, seeds=3)
    store_opponent(trials=0, seeds=0, suite=OTHER)
    store_opponent(trials=0, seeds=0, name="oracle", suite=THIRD)  # which cannot be tuned
    assert opponents_effort(stored(), specs, None) == {SUITE: Effort(7, 3), OTHER: None, THIRD: Effort(16, 2)}
    assert opponents_effort(stored(), specs, 4) == {SUITE: Effort(4, 3), OTHER: Effort(4, 2), THIRD: Effort(4, 2)}


def test_each_suite_gets_its_own_opponents_trials_and_the_dry_run_says_which_gets_none(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store_opponent(trials=5, seeds=1)
    store_opponent(trials=3, seeds=2, suite=THIRD)
    store_opponent(trials=0, seeds=0, suite=OTHER)
    command = ["compare", source, "--tune", *COMMAND, "--dry-run", "--suites"]
    assert main([*command, f"{SUITE},{OTHER},{THIRD}"]) == 0
    out = capsys.readouterr().out
    assert f"not tuned: {OTHER}: {UNTUNED}; it takes the profile's values" in out
    rows = [line for line in out.splitlines() if "runs of trials  " in line]
    assert [(suite in row, count in row) for row, suite, count in zip(
        rows, (SUITE, THIRD), ("5 runs of trials", "6 runs of trials"), strict=True)] == [(True, True)] * 2  # fmt: skip
    assert main([*command, OTHER]) == 2
    assert f"there is nothing to tune on {OTHER}: {UNTUNED}; --trials N tunes all" in capsys.readouterr().err
    assert main([*command, OTHER, "--trials", "2"]) == 0
    assert "4 runs of trials and 1 of 1 run are missing" in capsys.readouterr().out


def test_where_opponents_tried_another_profiles_best_it_does_too_or_is_told_how_to_get_them(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    specs = make_plan(suites=[SUITE], algorithms=[source], seeds=1, profile="smoke")
    store_opponent(trials=3, seeds=2, origin={"profile": "quick", "trials": 8, "seeds": 2})
    store_opponent(trials=5, seeds=3, name="maml-vpg")  # less than both of promp's
    assert opponents_effort(stored(), specs, None) == {SUITE: Effort(3, 2, origin="quick")}
    assert opponents_effort(stored(), specs, 4) == {SUITE: Effort(4, 2)}
    command = ["compare", source, "--tune", *COMMAND, "--dry-run"]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert f"no trials of profile quick on {SUITE}; `metarl tune {Path(source).name}:Tuned --benchmark quick" in said
    trials = ["--trials", "3", "--seeds", "1", "--workers", "1"]
    Path("short.toml").write_text((PROFILES / "smoke.toml").read_text())
    assert main(["tune", source, "--suites", SUITE, "--profile", "short.toml", *trials]) == 0
    short = Path("tuned/short", f"{SUITE}.toml")  # stands for trials of quick, which would take longer
    Path("tuned/quick").mkdir()
    Path("tuned/quick", short.name).write_text(short.read_text().replace('profile = "short"', 'profile = "quick"'))
    capsys.readouterr()
    assert main(command) == 0  # the trials' first seeds are stored by now, as of those of the short profile
    assert "3 runs of trials and 1 of 1 run are missing" in capsys.readouterr().out


def test_whom_it_is_not_compared_with_gives_it_no_trials(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    store_opponent(trials=5, seeds=1)
    store_opponent(trials=3, seeds=1, name="maml-vpg")
    assert main(["compare", source, "--tune", *COMMAND, "--dry-run", "--against", "maml-vpg"]) == 0
    assert "3 runs of trials and 1 of 1 run are missing" in capsys.readouterr().out


def test_where_values_come_from_a_sibling_the_sibling_is_tuned_as_the_most_tuned_of_both(source: str) -> None:
    efforts = {"half-cheetah-direction": Effort(trials=3), "half-cheetah-velocity": Effort(trials=2)}
    for asked in (efforts, {**efforts, "half-cheetah-velocity": None}):
        planned = plan_newcomer("quick", asked, source, "quick", Path("tuned"), Plan).plan
        assert [(cell.spec.suite, cell.effort) for cell in planned.cells] == [
            ("half-cheetah-velocity", Effort(trials=3))
        ]
        assert planned.suites == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trials", "3"], "--trials 3 says how many trials --tune makes; give --tune too"),
        (["--tune", "--untuned"], "--tune chooses values and --untuned takes none"),
    ],
)
def test_what_contradicts_itself_is_refused(
    source: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["compare", source, *COMMAND, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_both_commands_expect_the_same_trials_to_take_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cell = [str(ROOT / "docs" / "my_algorithm.py"), "--suites", "frozen-lake-low", "--dry-run"]
    said = []
    for command in (["tune", *cell], ["compare", *cell, "--tune"]):
        assert main(command) == 0
        (row,) = [line for line in capsys.readouterr().out.splitlines() if "  32 runs" in line]
        said.append((re.findall(r"about (\d+ \w+)", row), "as the middle one of" in row))
    assert said[0] == said[1] and said[0][1]
