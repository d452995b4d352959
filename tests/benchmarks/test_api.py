"""The door for Python: the same runs and records as the command's, from a class too, and nothing else left behind."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from algorithms.algorithm import Algorithm
from algorithms.promp import Promp
from benchmarks.api import Results, RunFailed, load_results, run_cell
from benchmarks.command_line import main
from environments.typed_options import UsageError
from results.store import Store
from results.tables import LEARNING, SCORES, TRAINING
from tests.support.adapters import contents, write_good, write_spoilt
from tests.support.scored_runs import store_run

ROOT = Path(__file__).parents[2]
LAKE = "frozen-lake-low[horizon=10]"
SMALL: dict[str, Any] = {"profile": "smoke", "budget": 400, "seeds": 1}
KEYS = ["suite", "algorithm", "configuration", "seed"]


class Importable(Promp):
    """In a module, where a worker process finds it."""

    name = "importable"


def made(body: Callable[[Algorithm], None] | None = None, name: str = "made") -> type[Algorithm]:
    """A class that no file holds as it is."""

    class Made(Promp):
        def meta_step(self, collector: Any) -> Any:
            if body is not None:
                body(self)
            return super().meta_step(collector)

    Made.name = name
    return Made


def only(root: Path) -> Path:
    (run,) = Store(root, read_only=True).finished()
    return run.path


def test_a_cell_gives_tidy_tables_of_every_seed() -> None:
    cell = run_cell(LAKE, "promp", profile="smoke", budget=400, seeds=[3, 5], options={"clip": 0.2, "hidden": (4,)})
    assert list(cell.scores.columns) == [*KEYS, *SCORES.names, "score"]
    assert list(cell.learning.columns) == [*KEYS, *LEARNING.names, "score"]
    assert list(cell.training.columns) == [*KEYS, *TRAINING.names]
    episodes = cell.scores.groupby(["seed", "split", "step"]).size()
    assert dict(episodes) == {
        (seed, split, step): tasks * 2
        for seed in (3, 5) for split, tasks in (("test", 20), ("validation", 10)) for step in (0, 1)
    }  # fmt: skip
    assert set(cell.scores.suite) == {LAKE} and set(cell.scores.algorithm) == {"promp"}
    assert (cell.scores.score == cell.scores.discounted_return).all()
    (row,) = cell.configurations.to_dict("records")
    assert (row["option.clip"], row["option.hidden"], row["seeds"], row["budget"]) == (0.2, [4], 2, 400)
    assert set(cell.scores.configuration) == {row["configuration"]}


def test_this_process_worker_processes_and_the_command_write_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for workers in (0, 1):
        run_cell(LAKE, "promp", profile="smoke", seeds=1, workers=workers, results=tmp_path / str(workers))
    cells = ("--suites", LAKE, "--algorithms", "promp", "--seeds", "1", "--profile", "smoke", "--workers", "1")
    assert main(["leaderboard", *cells]) == 0
    paths = [only(tmp_path / name) for name in ("0", "1", "results")]
    assert len({path.relative_to(path.parents[4]) for path in paths}) == 1
    assert contents(paths[0]) == contents(paths[1]) == contents(paths[2])


def test_finished_runs_of_a_store_are_not_run_again(tmp_path: Path) -> None:
    first = run_cell(LAKE, "promp", **SMALL, results=tmp_path)
    again = run_cell(LAKE, "promp", **{**SMALL, "seeds": 2}, results=tmp_path)
    assert set(again.scores.seed) == {0, 1}
    assert again.scores[again.scores.seed == 0].equals(first.scores)
    attempts = {
        run.seed: len(json.loads((run.path / "run.json").read_text())["attempts"]) for run in Store(tmp_path).finished()
    }
    assert attempts == {0: 1, 1: 1}


@pytest.mark.parametrize("fails", [False, True])
def test_global_generators_and_threads_are_left_as_they_were(fails: bool) -> None:
    def body(learner: Algorithm) -> None:
        if fails:
            raise ArithmeticError("the step was too long")

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    random.seed(7), np.random.seed(7), torch.manual_seed(7)
    expected = random.random(), np.random.rand(), float(torch.rand(1))
    random.seed(7), np.random.seed(7), torch.manual_seed(7)
    try:
        if fails:
            with pytest.raises(RunFailed):
                run_cell(LAKE, made(body), **SMALL)
        else:
            run_cell(LAKE, made(body), **SMALL)
        assert torch.get_num_threads() == 2
        assert (random.random(), np.random.rand(), float(torch.rand(1))) == expected
    finally:
        torch.set_num_threads(threads)


def test_a_plain_script_without_a_guard_runs_its_own_class_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from algorithms.promp import Promp\nfrom benchmarks.api import run_cell\n\n"
        "class Own(Promp):\n    name = 'own'\n\n"
        f"cell = run_cell({LAKE!r}, Own, profile='smoke', budget=400, seeds=1, results='store')\n"
        "print(sorted(set(cell.scores.algorithm)), cell.configurations.code[0])\n"
    )
    command = [sys.executable, "script.py"]

    def run() -> str:
        environment = {"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    output = run()
    assert output.startswith("['own'] ")
    assert run() == output  # the script is the class's code: nothing has changed, so nothing is run
    assert len(json.loads((only(tmp_path / "store") / "run.json").read_text())["attempts"]) == 1
    script.write_text(script.read_text().replace("'own'\n", "'own'\n    answer = 42\n"))
    assert run() != output


def test_a_class_that_no_file_holds_counts_as_new_each_time(tmp_path: Path) -> None:
    cls = made()
    digests = [run_cell(LAKE, cls, **SMALL, results=tmp_path).configurations.configuration[0] for _ in range(2)]
    assert len(set(digests)) == 2
    assert len(Store(tmp_path).finished()) == 2


def test_a_class_that_workers_cannot_import_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="defined in this session, where worker processes cannot import it"):
        run_cell(LAKE, made(), workers=1, results=tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_class_of_a_module_goes_to_workers(tmp_path: Path) -> None:
    cell = run_cell(LAKE, Importable, **SMALL, workers=1, results=tmp_path)
    assert set(cell.scores.algorithm) == {"importable"}
    run = json.loads((only(tmp_path) / "run.json").read_text())
    assert run["provenance"]["source"] == f"{__name__}:Importable"
    assert main(["verify", "--no-attest", str(only(tmp_path))]) == 0


def test_a_class_of_ours_is_the_algorithm_of_its_name(tmp_path: Path) -> None:
    by_name = run_cell(LAKE, "promp", **SMALL).configurations.configuration[0]
    assert run_cell(LAKE, Promp, **SMALL).configurations.configuration[0] == by_name


def test_a_loose_file_that_was_edited_is_run_as_it_is_now(tmp_path: Path) -> None:
    path = Path(write_good(tmp_path))
    before = run_cell(LAKE, str(path), **SMALL, results=tmp_path / "store")
    path.write_text(path.read_text().replace("0.01 * (1", "0.5 * (1"))
    after = run_cell(LAKE, str(path), **SMALL, results=tmp_path / "store")
    assert before.configurations.code[0] != after.configurations.code[0]
    assert not before.training.value.equals(after.training.value)


def test_code_that_changes_after_it_was_loaded_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "changing_method.py"
    module.write_text("from algorithms.promp import Promp\n\nclass Changing(Promp):\n    name = 'changing'\n")
    monkeypatch.syspath_prepend(tmp_path)
    run_cell(LAKE, "changing_method:Changing", **SMALL)
    module.write_text(module.read_text() + "    answer = 42\n")
    with pytest.raises(UsageError, match=r"changing_method\.py has changed since this session first used it"):
        run_cell(LAKE, "changing_method:Changing", **SMALL)


def test_a_failing_cell_raises_with_the_traceback_and_keeps_the_other_seeds(tmp_path: Path) -> None:
    def body(learner: Algorithm) -> None:
        if learner.streams.seed == 0:
            raise ArithmeticError("the step was too long")

    with pytest.raises(RunFailed, match=r"1 of 2 runs failed; .* made seed 0:\nTraceback") as raised:
        run_cell(LAKE, made(body), **{**SMALL, "seeds": 2}, results=tmp_path)
    assert "ArithmeticError: the step was too long" in str(raised.value)
    assert [run.seed for run in Store(tmp_path).finished()] == [1]


def test_a_cell_that_does_not_fit_is_refused_with_the_reason(tmp_path: Path) -> None:
    source = write_spoilt(tmp_path, "@classmethod\ndef fits(cls, suite):\n    return 'it is shy'", "shy-cell")
    with pytest.raises(UsageError, match=r"left out is shy-cell on .*: it is shy"):
        run_cell(LAKE, source, **SMALL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suite": "frozen-lake-lo"}, "did you mean 'frozen-lake-low'"),
        ({"algorithm": "prom"}, "did you mean 'promp'"),
        ({"algorithm": "no.such:Class"}, r"no module 'no\.such'"),
        ({"algorithm": "algorithms.promp:Prom"}, "has no class 'Prom' with a literal `name`; it has Promp"),
        ({"algorithm": "session:Gone"}, "'Gone' was defined in a Python session"),
        ({"algorithm": int}, "neither a name nor a subclass"),
        ({"algorithm": Algorithm}, "class Algorithm has no `name`"),
        ({"options": {"clp": 1}}, "did you mean 'clip'"),
        ({"options": {"clip": "wide"}}, "option clip='wide' is not valid"),
        ({"profile": "smoky"}, "did you mean 'smoke'"),
        ({"budget": 0}, "the budget must be at least 1"),
        ({"seeds": 0}, "seeds must be how many"),
        ({"seeds": [1, 1]}, "seeds must be how many"),
        ({"seeds": "abc"}, "seeds must be how many.*'abc'"),
        ({"seeds": 2.5}, "seeds must be how many.*2.5"),
        ({"seeds": [0, 1.5]}, "seeds must be how many"),
        ({"workers": -1}, "workers must be a whole number"),
    ],
)
def test_bad_input_says_what_would_be_right(change: dict[str, Any], message: str) -> None:
    given = {"suite": LAKE, "algorithm": "promp", **SMALL, **change}
    with pytest.raises(UsageError, match=message):
        run_cell(given.pop("suite"), given.pop("algorithm"), **given)


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(UsageError, match="Made: the name 'promp' is taken"):
        run_cell(LAKE, made(name="promp"), **SMALL)


def test_progress_is_shown_where_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    run_cell(LAKE, "random-init", **SMALL)
    assert capsys.readouterr() == ("", "")
    run_cell(LAKE, "random-init", **SMALL, progress=True)
    assert capsys.readouterr().err.startswith(f"finished: {LAKE} random-init seed 0  (1/1 runs")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two suites, of one algorithm two configurations."""
    store = Store(tmp_path / "store")
    for seed in range(2):
        store_run(store, "point", "promp", seed, configuration={"clip": 0.3})
        store_run(store, "point", "promp", seed, configuration={"clip": 0.1}, budget=50_000)
        store_run(store, "plane", "maml", seed, metric="success")
    return store.root


def test_a_store_is_loaded_with_all_its_configurations(store: Path) -> None:
    found = load_results(store)
    assert isinstance(found, Results)
    assert len(found.scores) == 6 * 2 * 4 * 2 * 3
    assert len(found.learning) == 6 * 5 * 4 * 2
    assert set(found.configurations.seeds) == {2}
    promp = found.configurations[found.configurations.algorithm == "promp"]
    assert set(zip(promp["option.clip"], promp.budget, strict=True)) == {(0.3, 100_000), (0.1, 50_000)}
    assert set(found.scores.configuration) == set(found.configurations.configuration)
    plane, point = (found.scores[found.scores.suite == suite] for suite in ("plane", "point"))
    assert (plane.score == plane.success).all()
    assert (point.score == point["return"]).all()


def test_a_store_is_loaded_in_part_by_names(store: Path) -> None:
    assert set(load_results(store, suites="plane").scores.algorithm) == {"maml"}
    assert set(load_results(store, algorithms=["promp"]).scores.suite) == {"point"}
    assert len(load_results(store, profile="smoke").runs) == 6
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"suites": "plan"}, "no such run of suite 'plan'; did you mean 'plane'"),
        ({"algorithms": ["mam"]}, "no such run of algorithm 'mam'; did you mean 'maml'"),
        ({"profile": "smok"}, "no such run of profile 'smok'; did you mean 'smoke'"),
        ({"folder": store / "other"}, "no folder"),
    )
    for change, message in cases:
        with pytest.raises(UsageError, match=message):
            load_results(**{"folder": store, **change})


def test_a_damaged_run_is_left_out_by_name(store: Path) -> None:
    damaged = next(store.rglob("scores.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with pytest.warns(UserWarning, match="left out: .*scores.parquet is damaged"):
        found = load_results(store)
    assert len(found.runs) == 5


def test_the_shipped_results_are_loaded_by_one_word() -> None:
    found = load_results(
        "reference", suites="corners[reward=potential]", algorithms=["promp", "random-init"], profile="quick"
    )
    assert set(found.scores.algorithm) == {"promp", "random-init"}
    assert set(found.scores.step) == {0, 1, 2, 3}
    assert found.scores[["return", "score"]].notna().all().all()


def test_the_working_directorys_results_are_loaded_by_default(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.rename(store.parent / "results")
    monkeypatch.chdir(store.parent)
    assert len(load_results().runs) == 6
