"""`metarl compare --tune`: the newcomer gets its opponents' effort in one command; the dry run says what it takes."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.command_line import main
from benchmarks.commands.newcomer_tuning import opponents_effort, plan_newcomer
from benchmarks.conformance.rules import RULES, Finding
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.planning.plan import Plan, make_plan
from benchmarks.tuning.cell import Effort
from results.store import Store, StoredTrial
from tests.support.synthetic_runs import store_score
from tests.support.tuned_algorithms import write_tuned

#: an action costs ten times its square
SUITE = "half-cheetah-velocity[horizon=5,control_cost=10]"
COMMAND = ["--suites", SUITE, "--profile", "smoke", "--seeds", "1", "--workers", "1"]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file of `tuned`, whose default is bad, in the working directory; the rules are taken for kept."""
    monkeypatch.chdir(tmp_path)
    kept = [Finding(SUITE, rule, True) for rule in RULES]
    monkeypatch.setattr("benchmarks.commands.compare.check", lambda found, suites: kept)
    monkeypatch.setattr("benchmarks.commands.jobs.LocalExecutor", lambda workers: InProcessExecutor())
    return write_tuned(tmp_path)


def store_opponent(trials: int, seeds: int, name: str = "promp") -> None:
    (spec,) = make_plan(suites=[SUITE], algorithms=[name], seeds=1, profile="smoke")
    record = {"trials": trials, "seeds": seeds, "digest": "d" * 64, "sibling": None}
    store_score(replace(spec, tuning=record), Path("results"), 1.0)


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
    assert "0 runs of trials and 0 of 1 runs are missing" in capsys.readouterr().out


def test_the_dry_run_counts_the_trials_and_runs_nothing(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", source, "--tune", "--trials", "3", *COMMAND, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "6 runs of trials and 1 of 1 runs are missing: about " in out
    assert "a guess: nothing is stored of the suite" in out
    assert not Path("results").exists() and not Path("tuned").exists() and not Path("comparison").exists()


def test_effort_is_the_most_of_any_opponent_there_and_else_the_usual(source: str) -> None:
    specs = make_plan(suites=[SUITE], algorithms=[source], seeds=1, profile="smoke")
    assert opponents_effort([], specs, None) == Effort(16, 2)
    store_opponent(trials=7, seeds=3)
    stored = Store(Path("results")).finished()
    assert opponents_effort(stored, specs, None) == Effort(7, 3)
    assert opponents_effort(stored, specs, 4) == Effort(4, 3)
    store_opponent(trials=16, seeds=1, name="maml-vpg")  # fewer runs than 7 of 3 seeds
    assert opponents_effort(Store(Path("results")).finished(), specs, None) == Effort(7, 3)
    elsewhere = make_plan(suites=["half-cheetah-velocity[horizon=6]"], algorithms=[source], seeds=1, profile="smoke")
    assert opponents_effort(stored, elsewhere, None) == Effort(16, 2)


def test_where_values_come_from_a_sibling_the_sibling_is_tuned(source: str) -> None:
    planned = plan_newcomer("quick", ["half-cheetah-direction"], source, "quick", Effort(trials=2), Path("tuned"), Plan)
    assert [cell.spec.suite for cell in planned.plan.cells] == ["half-cheetah-velocity"]


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
