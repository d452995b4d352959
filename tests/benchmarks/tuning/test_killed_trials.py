"""A trial that ended by no fault of its own is no failure: nothing is chosen without it, and it is run again."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.commands.jobs import RunOptions
from benchmarks.commands.tune import run_tuning
from benchmarks.execution.executor import Executor, LocalExecutor, Watcher
from benchmarks.execution.in_process import InProcessExecutor
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.job import J
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.tune_plan import plan_tuning
from tests.support.tuned_algorithms import write_tuned

SUITE = "half-cheetah-velocity[horizon=5,control_cost=10]"
#: the first trial but the paper's, once
KILLED = """
import os, signal
from pathlib import Path
marker = Path({marker!r})
if knob < 100 and not marker.exists():
    marker.touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def tune(folder: Path, algorithm: str, executor: Executor) -> int:
    plan = plan_tuning("quick", [SUITE], [algorithm], "smoke", Effort(trials=3, seeds=1))
    return run_tuning(plan, RunOptions(folder / "store", folder / "into", 1), executor)


def test_a_killed_trial_is_waited_for_and_the_choice_is_that_of_an_undisturbed_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = tmp_path / "killed"
    algorithm = write_tuned(tmp_path, meta_step=KILLED.format(marker=str(marker)))
    once, again = (tmp_path / name / "into" / "smoke" / f"{SUITE}.toml" for name in ("once", "again"))
    marker.touch()
    assert tune(tmp_path / "once", algorithm, InProcessExecutor()) == 0
    marker.unlink()
    assert tune(tmp_path / "again", algorithm, LocalExecutor(1)) == 1
    assert marker.exists() and not again.exists()
    said = capsys.readouterr().err
    assert "SIGKILL" in said
    assert "1 trial did not end, so that nothing is chosen there; the same command goes on" in said
    assert tune(tmp_path / "again", algorithm, LocalExecutor(1)) == 0
    assert again.read_bytes() == once.read_bytes()
    assert tomllib.loads(again.read_text())["algorithms"]["tuned"]["chosen"] > 0


@pytest.mark.parametrize(("by_system", "code"), [(False, 2), (True, 1)])
def test_a_refused_trial_is_no_interruption_but_where_the_system_refuses_it(
    tmp_path: Path, by_system: bool, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    class Refusing:
        def run(
            self, jobs: Sequence[J], root: Path, watcher: Watcher, force: bool = False
        ) -> list[tuple[J, RunOutcome]]:
            outcome = RunOutcome("failed", "it is not taken", refused=True, by_system=by_system)
            for job in jobs:
                watcher.started(job)
                watcher.ended(job, outcome)
            return [(job, outcome) for job in jobs]

    assert tune(tmp_path, write_tuned(tmp_path), Refusing()) == code
    said = capsys.readouterr().err
    assert "it is not taken" in said and ("goes on" in said) == by_system and not (tmp_path / "into").exists()
