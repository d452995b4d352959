"""The command's contract: what it prints, which errors it gives, and its exit codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from benchmarks.command_line import main
from benchmarks.planning.plan import make_plan
from benchmarks.planning.profiles import profiles
from results.store import Store
from tests.support.adapters import GOOD, write_good, write_spoilt
from tests.support.command import LAKE, said_by, smoke

ROOT = Path(__file__).parents[2]

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def metarl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in an empty working directory; returns its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    # whatever is being edited here
    monkeypatch.setattr("benchmarks.verification.attesting.checkout", lambda: ("c" * 40, False))
    return partial(said_by, capsys)


def test_list_gives_the_keys_of_the_contract(metarl: Command) -> None:
    code, output, _ = metarl("list", "--json")
    content = json.loads(output)
    assert code == 0
    assert set(content) == {"suites", "algorithms", "benchmarks"}
    assert all(set(suite) == {"name", "family", "splits", "horizon", "metric", "digest"} for suite in content["suites"])
    assert all(set(entry) == {"name", "paper", "summary", "scripted"} for entry in content["algorithms"])
    assert all(set(entry) == {"name", "title", "suites", "algorithms", "claims"} for entry in content["benchmarks"])
    velocity = next(suite for suite in content["suites"] if suite["name"] == "half-cheetah-velocity")
    assert velocity["splits"] == {"train": 50, "validation": 10, "test": 20}
    assert (velocity["horizon"], velocity["metric"], len(velocity["digest"])) == (200, "return", 64)


def test_list_agrees_with_the_suites_themselves(metarl: Command) -> None:
    from environments.catalogue import make_suite

    for entry in json.loads(metarl("list", "--json")[1])["suites"]:
        suite = make_suite(entry["name"])
        assert entry == {
            "name": suite.name,
            "family": suite.family,
            "splits": {name: len(suite.split.tasks(name)) for name in ("train", "validation", "test")},
            "horizon": suite.horizon,
            "metric": suite.metric,
            "digest": suite.split.digest,
        }


def test_list_is_readable_and_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom benchmarks.command_line import main\ncode = main(['list'])\n"
        "heavy = {'torch', 'mujoco', 'pandas', 'pyarrow', 'scipy', 'matplotlib', 'rich'} & set(sys.modules)\n"
        "print(code, sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[-1] == "0 []"
    assert any(line.split()[:3] == ["promp", "ProMP:", "low-variance"] for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--suites", "half-cheetah-velocty"), "unknown suite 'half-cheetah-velocty'; did you mean"),
        (("--suites", "corners[horizn=5]"), "suite corners has no option 'horizn'; did you mean 'horizon'?"),
        (("--suites", "corners[horizon=-5]"), "suite corners: horizon must be at least 1, got -5"),
        (("--suites", ","), "a list of names is empty"),
        (("--algorithms", "prompt"), "unknown algorithm 'prompt'; did you mean 'promp'?"),
        (("--algorithms", "no/such.py"), "no file 'no/such.py'"),
        (("--profile", "quik"), "unknown profile 'quik'; did you mean 'quick'?"),
        (("--benchmark", "quik"), "unknown benchmark 'quik'; did you mean 'quick'?"),
        (("--set", "promp.clp=0.2"), "algorithm promp has no option 'clp'; did you mean 'clip'?"),
        (("--set", "promp.clip=wide"), "algorithm promp: option clip='wide' is not valid"),
        (("--set", "prom.clip=0.2"), "no 'prom' is among those to run; did you mean 'promp'?"),
        (("--set", "all.clp=0.2"), "no algorithm here has an option 'clp'; did you mean 'clip'?"),
        (("--set", "clip=0.2"), "setting 'clip=0.2' is not of the form algorithm.option=value"),
        (("--seeds", "-3"), "must be a whole number of at least 1, got '-3'"),
        (("--seeds", "0"), "must be a whole number of at least 1, got '0'"),
        (("--workers", "two"), "must be a whole number of at least 1, got 'two'"),
        (
            ("--benchmrk", "quick"),
            "metarl leaderboard: unrecognized arguments: --benchmrk quick; did you mean '--benchmark'? see "
            "`metarl leaderboard --help`",
        ),
        (("--sutes=corners",), "unrecognized arguments: --sutes=corners; did you mean '--suites'?"),
        (("--executor", "slrm"), "invalid choice: 'slrm'; did you mean 'slurm'?"),
    ],
)
def test_bad_input_is_one_line_with_what_would_be_right(
    arguments: tuple[str, ...], message: str, metarl: Command, tmp_path: Path
) -> None:
    code, output, errors = metarl("leaderboard", "--dry-run", *arguments)
    assert code == 2
    assert message in errors
    assert errors.startswith("metarl") and errors.count("\n") == 1
    assert output == ""
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--results", "--output"])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(
    option: str, metarl: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, errors = metarl(*smoke(option, str(tmp_path / "file" / "below")))
    assert code == 2
    assert str(tmp_path / "file") in errors and errors.count("\n") == 1
    assert errors.endswith("Not a directory; use another folder\n")
    assert not list(tmp_path.rglob("run.json"))


def test_an_output_folder_that_holds_something_else_is_refused(metarl: Command, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("dear")
    code, _, errors = metarl(*smoke("--output", "thesis"))
    assert (code, errors.count("\n")) == (2, 1)
    assert "holds something else than a report" in errors


def test_dry_run_lists_every_run_with_its_time_and_writes_nothing(metarl: Command, tmp_path: Path) -> None:
    code, output, errors = metarl(*smoke("--dry-run"))
    lines = output.splitlines()
    assert (code, errors) == (0, "")
    assert [line.split()[1:4] for line in lines[:-1]] == [
        [name, "seed", seed] for seed in "01" for name in ("random-init", "promp")
    ]
    assert all(line.split()[-3] == "about" for line in lines[:-1])
    assert lines[-1].startswith("4 of 4 runs are missing: about ")
    assert not any(tmp_path.iterdir())


def test_a_leaderboard_runs_reports_resumes_verifies_and_renders_again(metarl: Command, tmp_path: Path) -> None:
    code, output, errors = metarl(*smoke())
    page = tmp_path / "leaderboard" / "index.html"
    assert code == 0
    assert output.splitlines()[-1] == f"report: {page.relative_to(tmp_path)}"
    assert errors.count("finished: ") == 4 and " left)" in errors
    summary = json.loads((page.parent / "summary.json").read_text())
    assert set(summary["suites"][LAKE]) == {"random-init", "promp"}
    assert len(summary["runs"]) == 4

    before = page.read_bytes()
    code, output, errors = metarl(*smoke())
    assert (code, errors) == (0, "")
    assert "all 4 runs are stored" in output
    assert page.read_bytes() == before

    code, output, _ = metarl("report", "--output", "again")
    assert (code, output) == (0, "report: again/index.html\n")
    assert (tmp_path / "again" / "summary.json").read_bytes() == (page.parent / "summary.json").read_bytes()

    run = Store(tmp_path / "results").finished()[0].path
    code, output, _ = metarl("verify", str(run))
    assert (code, output) == (
        0,
        f"every byte agrees\nattested beside the record, in {run}/attestations\nverified: {run}\n",
    )

    table = (page.parent / "tables" / "leaderboard.csv").read_bytes()
    code, _, errors = metarl(*smoke("--force"))
    assert code == 0
    assert errors.count("finished: ") == 4
    assert (page.parent / "tables" / "leaderboard.csv").read_bytes() == table


def test_output_that_cannot_be_written_is_one_line() -> None:
    command = [sys.executable, "-m", "benchmarks.command_line", "list"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "metarl: cannot go on: No space left on device\n")


def test_output_takes_a_path_of_any_bytes() -> None:
    written = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(written, "ascii", write_through=True)):
        assert main(["list"]) == 0
        print("report: \udcff é")
        assert written.getvalue().endswith(b"report: \\udcff \\xe9\n")


def test_a_failing_run_makes_a_table_and_exit_code_1_and_the_others_are_reported(
    metarl: Command, tmp_path: Path
) -> None:
    source = write_spoilt(tmp_path, "def meta_step(self, collector):\n    raise ArithmeticError('too long')", "broken")
    code, output, errors = metarl(*smoke(algorithms=f"random-init,{source}")[:-4])
    assert code == 1
    assert "2 runs failed:" in errors and "ArithmeticError: too long" in errors
    assert "2 of 4 missing runs finished" in output
    assert "too long" in (tmp_path / "leaderboard" / "index.html").read_text()


def test_compare_checks_runs_and_reports_a_loose_file_against_stored_results(metarl: Command, tmp_path: Path) -> None:
    assert metarl(*smoke(algorithms="promp"))[0] == 0
    source = write_good(tmp_path)
    cells = ("--suites", LAKE, "--seeds", "2", "--profile", "smoke")
    code, output, errors = metarl("compare", source, *cells, "--against", "promp,oracle")
    assert code == 0
    assert output.splitlines()[-1] == "report: comparison/index.html"
    assert "no stored result of oracle has these suites and this budget" in errors
    summary = json.loads((tmp_path / "comparison" / "summary.json").read_text())
    assert set(summary["suites"][LAKE]) == {"drift", "promp"}
    run = next(run.path for run in Store(tmp_path / "results").finished() if run.algorithm == "drift")
    assert metarl("verify", str(run))[0] == 0
    code, output, _ = metarl("compare", "promp", *cells, "--set", "promp.tasks=20", "--against", "drift")
    assert code == 0
    assert "all 2 runs are stored" in output
    code, _, errors = metarl("compare", "promp", *cells, "--against", "drifts")
    assert (code, errors) == (2, "metarl: unknown algorithm 'drifts'; did you mean 'drift'?\n")


@pytest.mark.parametrize(
    ("against", "message"),
    [
        ("mamlvpg", "unknown algorithm 'mamlvpg'; did you mean 'maml-vpg'?"),
        ("promp", "--against promp is the algorithm itself; name another, or leave it out for all stored"),
    ],
)
def test_a_plan_of_a_comparison_refuses_what_the_comparison_would(against: str, message: str, metarl: Command) -> None:
    code, output, errors = metarl("compare", "promp", "--suites", LAKE, "--against", against, "--dry-run")
    assert (code, output, errors) == (2, "", f"metarl: {message}\n")


def test_an_unknown_command_offers_the_nearest(metarl: Command) -> None:
    code, _, errors = metarl("lst")
    assert (code, errors) == (
        2, "metarl: argument COMMAND: invalid choice: 'lst'; did you mean 'list'? see `metarl --help`\n",
    )  # fmt: skip


def test_compare_runs_no_algorithm_that_breaks_a_rule(metarl: Command, tmp_path: Path) -> None:
    lossy = "def state_dict(self):\n    return {'bias': self.bias, 'momentum': self.bias}"
    source = write_spoilt(tmp_path, lossy, "lossy")
    code, output, errors = metarl("compare", source, "--suites", LAKE, "--profile", "smoke")
    assert code == 1
    assert "FAIL  reload" in output and "breaks a rule" in errors
    assert not list(tmp_path.rglob("run.json"))


def test_a_loose_file_may_not_take_the_name_of_another_algorithm(metarl: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(GOOD.replace('"drift"', '"promp"'))
    code, _, errors = metarl("compare", "mine.py")
    assert code == 2
    assert "the name 'promp' is taken by algorithms.promp" in errors


def test_bench_prints_measures_and_fails_if_one_does_not_hold(metarl: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    measures = [{"name": "collection", "value": 0.95, "unit": "ratio", "target": ">= 0.92", "holds": True}]
    module = ModuleType("benchmarks.bench")
    module.measure = lambda: measures  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "benchmarks.bench", module)
    code, output, _ = metarl("bench", "--json")
    assert (code, json.loads(output)) == (0, measures)
    measures[0]["holds"] = False
    code, output, _ = metarl("bench")
    assert code == 1
    assert output.split() == ["collection", "0.95", "ratio", ">=", "0.92", "FAILS"]


def test_settings_profiles_and_rules_decide_the_configuration() -> None:
    (spec, other) = make_plan(
        suites=["ant-goal"], algorithms=["promp", "maml-vpg"], seeds=1, profile="paper",
        settings=["promp.hidden=8:4", "all.tasks=3"],
    )  # fmt: skip
    assert spec.configuration["hidden"] == [8, 4]
    assert (spec.configuration["tasks"], other.configuration["tasks"]) == (3, 3)
    assert other.configuration["hidden"] == [64, 64]
    assert (spec.adaptation_steps, spec.budget) == (2, 160_160_000)
    (slow,) = make_plan(suites=["hopper-params"], algorithms=["promp"], seeds=1, profile="paper")
    assert (slow.configuration["inner_step_size"], slow.configuration["kl_penalty"]) == (0.05, 1e-3)


def test_algorithms_of_one_suite_have_equal_budgets_and_protocols_in_every_profile() -> None:
    for profile in profiles():
        terms: dict[str, set[tuple[int, ...]]] = {}
        for spec in make_plan(profile=profile, seeds=1):
            asked = (spec.budget, spec.adaptation_steps, spec.trajectories, spec.evaluations)
            terms.setdefault(spec.suite, set()).add(asked)
        assert all(len(asked) == 1 for asked in terms.values())


def test_a_profile_with_a_budget_for_one_algorithm_is_refused(tmp_path: Path) -> None:
    from environments.typed_options import UsageError

    path = tmp_path / "unfair.toml"
    path.write_text(
        'summary = ""\nseeds = 1\nbudget = 1\nadaptation_steps = 1\ntrajectories = 1\nevaluations = 1\n'
        'checkpoint_every = 1\nconfig = {}\n[[rule]]\nalgorithms = "promp"\nbudget = 2\n'
    )
    with pytest.raises(UsageError, match="a rule for algorithms may set config alone, not budget"):
        profiles(tmp_path)


def test_bench_fails_only_where_a_target_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reported = {"name": "reported", "value": 0.5, "unit": "s", "target": None, "holds": None}
    held = {"name": "held", "value": 1.0, "unit": "s", "target": "<= 2", "holds": True}
    missed = {"name": "missed", "value": 3.0, "unit": "s", "target": "<= 2", "holds": False}
    monkeypatch.setattr("benchmarks.bench.measure", lambda: [reported, held])
    assert main(["bench"]) == 0
    assert "FAILS" not in capsys.readouterr().out
    monkeypatch.setattr("benchmarks.bench.measure", lambda: [reported, held, missed])
    assert main(["bench"]) == 1
    assert capsys.readouterr().out.count("FAILS") == 1


def test_what_no_memory_holds_is_one_line(metarl: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def hold(parsed: object) -> int:
        return len(np.zeros(1 << 50))

    monkeypatch.setattr("benchmarks.command_line._carry_out", hold)
    code, _, errors = metarl("list")
    assert (code, errors.count("\n")) == (2, 1)
    assert errors.startswith("metarl: not enough memory: Unable to allocate") and errors.endswith("; ask for less\n")
