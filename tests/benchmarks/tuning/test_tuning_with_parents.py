"""Tuning a method that begins with runs of another: those runs are no trials of the other's."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.commands.jobs import INTERRUPTED, RunOptions
from benchmarks.commands.tune import run_tuning
from benchmarks.execution.executor import Executor, Watcher
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.execution.worker import RunOutcome
from benchmarks.planning.profiles import FOLDER as PROFILES
from benchmarks.specs.job import J
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.tune_plan import plan_tuning
from results.store import Store, StoredTrial
from tests.support.families import write_family

SUITE = "frozen-lake-low[horizon=10]"
#: the teacher has an option to search, and with it the pupil, whose guide gets a quarter of the budget
SEARCHED = """
from algorithms.search_space import LogRange, searched


@dataclass(frozen=True)
class TeacherConfig(Config):
    knob: float = searched(1.0, LogRange(0.1, 10.0))


class Teacher(Drift):
    Config = TeacherConfig
"""


def write_searched(folder: Path) -> str:
    """The file of both; its pupil's options are its teacher's and the share."""
    source = write_family(folder, ("\n\nclass Teacher(Drift):\n", SEARCHED)).partition(":")[0]
    text = Path(source).read_text()
    Path(source).write_text(text.replace("class PupilConfig(Config)", "class PupilConfig(TeacherConfig)"))
    return source


class StoppedAfterOne(InProcessExecutor):
    """Ends with the first run, which is one that others begin with."""

    def run(self, jobs: Sequence[J], root: Path, watcher: Watcher, force: bool = False) -> list[tuple[J, RunOutcome]]:
        return super().run(jobs[:1], root, watcher, force)


def tune(folder: Path, algorithms: list[str], effort: Effort, executor: Executor | None = None) -> int:
    profile = folder / "small.toml"
    profile.write_text((PROFILES / "smoke.toml").read_text().replace("budget = 8_000", "budget = 400"))
    plan = plan_tuning("quick", [SUITE], algorithms, str(profile), effort)
    return run_tuning(plan, RunOptions(folder / "store", folder / "into", 1), executor or InProcessExecutor())


def found_in(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "into" / "small" / f"{SUITE}.toml").read_text())["algorithms"]


def test_a_method_with_a_parent_is_tuned(tmp_path: Path) -> None:
    source = write_searched(tmp_path)
    assert tune(tmp_path, [f"{source}:Pupil"], Effort(trials=2, seeds=2)) == 0
    found = found_in(tmp_path)
    assert list(found) == ["pupil"]
    assert [all(map(math.isfinite, trial["scores"])) for trial in found["pupil"]["trials"]] == [True, True]
    stored = Store(tmp_path / "store", read_only=True).read(StoredTrial)
    assert sorted(trial.algorithm for trial in stored) == ["pupil"] * 4 + ["teacher"] * 2  # one a seed


def test_the_runs_that_it_begins_with_score_nothing_where_the_parent_is_tuned_too(tmp_path: Path) -> None:
    source, effort = write_searched(tmp_path), Effort(trials=1, seeds=1)
    both = [f"{source}:Pupil", f"{source}:Teacher"]
    assert tune(tmp_path, both, effort, StoppedAfterOne()) == INTERRUPTED
    (guide,) = Store(tmp_path / "store", read_only=True).read(StoredTrial)
    assert guide.algorithm == "teacher" and guide.identity["budget"] == 100
    assert not (tmp_path / "into").exists()  # it would have been the teacher's one trial
    assert tune(tmp_path, both, effort) == 0
    (tmp_path / "alone").mkdir()
    assert tune(tmp_path / "alone", both[1:], effort) == 0
    assert found_in(tmp_path)["teacher"] == found_in(tmp_path / "alone")["teacher"]
