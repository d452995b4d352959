"""What `metarl compare` compares, what it refuses, and its summary for a pull request; nothing is trained here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.command_line import main
from benchmarks.commands.compare import SUMMARY, differences
from benchmarks.conformance.rules import RULES, Finding
from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec
from reports.folder import write_folder
from reports.scores.cautions import FailedRun
from reports.statistics.bootstrap import interquartile_mean
from results.store import Store, StoredRun
from tests.support.adapters import write_good
from tests.support.synthetic_runs import OFFSETS, store_score

LAKE = "frozen-lake-low[horizon=10]"

Compare = Callable[..., tuple[str, str]]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file of `drift`, in the working directory; the rules are taken for kept and the page is not drawn."""
    monkeypatch.chdir(tmp_path)

    def render(
        runs: Sequence[StoredRun],
        output: Path,
        title: str,
        shipped: Sequence[StoredRun],
        failed: Sequence[FailedRun],
        left_out: object,
        **more: object,
    ) -> Path:
        write_folder(output, {"index.html": b""})
        return output / "index.html"

    kept = [Finding(LAKE, rule, True) for rule in RULES]
    monkeypatch.setattr("benchmarks.commands.compare.render", render)
    monkeypatch.setattr("benchmarks.commands.compare.check", lambda found, suites: kept)
    return write_good(tmp_path)


@pytest.fixture
def compare(capsys: pytest.CaptureFixture[str]) -> Compare:
    """Compares an algorithm whose runs are stored; returns the summary and the errors."""

    def run(algorithm: str, seeds: int, *more: str) -> tuple[str, str]:
        capsys.readouterr()
        assert main(["compare", algorithm, "--suites", LAKE, "--profile", "smoke", "--seeds", str(seeds), *more]) == 0
        captured = capsys.readouterr()
        first, verdict, effort, configuration, *last = captured.out.splitlines()
        assert first == f"all {seeds} runs are stored in results"
        assert f" on {LAKE}: " in verdict and verdict.startswith(("drift", algorithm))
        assert effort.startswith("  tuning: ") and configuration.startswith("  configuration: tasks ")
        assert last == [f"summary: comparison/{SUMMARY}", "report: comparison/index.html"]
        return Path("comparison", SUMMARY).read_text(), captured.err

    return run


def scores(level: float, seeds: int, key: int = 0) -> np.ndarray:
    return level + np.random.default_rng(key).normal(size=seeds)


def store(algorithm: str, values: np.ndarray, **departing: object) -> None:
    for spec, value in zip(plan(algorithm, len(values)), values, strict=True):
        store_score(spec, Path("results"), float(value), departing=departing)


def plan(algorithm: str, seeds: int = 1) -> list[RunSpec]:
    return make_plan(suites=[LAKE], algorithms=[algorithm], seeds=seeds, profile="smoke")


def rows(summary: str) -> dict[str, list[str]]:
    """The table's cells by opponent, without the escapes of Markdown and with plain minus signs."""
    lines = [
        line for line in summary.splitlines() if line.startswith("| ") and not line.startswith(("| Against", "| -"))
    ]
    cells = [[cell.strip().replace("\\", "").replace("−", "-") for cell in line.split(" | ")] for line in lines]
    return {row[0].removeprefix("| ").partition(",")[0]: [cell.rstrip(" |") for cell in row[1:]] for row in cells}


def test_the_summary_gives_every_opponents_difference_and_what_is_decided(source: str, compare: Compare) -> None:
    levels = {source: 20.0, "promp": 60.0, "maml-vpg": 20.5, "random-init": -20.0, "oracle": 80.0}
    values = {name: scores(level, 7, key) for key, (name, level) in enumerate(levels.items())}
    for name, own in values.items():
        store(name, own)
    summary, errors = compare(source, 7)
    assert errors == ""
    found = rows(summary)
    iqm = interquartile_mean((values[source][:, None] + np.array(list(OFFSETS.values()))).ravel())
    for name in ("promp", "maml-vpg", "random-init"):
        difference, *ends = map(float, re.findall(r"[+-][\d.]+", found[name][2]))
        # decided with the five first seeds of each, which is the last reading before seven
        assert difference == pytest.approx(values[source][:5].mean() - values[name][:5].mean(), abs=0.01)
        assert ends[0] < difference < ends[1]
    assert {name: row[-1] for name, row in found.items()} == {
        "promp": "lower",
        "maml-vpg": "not decided; next read at 10 seeds of each",
        "random-init": "higher",
        "oracle": "reference, not tested",
    }
    assert found["oracle"][3] == "–"
    first = summary.splitlines()[2]
    assert first == f"**drift** on `{LAKE}`: above random-init; below promp; not decided against maml-vpg."
    assert f"**{iqm:.2f}**" in summary and "interquartile mean over 7 seeds and 2 test tasks" in summary
    assert f"- Configurations tried: 1 on `{LAKE}`\n" in summary
    assert re.search(r"^- Configuration: `\w+=", summary, re.MULTILINE)
    assert f"keeps all {len(RULES)} rules of `metarl check`, tried on `{LAKE}`" in summary
    assert "- Profile: smoke\n" in summary and "- Commit: `0123456789ab`\n" in summary
    assert all(f"{name} {version}" in summary for name, version in plan("promp")[0].identity()["versions"].items())
    assert "Budget: 8,000 environment steps" in summary
    assert "p: of that difference, corrected for drift's 3 pairs of this comparison" in summary
    assert "seeds; trials: of tuning." in summary
    assert "Not compared" not in summary
    assert str(Path.cwd()) not in summary


def test_too_few_seeds_are_said_to_be_too_few_and_how_many_are_read_next(source: str, compare: Compare) -> None:
    for name, level in ((source, 0.0), ("promp", 50.0), ("maml-vpg", 100.0)):
        store(name, scores(level, 2))
    summary, _ = compare(source, 2)
    assert {row[-1] for row in rows(summary).values()} == {"not tested before 3 seeds of each"}


def test_the_newcomers_family_does_not_grow_by_pairs_of_others(source: str, compare: Compare) -> None:
    store(source, scores(0.0, 5))
    store("promp", scores(3.0, 5, 1))
    alone = rows(compare(source, 5)[0])["promp"]
    before = rows(compare(source, 5, "--against", "promp")[0])["promp"]
    assert before == alone
    for name in ("maml-vpg", "maml-trpo"):
        store(name, scores(0.1, 5, 2))
    both = rows(compare(source, 5, "--against", "promp,maml-vpg")[0])
    three = rows(compare(source, 5)[0])
    assert float(alone[3]) <= float(both["promp"][3]) <= float(three["promp"][3]) <= 3.01 * float(alone[3])


def test_several_configurations_are_counted(source: str, compare: Compare) -> None:
    store(source, scores(0.0, 2))
    for tasks in (7, 8):
        store(source, scores(1.0, 1), configuration={"tasks": tasks})
    assert f"- Configurations tried: 3 on `{LAKE}` (the best of several" in compare(source, 2)[0]


def test_a_dry_run_lists_what_would_run_and_runs_nothing(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", source, "--suites", LAKE, "--profile", "smoke", "--seeds", "2", "--dry-run"]) == 0
    assert "2 of 2 runs are missing" in capsys.readouterr().out
    assert not Path("comparison").exists() and not Path("results").exists()


def test_the_same_results_give_the_same_bytes_and_a_new_opponent_moves_no_difference(
    source: str, compare: Compare
) -> None:
    store(source, scores(0.0, 5))
    store("promp", scores(1.0, 5, 1))
    summary, _ = compare(source, 5)
    assert compare(source, 5)[0] == summary
    store("maml-vpg", scores(2.0, 5, 2))
    assert rows(compare(source, 5)[0])["promp"][:3] == rows(summary)["promp"][:3]


@pytest.mark.parametrize(
    ("departing", "said"),
    [
        ({"suite_digest": "a" * 64}, "suite version aaaaaaaa, here "),
        ({"split_digest": "b" * 64}, "split bbbbbbbb, here "),
        ({"budget": 9000}, "budget 9,000 steps, here 8,000 steps"),
        ({"protocol": {"adaptation_steps": 2, "trajectories": 2, "adaptations": 1}}, "adaptation steps 2, here 1"),
        ({"protocol": {"adaptation_steps": 1, "trajectories": 5}}, "trajectories 5, here 2"),
        ({"versions": {"mujoco": "3.3.0"}}, "mujoco 3.3.0, here "),
        ({"code": "c" * 64}, "its code has changed since"),
    ],
)
def test_a_result_under_other_terms_is_refused_with_the_command_that_repeats_it(
    departing: dict[str, object], said: str, source: str, compare: Compare, capsys: pytest.CaptureFixture[str]
) -> None:
    store(source, scores(0.0, 2))
    store("promp", scores(1.0, 2), **departing)
    summary, errors = compare(source, 2)
    assert rows(summary) == {}
    refusal, advice = (line.removeprefix("metarl: ") for line in errors.splitlines())
    assert refusal.startswith(f"refused promp on {LAKE}: ") and said in refusal
    assert f"- {refusal}\n- {advice}\n" in summary
    command = re.findall("`(.+)`", advice)[0]
    terms = "--benchmark quick --profile smoke --seeds 2"
    assert command == f"metarl leaderboard --algorithms promp --suites '{LAKE}' {terms}"
    assert main([*shlex.split(command)[1:], "--dry-run"]) == 0
    assert "2 of 2 runs are missing" in capsys.readouterr().out
    store("promp", scores(1.0, 2))  # what the command would leave
    summary, errors = compare(source, 2)
    assert set(rows(summary)) == {"promp"} and errors == ""


def test_only_what_differs_is_named() -> None:
    (spec,) = plan("promp")
    identity = spec.identity()
    run = {"identity": identity, "description": {"profile": "smoke", "benchmark": None}, "provenance": {}}
    assert differences(StoredRun(Path(), run, {}), spec) == ()
    identity["versions"] = {**identity["versions"], "torch": "1.0"}
    (only,) = differences(StoredRun(Path(), run, {}), spec)
    assert only == f"torch 1.0, here {spec.identity()['versions']['torch']}"


def test_a_file_that_was_edited_or_is_gone_is_refused_and_the_file_is_named(source: str, compare: Compare) -> None:
    store(source, scores(0.0, 2))
    store("promp", scores(1.0, 2))
    assert compare("promp", 2)[1] == ""
    Path(source).write_text(Path(source).read_text().replace("0.9", "0.8"))
    _, errors = compare("promp", 2)
    assert f"refused drift on {LAKE}: its code has changed since" in errors
    assert "--algorithms drift.py:Drift --suites" in errors
    Path(source).unlink()
    _, errors = compare("promp", 2)
    assert f"refused drift on {LAKE}: no file" in errors


def test_algorithms_and_suites_that_lack_the_same_share_a_command(source: str, compare: Compare) -> None:
    store(source, scores(0.0, 2))
    store("maml-vpg", scores(1.0, 2), budget=9000)
    _, errors = compare(source, 2, "--against", "promp,maml-vpg,oracle")
    assert [line for line in errors.splitlines() if "no stored result" in line] == [
        f"metarl: no stored result of {name} has these suites and this budget: {LAKE}" for name in ("oracle", "promp")
    ]
    assert errors.count("metarl leaderboard") == errors.count("--algorithms maml-vpg,oracle,promp ") == 1
    assert len(Store("results").finished()) == 4
