"""Tuned values: their files are checked, plans take them, and records say what effort they cost."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from algorithms.catalogue import find_algorithm
from benchmarks.api import run_cell
from benchmarks.command_line import main
from benchmarks.commands.show import description
from benchmarks.commands.tune import default_folder
from benchmarks.commands.tuned_methods import tuned_methods
from benchmarks.planning.plan import Plan, make_plan
from benchmarks.planning.tuned_file import Trial, read_tuned, trials_digest
from benchmarks.planning.tuned_values import (
    OWN,
    SHIPPED,
    folders_for,
    places_of_trials,
    shipped_folder,
    sibling_of,
    tuned_cell,
)
from benchmarks.specs.run_spec import RunSpec, known_suite
from benchmarks.tuning.document import Outcome, write_outcome
from environments.typed_options import UsageError
from tests.support.adapters import write_good
from tests.support.tuned_files import TRIALS, VELOCITY, tuned_text, write

DIRECTION = "half-cheetah-direction"
HOPPER = "hopper-params"
DIGESTS = ("code", "suite_digest", "split_digest")


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    """A folder with ProMP's tuned values on half-cheetah-velocity in the profile quick."""
    folder = tmp_path / "chosen"
    write(folder, tuned_text())
    return folder


def _trials_of_promp(spec: RunSpec) -> str:
    """The file from which a report shows a run's trials."""
    run: Any = SimpleNamespace(suite=spec.suite, profile=spec.profile, run={"description": {"tuning": spec.tuning}})
    (found,) = (method for method in tuned_methods([run]) if method.algorithm == "promp")
    return found.source


def plan(tuned: bool | Path = True, **more: Any) -> Plan:
    asked: dict[str, Any] = {"suites": [VELOCITY], "algorithms": ["promp"], "seeds": 1, "tuned": tuned}
    return make_plan(**asked | more)


def test_a_file_is_read_whole_and_a_failed_run_scores_worst(tuned: Path) -> None:
    content = read_tuned(tuned / "quick" / f"{VELOCITY}.toml")
    found = content.algorithms["promp"]
    assert (content.suite, content.profile, content.sibling) == (VELOCITY, "quick", None)
    assert [trial.score for trial in found.trials] == [-96.0, -81.0, -math.inf]
    assert found.trials[found.chosen].values == found.values == {"step_size": 0.003, "gae_lambda": 0.95}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("chosen = 1", "chosen = 3", "algorithms.promp.chosen is 3; it must be an index from 0 to 2"),
        ("published = 0", "published = -1", "algorithms.promp.published is -1; it must be an index from 0 to 2"),
        ("chosen = 1", "chosen = 0", "algorithms.promp.values is"),
        ("-80.5", "-60.5", "algorithms.promp.digest .* is not that of its trials"),
        ("[-80.5, -81.5]", "[-98.5, -99.5]", "chosen is 1, but trial 0 has the best score"),
        ("[-80.5, -81.5]", "[-80.5]", r"trials\[1\].scores must be 2, one for each seed, got 1"),
        ("[-80.5, -81.5]", '["a", "b"]', r"trials\[1\].scores must be numbers"),
        ("seeds = [1000, 1001]", "seeds = [0, 1]", "seeds must be different ones from 1000 on, got"),
        ('sampler = "qmc"\n', "", "algorithms.promp has no 'sampler', which it needs"),
        ("sampler", "sampel", "algorithms.promp has no key 'sampel'; did you mean 'sampler'"),
        ("{ step_size = 0.1, gae", "{ step = 0.1, gae", r"trials\[2\] has values of"),
        ('profile = "quick"', 'profile = "standard"', "profile is 'standard', but the file lies where 'quick' belongs"),
        (f'suite = "{VELOCITY}"', 'suite = "corners"', "suite is 'corners', but the file lies where"),
        ('profile = "quick"', f'profile = "quick"\nsibling = "{DIRECTION}"', "in a file without algorithms of its own"),
        ("chosen = 1", "chosen = ", "cannot be read: Invalid value"),
        ('"quick"', '"quick"\ncontrols = { promp = "promp" }', "controls.promp: it has trials of its own"),
        (
            '"quick"',
            '"quick"\ncontrols = { a = "prmp" }',
            "'prmp', which .* no trials of; did you mean 'promp'",
        ),
        ('"quick"', '"quick"\ncontrols = 3', "controls must be a table of names, got 3"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = tuned_text()
    assert old in text
    path = write(tmp_path, text.replace(old, new, 1))
    with pytest.raises(UsageError, match=f"{re.escape(str(path))}.*{message}"):
        plan(tmp_path)


def test_a_control_takes_the_entry_of_what_it_controls_for(tmp_path: Path) -> None:
    path = write(tmp_path / "chosen", tuned_text().replace('"quick"', '"quick"\ncontrols = { maml-vpg = "promp" }', 1))
    (cell,) = plan(tmp_path / "chosen", algorithms=["maml-vpg"]).cells
    assert (cell.spec.configuration["step_size"], cell.spec.configuration["gae_lambda"]) == (0.003, 0.95)
    assert cell.spec.tuning is not None and cell.spec.tuning["digest"] == trials_digest(TRIALS)
    source = f"chosen/quick/{VELOCITY}.toml: 3 trials × 2 seeds of promp"
    assert cell.sources["configuration.step_size"] == source
    own = Outcome([{"step_size": 0.1}], [[1.0]], 0, 0, 0, [1000], "qmc", dict.fromkeys(DIGESTS, ""))
    write_outcome(tmp_path / "chosen", "quick", VELOCITY, "maml-trpo", own)
    assert read_tuned(path).controls == {"maml-vpg": "promp"}
    write_outcome(tmp_path / "chosen", "quick", VELOCITY, "maml-vpg", own)
    assert not read_tuned(path).controls


def test_an_option_that_the_algorithm_has_not_is_refused_with_the_file(tmp_path: Path) -> None:
    write(tmp_path, tuned_text(algorithm="maml-trpo"))
    source = f"{tmp_path.name}/quick/{VELOCITY}.toml"
    with pytest.raises(UsageError, match=f"{source}: 3 trials × 2 seeds: .* no option 'step_size'"):
        plan(tmp_path, algorithms=["maml-trpo"])


def test_tuned_values_go_before_the_profile_and_behind_settings(tuned: Path) -> None:
    (cell,) = plan(tuned, settings=["promp.gae_lambda=0.8"]).cells
    own = cell.spec.configuration
    assert (own["step_size"], own["gae_lambda"], own["trajectories"]) == (0.003, 0.8, 5)
    assert cell.sources["configuration.step_size"] == f"chosen/quick/{VELOCITY}.toml: 3 trials × 2 seeds"
    assert cell.sources["configuration.gae_lambda"] == "--set promp.gae_lambda=0.8"
    (plain,) = plan(False).cells
    assert (plain.spec.configuration["step_size"], plain.spec.tuning) == (0.001, None)
    lake = tuned_text("frozen-lake-low", owner="frozen-lake-low", searched=("inner_step_size", "gae_lambda"))
    write(
        tuned,
        lake.replace("step_size", "inner_step_size").replace(trials_digest(TRIALS), _renamed()),
        "frozen-lake-low",
    )
    (over,) = plan(tuned, suites=["frozen-lake-low"])  # the profile's rule says 300
    assert over.configuration["inner_step_size"] == 0.003


def _renamed() -> str:
    trials = [{("inner_step_size" if k == "step_size" else k): v for k, v in trial.values.items()} for trial in TRIALS]
    return trials_digest([Trial(values, trial.scores) for values, trial in zip(trials, TRIALS, strict=True)])


def test_the_record_says_the_effort_and_the_identity_does_not(tuned: Path) -> None:
    (spec,) = plan(tuned)
    note = {"trials": 3, "seeds": 2, "digest": trials_digest(TRIALS), "sibling": None}
    record = spec.record()
    assert spec.tuning == record["description"]["tuning"] == note
    assert RunSpec.from_record(record).tuning == note
    (by_hand,) = plan(False, settings=["promp.step_size=0.003", "promp.gae_lambda=0.95"])
    assert by_hand.identity() == spec.identity()
    assert "tuning" not in by_hand.record()["description"] and RunSpec.from_record(by_hand.record()).tuning is None
    (half,) = plan(tuned, settings=["promp.gae_lambda=0.5"])
    assert half.tuning == {**note, "by_hand": ["gae_lambda"]}
    assert RunSpec.from_record(half.record()).tuning == half.tuning
    (overruled,) = plan(tuned, settings=["promp.step_size=0.1", "promp.gae_lambda=0.5"])
    assert overruled.tuning is None


def test_another_option_profile_or_algorithm_takes_nothing(tuned: Path) -> None:
    for more in ({"suites": [f"{VELOCITY}[horizon=100]"]}, {"profile": "standard"}, {"algorithms": ["maml-vpg"]}):
        assert plan(tuned, **more)[0].tuning is None


def test_a_suite_that_cannot_be_tuned_takes_its_siblings_values_and_says_so(tuned: Path) -> None:
    assert sibling_of("quick", DIRECTION) == VELOCITY  # shipped
    assert sibling_of("quick", "corners") is None
    (cell,) = plan(tuned, suites=[DIRECTION]).cells
    assert cell.spec.configuration["step_size"] == 0.003
    assert cell.spec.tuning is not None and cell.spec.tuning["sibling"] == VELOCITY
    expected = f"chosen/quick/{VELOCITY}.toml: 3 trials × 2 seeds, as on its sibling"
    assert cell.sources["configuration.step_size"] == expected
    assert plan(tuned, suites=[f"{DIRECTION}[horizon=100]"])[0].tuning is None


def test_a_sibling_whose_tasks_are_test_tasks_here_lends_no_values(tuned: Path) -> None:
    taker = f"{DIRECTION}[horizon=100]"
    write(tuned, tuned_text(DIRECTION, owner=DIRECTION), DIRECTION)
    write(tuned, f'suite = "{taker}"\nprofile = "quick"\nsibling = "{DIRECTION}"\n', taker)
    found = plan(tuned, suites=[taker])
    assert found[0].tuning is None and "on tasks that are test tasks here" in found.notes[0]


def test_values_found_under_other_terms_are_not_used_and_this_is_said(tuned: Path) -> None:
    other = plan(tuned, benchmark="bo-mrl", profile="quick")
    assert other[0].tuning is not None  # bo-mrl sets nothing in the profile quick
    write(tuned, tuned_text(profile="standard"), profile="standard")
    assert plan(tuned, profile="standard")[0].tuning is not None
    other = plan(tuned, benchmark="bo-mrl", profile="standard")
    assert other[0].tuning is None
    assert "benchmark bo-mrl sets this suite otherwise than the trials were set" in other.notes[0]
    under_its_terms = tuned_text(profile="standard").replace("adaptation_steps = 1", "adaptation_steps = 3")
    write(tuned, under_its_terms, profile="standard")
    assert plan(tuned, benchmark="bo-mrl", profile="standard")[0].tuning is not None
    (general,) = plan(tuned, profile="standard").notes
    assert "the trials had another setting (adaptation_steps was 3, is 1)" in general
    write(tuned, tuned_text().replace(known_suite(VELOCITY).digest, "0" * 64))
    changed = plan(tuned)
    assert changed[0].tuning is None and f"{VELOCITY} has changed since" in changed.notes[0]


def test_an_untuned_method_among_tuned_ones_is_noted(tuned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["promp", "maml-vpg", "oracle", "random-init", "stand-still"]
    found = plan(tuned, suites=[VELOCITY, "corners"], algorithms=names)
    # the floor does not train, but has options to search
    terms = f"--suites {VELOCITY} --benchmark quick --profile quick --trials 3 --seeds 2 --into {tuned}"
    assert found.notes == tuple(
        f"{name} is not tuned on {VELOCITY}, where others are: `metarl tune {name} {terms}` gives it equal trials"
        for name in ("maml-vpg", "random-init")
    )
    assert plan(False, algorithms=names).notes == ()
    cells = ("--suites", VELOCITY, "--algorithms", "promp,maml-vpg", "--seeds", "1", "--dry-run")
    assert main(["leaderboard", *cells, "--tuned", str(tuned)]) == 0
    assert f"note: {found.notes[0]}\n" in capsys.readouterr().out
    assert main(["leaderboard", *cells, "--untuned"]) == 0
    assert "note: " not in capsys.readouterr().out


def test_an_algorithm_of_ones_own_takes_the_values_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_good(tmp_path)
    assert plan(algorithms=[source])[0].tuning is None
    text = tuned_text(algorithm="drift", searched=("tasks", "trajectories"))
    for old, new in (
        ("step_size", "tasks"),
        ("0.001", "3"),
        ("0.003", "4"),
        (" 0.1,", " 5,"),
        ("gae_lambda", "trajectories"),
    ):
        text = text.replace(old, new)
    (untuned,) = plan(algorithms=[source])
    text = text.replace('code = "c"', f'code = "{untuned.code}"')
    text = text.replace(" 1.0 ", " 2 ").replace("0.95", "3").replace(" 0.9 ", " 4 ")
    trials = [
        Trial(entry["values"], tuple(entry["scores"])) for entry in tomllib.loads(text)["algorithms"]["drift"]["trials"]
    ]
    write(tmp_path / "tuned", text.replace(trials_digest(TRIALS), trials_digest(trials)))
    for suite in (VELOCITY, DIRECTION):
        (spec,) = plan(suites=[suite], algorithms=[source])
        assert (spec.configuration["tasks"], spec.configuration["trajectories"]) == (4, 3)
    write(tmp_path / "tuned", tuned_text())  # ours are tuned where they are shipped
    ours = plan()[0].tuning
    assert ours is None or ours["trials"] != len(TRIALS)


def test_every_shipped_file_is_intact() -> None:
    for path in [*SHIPPED.glob("*/*.toml"), *SHIPPED.glob("papers/*/*/*.toml")]:
        content, folder = read_tuned(path), path.parents[1]
        benchmark = "quick" if folder == SHIPPED else folder.name
        for name in content.algorithms:
            assert tuned_cell(content.profile, content.suite, name, [folder]) is not None
            make_plan(benchmark, suites=[content.suite], algorithms=[name], profile=content.profile, seeds=1)


def test_a_paper_with_a_folder_of_its_own_takes_its_values_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its benchmark, its page and its trials take and write them there; other boards know nothing of them."""
    folder = tmp_path / "papers" / "promp"
    monkeypatch.setattr("benchmarks.planning.tuned_values.PAPERS", tmp_path / "papers")
    asked: list[bool | Path] = []

    def planned(*arguments: Any) -> Plan:
        asked.append(arguments[-1])
        return make_plan(*arguments)

    monkeypatch.setattr("benchmarks.commands.paper.make_plan", planned)
    command = ["paper", "promp", "--profile", "quick", "--suites", HOPPER, "--dry-run", "--results", str(tmp_path)]
    assert main(command) == 0
    ours = plan(benchmark="promp", suites=[HOPPER], profile="quick")[0]
    before = _trials_of_promp(ours)
    assert "not used" not in capsys.readouterr().out

    text = re.sub(r"budget = \d+", f"budget = {ours.budget}", tuned_text(HOPPER, owner=HOPPER))
    write(folder, text, HOPPER)
    (spec,) = plan(benchmark="promp", suites=[HOPPER], profile="quick")
    assert spec.tuning is not None and spec.tuning["trials"] == len(TRIALS)
    assert (spec.configuration["step_size"], spec.configuration["gae_lambda"]) == (0.003, 0.95)
    board = plan(suites=[HOPPER])[0].tuning
    assert board is None or board["trials"] != len(TRIALS)
    assert main(command) == 0
    assert asked == [False, True]
    assert default_folder(["promp"], "promp") == folder
    for other in ("quick", ""):
        assert default_folder(["promp"], other) == SHIPPED
        assert folders_for(find_algorithm("promp"), True, other) == (SHIPPED, OWN)
    after = _trials_of_promp(spec)
    assert (before, after) == (f"tuned/quick/{HOPPER}.toml", f"promp/quick/{HOPPER}.toml")
    assert _trials_of_promp(ours) == before  # and not what was found on the paper's terms

    monkeypatch.setattr("os.access", lambda path, mode: False)  # as where the package is installed
    assert default_folder(["promp"], "promp") == OWN / "papers" / "promp"
    assert folders_for(find_algorithm("promp"), True, "promp") == (OWN / "papers" / "promp", folder)

    write(folder, text.replace(f"budget = {ours.budget}", "budget = 3"), HOPPER)
    assert main(command) == 0
    assert f"note: not used for promp on {HOPPER}: promp/quick/{HOPPER}.toml" in capsys.readouterr().out


def test_a_papers_trials_are_the_best_of_its_own_or_else_of_all_boards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those beside its own first, also where other boards' are named before."""
    folder = tmp_path / "papers" / "promp"
    monkeypatch.setattr("benchmarks.planning.tuned_values.PAPERS", tmp_path / "papers")
    text = tuned_text().replace('sampler = "qmc"', 'sampler = "best of quick"')
    write(folder, text.replace('profile = "quick"', 'profile = "standard"', 1), VELOCITY, "standard")

    def known() -> int:
        found = tuned_cell("standard", VELOCITY, "promp", [SHIPPED, folder])
        assert found is not None and found.origin is not None
        return int(found.origin["trials"])

    assert known() == 16
    write(folder, tuned_text())
    assert known() == 3
    assert places_of_trials(folder) == (folder, SHIPPED, OWN)  # of one's own methods too


def test_where_a_papers_folder_lacks_trials_the_best_of_the_shipped_ones_are_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = "frozen-lake-low"
    command = ["tune", "cavia", "--benchmark", "bo-mrl", "--suites", lake, "--profile", "standard", "--dry-run"]
    assert main([*command, "--best-of", "quick", "--results", str(tmp_path)]) == 0
    assert "5 trials x 2 seeds" in capsys.readouterr().out
    assert not (shipped_folder("bo-mrl") / "quick" / f"{lake}.toml").exists()


def test_show_and_the_api_take_tuned_values(tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = description(VELOCITY, "promp", "quick", None, [], tmp_path, tuned)
    assert content["tuning"]["trials"] == 3
    assert content["configuration"]["step_size"]["source"].startswith("chosen/quick/")
    lake = "frozen-lake-low[horizon=10]"
    text = tuned_text(lake, profile="smoke", owner=lake)
    write(tuned, re.sub(r"budget = \d+", "budget = 200", text), lake, "smoke")
    cell = run_cell(lake, "promp", profile="smoke", seeds=1, budget=200, tuned=tuned)
    (run,) = cell.runs
    assert run.identity["configuration"]["step_size"] == 0.003
    assert run.run["description"]["tuning"]["trials"] == 3


def test_no_folder_and_seeds_of_tuning_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder .*nowhere' with tuned values"):
        plan(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="seeds from 1000 on are those of tuning"):
        plan(seeds=1001)
    with pytest.raises(UsageError, match="seeds must lie below 1000, where those of tuning begin, got 1000"):
        run_cell("corners", "promp", seeds=[1000])


def test_values_found_in_another_setting_are_not_taken_and_a_note_says_in_which(tuned: Path) -> None:
    path = write(tuned, tuned_text().replace("budget = ", "budget = 1"))
    (spec,) = found = plan(tuned)
    assert spec.tuning is None and spec.configuration == plan(False)[0].configuration
    (note,) = found.notes
    assert "the trials had another setting (budget was 1" in note and f"is {spec.budget})" in note
    path.write_text(tuned_text())
    assert plan(tuned)[0].tuning is not None and plan(tuned, suites=[DIRECTION])[0].tuning is not None
    for old, new in (("budget = ", "budget = 1"), ("tasks = ", "tasks = 1")):
        path.write_text(tuned_text().replace(old, new))
        sibling = plan(tuned, suites=[DIRECTION])
        assert sibling[0].tuning is None and "the trials had another setting" in sibling.notes[0]
    path.write_text(tuned_text())
    asked = plan(tuned, settings=["promp.tasks=3"])[0].tuning
    assert asked is not None and asked["by_hand"] == ["tasks"]  # asked for, so it stands, and is said
