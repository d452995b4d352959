"""A profile, a benchmark and a suite in a stranger's folder: every command takes them, from that folder."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.api import run_cell
from benchmarks.command_line import main
from benchmarks.conformance.rules import RULES, Finding
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.planning.definition import find_definition
from benchmarks.planning.plan import make_plan
from benchmarks.planning.profiles import FOLDER, find_profile
from benchmarks.specs.run_spec import RunSpec
from environments.typed_options import UsageError
from results.store import Store
from tests.support.adapters import write_good
from tests.support.synthetic_runs import store_score
from tests.support.walks import GOOD, forget_own_suites

ROOT = Path(__file__).parents[2]
PROFILE = """
seeds = 1
budget = 400
adaptation_steps = 1
trajectories = 2
evaluations = 1
checkpoint_every = 5
config = { tasks = 2, trajectories = 2 }

[[rule]]
benchmarks = "mine"
suites = "stroll"
config = { hidden = [4] }
"""
BENCHMARK = """
profile = "../terms/tiny.toml"
suites = ["suites/stroll.py:Walk[horizon=10]", "frozen-lake-low[horizon=10]"]
algorithms = ["promp", "../good.py"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A stranger's folder, which is the working directory; what it makes known is forgotten afterwards."""
    (tmp_path / "own" / "suites").mkdir(parents=True)
    (tmp_path / "terms").mkdir()
    (tmp_path / "terms" / "tiny.toml").write_text(PROFILE)
    (tmp_path / "own" / "mine.toml").write_text(BENCHMARK)
    (tmp_path / "own" / "suites" / "stroll.py").write_text(GOOD.replace('"walk"', '"stroll"'))
    Path(write_good(tmp_path)).rename(tmp_path / "good.py")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    forget_own_suites()


def test_a_strangers_folder_runs_every_command(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fresh(*arguments: str, code: int = 0) -> str:
        """In a process of its own, as a shell begins it."""
        program = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); from benchmarks.command_line import main; sys.exit(main())"
        )
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout if code == 0 else done.stderr

    def metarl(*arguments: str) -> str:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        assert code == 0, said.err + said.out
        return said.out

    stroll = "own/suites/stroll.py[horizon=10]"

    fresh("leaderboard", "--benchmark", "own/mine.toml", "--workers", "2")
    assert "all 4 runs are stored" in metarl("leaderboard", "--benchmark", "own/mine.toml", "--workers", "2")
    runs = Store(tmp_path / "results").finished()
    assert sorted({run.suite for run in runs}) == ["frozen-lake-low[horizon=10]", "stroll[horizon=10]"]
    assert {(run.profile, run.run["description"]["benchmark"]) for run in runs} == {("tiny", "mine")}
    own = [run for run in runs if run.suite == "stroll[horizon=10]"]
    source = f"{tmp_path / 'own' / 'suites' / 'stroll.py'}:Walk"
    assert {run.run["provenance"].get("suite_source") for run in own} == {source}
    assert [run.identity["configuration"].get("hidden") for run in own if run.algorithm == "promp"] == [[4]]
    shown = json.loads(metarl("show", stroll, "promp", "--benchmark", "own/mine.toml", "--json"))
    assert (shown["suite_source"], shown["stored"][0]["differs"]) == (source, [])
    cells = ("--benchmark", "own/mine.toml", "--suites", stroll)
    assert "drift on stroll[horizon=10]" in metarl("compare", "good.py", *cells, "--workers", "2")
    assert "drift keeps every rule" in metarl("check", "good.py", "--suites", "own/suites/stroll.py")
    assert "stroll[horizon=20] keeps every rule" in metarl("check", "own/suites/stroll.py:Walk[horizon=20]")
    assert "report: " in metarl("report", "--benchmark", "own/mine.toml")
    metarl("report", "--profile", "terms/tiny.toml", "--suites", stroll, "--algorithms", "good.py")
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert {name for board in summary["suites"].values() for name in board} >= {"drift"}
    refused = fresh("verify", str(own[0].path), "--no-attest", code=2)
    assert "its record names code of its own" in refused and "--run-recorded-code" in refused
    assert "verified" in metarl("verify", str(own[0].path), "--no-attest", "--run-recorded-code")


def metarl(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """What the command says, once it has ended well."""
    capsys.readouterr()
    code = main(arguments)
    said = capsys.readouterr()
    assert code == 0, said.err + said.out
    return said.out, said.err


LAKE = "frozen-lake-low[horizon=10]"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ("compare", "fo.py", "--profile", "terms/tiny.toml", "--suites", LAKE, "--tune", "--trials", "2"),
            "4 runs of trials and 1 of 1 run are missing",
        ),
        (
            ("compare", "fo.py", "--benchmark", "own/mine.toml", "--tune", "--trials", "2"),
            "8 runs of trials and 2 of 2 runs are missing",
        ),
        (("tune", "--benchmark", "own/mine.toml", "--trials", "2"), "8 runs on 2 cells are missing"),
        (("tune", "fo.py", "--profile", "terms/tiny.toml", "--suites", LAKE), "32 runs on 1 cell are missing"),
    ],
)
def test_files_of_ones_own_are_tuned_under_their_own_terms(
    command: tuple[str, ...], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "fo.py").write_text((ROOT / "docs" / "my_algorithm.py").read_text())
    assert said in metarl(capsys, *command, "--dry-run")[0]


def test_a_benchmark_of_ones_own_is_tuned_and_its_values_are_then_taken(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.commands.jobs.LocalExecutor", lambda workers: InProcessExecutor())
    cells = ("--benchmark", "own/mine.toml", "--workers", "1")
    metarl(capsys, "tune", *cells, "--trials", "2", "--seeds", "1")
    written = sorted(path.relative_to(folder).as_posix() for path in (folder / "tuned").rglob("*.toml"))
    assert written == [f"tuned/tiny/{LAKE}.toml", "tuned/tiny/stroll[horizon=10].toml"]
    plan = make_plan("own/mine.toml", algorithms=["promp"])
    assert [spec.tuning and spec.tuning["trials"] for spec in plan] == [2, 2] and plan.notes == ()


def test_the_command_that_runs_missing_opponents_names_the_files_of_profile_and_benchmark(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [Finding(LAKE, rule, True) for rule in RULES]
    monkeypatch.setattr("benchmarks.commands.compare.check", lambda found, suites: kept)
    for terms in (("--benchmark", "own/mine.toml"), ("--benchmark", "own/mine.toml", "--profile", "terms/tiny.toml")):
        (spec,) = make_plan("own/mine.toml", [LAKE], ["good.py"])
        store_score(spec, folder / "results", 1.0, force=True)
        said = metarl(capsys, "compare", "good.py", *terms, "--suites", LAKE, "--against", "promp")[1]
        (command,) = re.findall(r"`(metarl leaderboard .*)`", said)
        planned = metarl(capsys, *shlex.split(command)[1:], "--dry-run")[0]
        assert "promp" in planned and "400 steps" in planned and "own/mine.toml" in command


def test_the_digest_covers_the_suites_file_and_a_record_finds_it_again(folder: Path) -> None:
    file = folder / "own" / "suites" / "stroll.py"
    cell: dict[str, Any] = {"suites": [str(file)], "algorithms": ["random-init"], "seeds": 1}
    cell["profile"] = "terms/tiny.toml"
    (spec,) = make_plan(**cell)
    assert RunSpec.from_record(spec.record()).identity() == spec.identity()
    before = spec.identity()["suite_digest"]
    file.write_text(file.read_text().replace("# ", "#  ") + "\n# a comment\n")
    assert make_plan(**cell)[0].code == spec.code
    file.write_text(file.read_text().replace("0.1, 0.1", "0.2, 0.2"))
    (changed,) = make_plan(**cell)
    assert changed.code != spec.code
    file.write_text(file.read_text().replace("horizon = 30", "horizon = 120"))
    assert make_plan(**cell)[0].identity()["suite_digest"] != before
    record = spec.record()
    file.unlink()
    with pytest.raises(UsageError, match=r"no file .*stroll\.py"):
        RunSpec.from_record(record)


def test_run_cell_takes_a_profile_and_a_suite_in_files(folder: Path) -> None:
    cell = run_cell("own/suites/stroll.py[horizon=5]", "random-init", profile="terms/tiny.toml")
    assert set(cell.scores["suite"]) == {"stroll[horizon=5]"}


def test_names_in_a_definition_are_relative_to_its_file(folder: Path) -> None:
    found = find_definition("own/mine.toml")
    assert (found.name, found.title, found.profile) == ("mine", "mine", "own/../terms/tiny.toml")
    assert found.suites == ("own/suites/stroll.py:Walk[horizon=10]", "frozen-lake-low[horizon=10]")
    assert found.algorithms == ("promp", "own/../good.py")
    assert find_profile("terms/tiny.toml").name == "tiny"
    assert find_profile(str(FOLDER / "quick.toml")).name == "quick"


def test_what_a_profile_may_have_misspelt_is_noted(folder: Path) -> None:
    cell: dict[str, Any] = {"suites": ["frozen-lake-low[horizon=10]"], "algorithms": ["promp", "good.py"], "seeds": 1}
    assert not make_plan(**cell, profile="terms/tiny.toml").notes
    text = PROFILE.replace("config = { tasks = 2,", "config = { taskz = 2,")
    text += '\n[[rule]]\nsuites = ["frozen-lake-lov", "stroll"]\nalgorithms = ["prmop", "drift", "dice-*"]\n'
    (folder / "terms" / "wrong.toml").write_text(text + "config = { inner_stepsize = 0.7, clip = 0.1 }\n")
    line = text.splitlines().index("[[rule]]", text.splitlines().index("[[rule]]") + 1) + 1
    assert make_plan(**cell, profile="terms/wrong.toml").notes == (
        "wrong: config 'taskz' is no option that is known here; did you mean 'tasks'?",
        f"wrong.toml line {line}: suites 'frozen-lake-lov' is no suite that is known here; did you mean "
        "'frozen-lake-low'?",
        f"wrong.toml line {line}: algorithms 'prmop' is no algorithm that is known here; did you mean 'promp'?",
        f"wrong.toml line {line}: config 'inner_stepsize' is no option that is known here; did you mean "
        "'inner_step_size'?",
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("own/mine.toml", "suites =", "suits =", "has no key 'suits'; did you mean 'suites'?"),
        ("own/mine.toml", 'profile = "../terms/tiny.toml"', "", "own/mine.toml has no 'profile', which it needs"),
        ("own/mine.toml", '["promp", "../good.py"]', '"promp"', "algorithms must be a list of texts, got 'promp'"),
        ("own/mine.toml", '["promp", "../good.py"]', "[]", "algorithms is empty; name at least one"),
        (
            "own/mine.toml",
            "suites =",
            'claims = ["promp.figure4.solve"]\nsuites =',
            "no paper has a claim 'promp.figure4.solve'; did you mean 'promp.figure4.solves'?",
        ),
        ("own/mine.toml", "[", "", "benchmark definition own/mine.toml cannot be read: Expected newline"),
        ("own/mine.toml", "stroll.py", "strol.py", "no file 'own/suites/strol.py'"),
        ("own/mine.toml", "../terms/tiny", "../terms/tin", "no file 'own/../terms/tin.toml' with a profile"),
        ("terms/tiny.toml", "seeds = 1", "", "profile tiny has no 'seeds', which it needs"),
        ("terms/tiny.toml", "budget = 400", "budget = 0", "budget must be a whole number of at least 1, got 0"),
        ("terms/tiny.toml", "seeds", "seed", "profile tiny has no key 'seed'; did you mean 'seeds'?"),
        ("terms/tiny.toml", "{ hidden = [4] }", "4", "config must hold options, as in { tasks = 10 }, got 4"),
        ("terms/tiny.toml", '"stroll"', "4", "suites of a rule must be a glob or a list of them, got 4"),
        ("terms/tiny.toml", "= 400", "= ", "profile own/../terms/tiny.toml cannot be read: Invalid value"),
        ("own/suites/stroll.py", '"stroll"', '"corners"', "stroll.py:Walk: the name 'corners' is taken by"),
        ("own/suites/stroll.py", "class Walk(Suite)", "class Walk", "Walk is no subclass of environments.suite.Suite"),
        ("own/suites/stroll.py", "import random", "import nowhere", "stroll.py cannot be imported: No module named"),
        ("own/suites/stroll.py", "class Walk", "class Stroll", "no class 'Walk' with a literal `name`; it has Stroll"),
    ],
)
def test_bad_files_are_one_line(
    file: str, old: str, new: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    assert main(["leaderboard", "--benchmark", "own/mine.toml", "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_file_with_the_name_of_a_shipped_one_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option, kind in (("--benchmark", "benchmark"), ("--profile", "profile")):
        (folder / "quick.toml").write_text(PROFILE)
        assert main(["leaderboard", option, "quick.toml", "--dry-run"]) == 2
        expected = f"metarl: quick.toml: the name 'quick' is taken by the {kind} that is shipped; rename the file\n"
        assert capsys.readouterr().err == expected
    assert main(["leaderboard", "--benchmark", "quik.toml"]) == 2
    assert "no file 'quik.toml' with a benchmark; or did you mean the name of one: " in capsys.readouterr().err


def test_the_former_rules_are_still_a_profile() -> None:
    (spec,) = make_plan(
        suites=["half-cheetah-velocity"], algorithms=["promp"], seeds=1,
        profile=str(ROOT / "docs" / "studies" / "former-rules.toml"),
    )  # fmt: skip
    assert (spec.profile, spec.configuration["step_size"], spec.configuration["gae_lambda"]) == (
        "former-rules", 3e-3, 0.95,
    )  # fmt: skip
    assert spec.budget == make_plan(suites=["half-cheetah-velocity"], algorithms=["promp"], seeds=1)[0].budget


@pytest.mark.parametrize("file", ["good.py", "own/suites/stroll.py"])
def test_what_a_file_raises_when_it_is_imported_is_one_line_with_its_place(
    file: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / file).read_text()
    (folder / file).write_text(f"\nwhat_is_this\n{text}")
    for command in (["leaderboard", "--benchmark", "own/mine.toml", "--dry-run"], ["check", file]):
        assert main(command) == 2
        (line,) = capsys.readouterr().err.splitlines()
        expected = f"cannot be imported: NameError: name 'what_is_this' is not defined ({Path(file).name}, line 2)"
        assert line.endswith(expected)
