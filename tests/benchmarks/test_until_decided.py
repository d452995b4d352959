"""Seeds in batches: which runs each look asks for, held against synthetic scores that nothing was trained for."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.command_line import main
from benchmarks.commands.jobs import INTERRUPTED, RunOptions
from benchmarks.commands.until_decided import DECISIONS, run_until_decided
from benchmarks.execution.executor import Watcher
from benchmarks.execution.worker import RunOutcome
from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec
from reports.folder import write_folder
from reports.scores.cautions import FailedRun
from reports.statistics.sequential import ALPHA, LOOKS, decide
from results.decisions import read_decisions
from results.store import StoredRun
from tests.support.adapters import write_good
from tests.support.synthetic_runs import store_score

LAKE, OTHER = "frozen-lake-low[horizon=10]", "frozen-lake-low[horizon=12]"
ALGORITHMS = ("maml-vpg", "multi-task", "promp")

Cell = tuple[str, str]


class Synthetic:
    """Stores runs with the scores that it is given, by seed, and remembers what it was asked for."""

    def __init__(self, scores: dict[Cell, np.ndarray], failing: Sequence[tuple[str, int]] = ()) -> None:
        self.scores, self.failing = scores, failing
        self.batches: list[dict[Cell, list[int]]] = []
        self.interrupt_at: int | None = None

    def run(
        self, specs: Sequence[Any], root: Path, watcher: Watcher, force: bool = False
    ) -> list[tuple[Any, RunOutcome]]:
        batch: dict[Cell, list[int]] = {}
        self.batches.append(batch)
        if self.interrupt_at == len(self.batches):
            return []
        outcomes = []
        for spec in sorted(specs, key=lambda spec: spec.seed):
            batch.setdefault((spec.suite, spec.algorithm), []).append(spec.seed)
            failed = (spec.algorithm, spec.seed) in self.failing
            if not failed:
                store_score(spec, root, self.scores[spec.suite, spec.algorithm][spec.seed], force)
            outcomes.append(
                (spec, RunOutcome("failed", "ArithmeticError: too long") if failed else RunOutcome("finished"))
            )
        return outcomes


def noise(key: int) -> np.ndarray:
    return np.random.default_rng(key).normal(size=LOOKS[-1])


def plan(algorithms: Sequence[str] = ALGORITHMS, suites: Sequence[str] = (LAKE,)) -> list[RunSpec]:
    return make_plan(suites=suites, algorithms=algorithms, seeds=LOOKS[-1], profile="smoke")


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    return RunOptions(tmp_path / "results", tmp_path / "report", workers=1)


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[set[tuple[str, int]]]:
    """Algorithm and seed of the runs of each report, which is not drawn."""
    reports: list[set[tuple[str, int]]] = []

    def render(
        runs: Sequence[StoredRun], output: Path, title: str, failed: Sequence[FailedRun], **more: object
    ) -> Path:
        reports.append({(run.algorithm, run.seed) for run in runs})
        write_folder(output, {"index.html": b""})
        return output / "index.html"

    monkeypatch.setattr("benchmarks.commands.report.render", render)
    return reports


def alike_but_one(suite: str = LAKE) -> dict[Cell, np.ndarray]:
    """maml-vpg far above two that no number of seeds tells apart."""
    same = noise(0)
    return {(suite, "maml-vpg"): 50 + noise(1), (suite, "multi-task"): same, (suite, "promp"): same[::-1].copy()}


def test_pairs_told_apart_at_the_first_look_get_no_more_seeds(
    options: RunOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = {"maml-vpg": 0, "multi-task": 50, "promp": 100}
    synthetic = Synthetic({(LAKE, name): level + noise(key) for key, (name, level) in enumerate(levels.items())})
    assert run_until_decided(plan(), options, "Title", synthetic) == 0
    assert synthetic.batches == [{(LAKE, name): [0, 1, 2, 3, 4] for name in ALGORITHMS}]
    decided = "decided multi-task > maml-vpg, promp > maml-vpg, promp > multi-task"
    lines = capsys.readouterr().out.splitlines()
    assert f"{LAKE} at 5 seeds: {decided}; undecided none; no more seeds" in lines
    assert lines[-1] == f"report: {options.output / 'index.html'}"
    assert (options.output / "index.html").is_file()


def test_only_algorithms_of_undecided_pairs_go_on_and_only_to_the_last_look(
    options: RunOptions, reported: list[set[tuple[str, int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    scores = alike_but_one()
    synthetic = Synthetic(scores)
    assert run_until_decided(plan(), options, "Title", synthetic) == 0
    alike = ("multi-task", "promp")
    assert synthetic.batches == [
        {(LAKE, name): [0, 1, 2, 3, 4] for name in ALGORITHMS},
        {(LAKE, name): [5, 6] for name in alike},
        {(LAKE, name): [7, 8, 9] for name in alike},
    ]
    decided = "decided maml-vpg > multi-task, maml-vpg > promp; undecided multi-task – promp"
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{LAKE} at")]
    assert lines == [
        f"{LAKE} at 5 seeds: {decided}; more seeds, up to 7: multi-task, promp",
        f"{LAKE} at 7 seeds: {decided}; more seeds, up to 10: multi-task, promp",
        f"{LAKE} at 10 seeds: {decided}; no more seeds",
    ]
    # the means over tasks after adaptation, in the order of seeds, are what is tested
    seen = {name: np.asarray(scores[LAKE, name])[: 10 if name in alike else 5] for name in ALGORITHMS}
    expected = decide(seen, LOOKS, ALPHA, LAKE)
    ([record], _) = read_decisions(options.results)
    rows = record["pairs"]
    assert [(row["first"], row["second"]) for row in rows] == list(expected.outcomes)
    assert [row["outcome"] for row in rows] == list(expected.outcomes.values())
    assert [row["p"] for row in rows] == pytest.approx(list(expected.p_values.values()), abs=1e-9)
    assert [row["seeds"] for row in rows] == [5, 5, None]
    assert (record["looks"], record["looks_used"]) == (list(LOOKS), list(LOOKS))
    assert reported == [{(name, seed) for name in ALGORITHMS for seed in range(10 if name in alike else 5)}]


def test_suites_are_separate_families(
    options: RunOptions, reported: list[set[tuple[str, int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    apart = {(OTHER, name): 50 * key + noise(key) for key, name in enumerate(ALGORITHMS)}
    synthetic = Synthetic({**alike_but_one(), **apart})
    assert run_until_decided(plan(suites=(LAKE, OTHER)), options, "Title", synthetic) == 0
    assert {suite for suite, _ in synthetic.batches[0]} == {LAKE, OTHER}
    assert all(suite == LAKE for batch in synthetic.batches[1:] for suite, _ in batch)
    lines = [line for line in capsys.readouterr().out.splitlines() if " seeds: decided" in line]
    assert [line.partition(" at ")[0] for line in lines] == [LAKE, OTHER, LAKE, LAKE]


def test_what_is_stored_is_not_run_again_and_does_not_change_the_looks(
    options: RunOptions, reported: list[set[tuple[str, int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    synthetic = Synthetic(alike_but_one())
    run_until_decided(plan(), options, "Title", synthetic)
    kept = read_decisions(options.results)
    looks = [line for line in capsys.readouterr().out.splitlines() if " seeds: decided" in line]
    for spec in plan(["maml-vpg"]):  # seeds that no look asked for
        if spec.seed >= LOOKS[0]:
            store_score(spec, options.results, synthetic.scores[LAKE, "maml-vpg"][spec.seed])
    again = Synthetic({})
    assert run_until_decided(plan(), options, "Title", again) == 0
    assert again.batches == []
    assert [line for line in capsys.readouterr().out.splitlines() if " seeds: decided" in line] == looks
    assert read_decisions(options.results) == kept
    assert len(reported) == 2 and reported[0] == reported[1]


def test_an_interrupted_look_goes_on_where_it_stopped(
    options: RunOptions, reported: list[set[tuple[str, int]]]
) -> None:
    synthetic = Synthetic(alike_but_one())
    synthetic.interrupt_at = 2
    assert run_until_decided(plan(), options, "Title", synthetic) == INTERRUPTED
    assert reported == []
    again = Synthetic(alike_but_one())
    assert run_until_decided(plan(), options, "Title", again) == 0
    assert [sorted(seeds) for batch in again.batches for seeds in batch.values()] == [[5, 6], [5, 6], *[[7, 8, 9]] * 2]


def test_force_runs_every_seed_that_is_asked_for_once(tmp_path: Path, reported: list[set[tuple[str, int]]]) -> None:
    options = RunOptions(tmp_path / "results", tmp_path / "report", workers=1, force=True)
    for _ in range(2):
        synthetic = Synthetic(alike_but_one())
        assert run_until_decided(plan(), options, "Title", synthetic) == 0
        asked = [(cell, seed) for batch in synthetic.batches for cell, seeds in batch.items() for seed in seeds]
        assert len(asked) == len(set(asked)) == 25


def test_an_algorithm_that_fails_leaves_the_family_and_the_others_go_on(
    options: RunOptions, reported: list[set[tuple[str, int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    synthetic = Synthetic(alike_but_one(), failing=[("maml-vpg", 3)])
    assert run_until_decided(plan(), options, "Title", synthetic) == 1
    assert [set(batch) for batch in synthetic.batches[1:]] == [{(LAKE, "multi-task"), (LAKE, "promp")}] * 2
    left_out = "maml-vpg left out (seed 3 gave no result)"
    assert f"undecided multi-task – promp; no more seeds; {left_out}" in capsys.readouterr().out


def test_a_reference_that_trains_on_test_tasks_is_no_part_of_the_family(
    options: RunOptions, reported: list[set[tuple[str, int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("oracle", "promp", "random-init")
    synthetic = Synthetic({(LAKE, name): 100 * key + noise(key) for key, name in enumerate(names)})
    assert run_until_decided(plan(names), options, "Title", synthetic) == 0
    assert f"{LAKE} at 5 seeds: decided random-init > promp; undecided none" in capsys.readouterr().out
    assert synthetic.batches == [{(LAKE, name): [0, 1, 2, 3, 4] for name in names}]


def test_a_single_algorithm_gets_the_first_looks_seeds(
    options: RunOptions, reported: list[set[tuple[str, int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    synthetic = Synthetic({(LAKE, "promp"): noise(0)})
    assert run_until_decided(plan(["promp"]), options, "Title", synthetic) == 0
    assert synthetic.batches == [{(LAKE, "promp"): [0, 1, 2, 3, 4]}]
    assert f"{LAKE}: no two algorithms to tell apart" in capsys.readouterr().out


def test_seeds_and_until_decided_contradict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "--until-decided", "--seeds", "4", "--dry-run"]) == 2
    errors = capsys.readouterr().err
    assert errors == "metarl: --until-decided looks after 5, 7 and 10 seeds, so --seeds 4 must be left out\n"


def test_a_dry_run_shows_the_first_look_and_that_more_may_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = ("--suites", LAKE, "--algorithms", "oracle,promp,random-init", "--profile", "smoke")
    assert main(["leaderboard", "--until-decided", "--dry-run", *cells]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 15 + 2
    assert lines[-2].startswith("15 of 15 runs are missing")
    assert lines[-1] == "looks after 5, 7 and 10 seeds; up to 10 more runs may follow these, for pairs not yet decided"
    assert not any(tmp_path.iterdir())


def test_small_algorithms_run_until_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_good(tmp_path)
    cells = ("--suites", LAKE, "--algorithms", f"{source},random-init", "--profile", "smoke", "--workers", "2")
    assert main(["leaderboard", "--until-decided", *cells, "--set", "drift.tasks=20"]) == 0
    output = capsys.readouterr().out
    assert f"{LAKE} at 5 seeds: " in output
    scores = json.loads(Path("leaderboard/summary.json").read_text())["suites"][LAKE]
    assert set(scores) == {"drift", "random-init"}
    rows = Path("leaderboard", DECISIONS).read_text().splitlines()
    assert [dict(row)["first"] for row in csv.DictReader(rows)] == ["drift"]
    assert main(["report", "--output", "leaderboard"]) == 0  # a later page has them still
    assert Path("leaderboard", DECISIONS).read_text().splitlines() == rows
    assert {each["seeds"] for each in scores.values()} <= set(LOOKS)
