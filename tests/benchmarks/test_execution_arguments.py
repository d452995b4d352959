"""Where jobs run and on how many cores, as the command line says it: part of no run's identity."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.command_line import main
from benchmarks.commands.jobs import RunOptions
from benchmarks.execution.executor import LocalExecutor
from benchmarks.execution.ray_executor import RayExecutor
from benchmarks.execution.slurm_executor import SlurmExecutor
from benchmarks.execution.worker import RunOutcome
from benchmarks.planning.plan import make_plan
from environments.typed_options import UsageError
from results.store import Store
from tests.support.adapters import contents, small_plan, write_good
from tests.support.recorder import Recorder
from tests.support.run_records import folder_of, in_process

Chosen = Callable[..., RunOptions]


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chosen:
    """The options that the command would run with, on a machine of eight cores."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    found: list[RunOptions] = []

    def note(specs: object, options: RunOptions, *rest: object) -> int:
        found.append(options)
        return 0

    monkeypatch.setattr("benchmarks.commands.leaderboard.run_leaderboard", note)

    def options(*arguments: str) -> RunOptions:
        cells = ("--suites", "corners", "--algorithms", "random-init", "--seeds", "1", "--profile", "smoke")
        assert main(["leaderboard", *cells, *arguments]) == 0
        return found.pop()

    return options


def test_this_machine_takes_as_many_runs_as_it_has_cores_for(chosen: Chosen) -> None:
    for arguments, workers, threads in (((), 8, 1), (("--threads", "3"), 2, 3), (("--threads", "9"), 1, 9)):
        options = chosen(*arguments)
        executor = options.executor()
        assert isinstance(executor, LocalExecutor)
        assert (options.workers, executor.workers, executor.threads) == (workers, workers, threads)


def test_clusters_take_an_address_and_a_bound(chosen: Chosen) -> None:
    ray = chosen("--executor", "ray", "--address", "head:6379", "--threads", "2", "--workers", "5").executor()
    assert isinstance(ray, RayExecutor)
    assert (ray.address, ray.threads, ray.most) == ("head:6379", 2, 5)
    slurm = chosen("--executor", "slurm", "--address", "gpu").executor()
    assert isinstance(slurm, SlurmExecutor)
    assert (slurm.options["slurm_partition"], slurm.options["cpus_per_task"]) == ("gpu", 1)


def test_an_address_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "--address", "head:6379"]) == 2
    assert "--address head:6379 is a cluster's; give --executor ray" in capsys.readouterr().err


def test_a_run_on_several_threads_is_the_same_run(tmp_path: Path) -> None:
    (spec,) = make_plan(
        suites=["half-cheetah-velocity[horizon=5]"], algorithms=["promp"], seeds=1, profile="smoke",
        settings=["promp.chunk=1"],
    )  # fmt: skip
    spec = replace(spec, budget=400)
    assert LocalExecutor(1, threads=3).run([spec], tmp_path / "three", Recorder()) == [(spec, RunOutcome("finished"))]
    folder = folder_of(tmp_path / "three", spec)
    assert contents(folder) == in_process(tmp_path / "one", spec)
    assert json.loads((folder / "run.json").read_text())["provenance"]["threads"] == 3
    assert LocalExecutor(1).run([spec], tmp_path / "three", Recorder()) == [(spec, RunOutcome("stored"))]


def test_runs_by_submitit_write_to_the_store_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.execution.slurm_executor.BEAT", 0.0)
    spec, other = *small_plan(write_good(tmp_path)), *small_plan("random-init")
    recorder = Recorder()
    outcomes = SlurmExecutor(cluster="local").run([spec, other], tmp_path / "store", recorder)
    assert sorted(recorder.begun) == sorted([spec.label, other.label])
    assert {ended for _, ended in outcomes} == {RunOutcome("finished")}
    assert contents(folder_of(tmp_path / "store", spec)) == in_process(tmp_path / "here", spec)
    assert not list((tmp_path / "store" / "slurm").iterdir())
    assert len(Store(tmp_path / "store").finished()) == 2


def test_what_slurm_does_not_take_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a partition that is not there, by commands of Slurm's that say so."""
    (spec,) = small_plan("random-init")
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(UsageError, match=r"--executor slurm needs .*Slurm's machines: .*srun"):
        SlurmExecutor("nowhere").run([spec], tmp_path / "store", Recorder())
    assert not (tmp_path / "store").exists()
    (tmp_path / "bin").mkdir()
    for name in ("srun", "sbatch"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\necho 'sbatch: error: invalid partition' >&2\nexit 1\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    recorder = Recorder()
    ((_, ended),) = SlurmExecutor("nowhere").run([spec], tmp_path / "store", recorder)
    assert ended == RunOutcome("failed", "Slurm does not take it: sbatch: error: invalid partition", refused=True)
    assert recorder.begun == [spec.label] and not list((tmp_path / "store" / "slurm").iterdir())


def test_what_slurm_loses_is_begun_anew_once_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (spec,) = small_plan("random-init")
    anew: list[bool] = []

    class Submitter:
        state = "RUNNING"

        def __init__(self, folder: Path, cluster: str) -> None: ...
        def update_parameters(self, **options: object) -> None: ...
        def done(self) -> bool:
            return True

        def submit(self, work: object, job: object, root: Path, force: bool, *rest: object) -> Submitter:
            anew.append(force)
            return self

        def result(self) -> RunOutcome:
            if len(anew) < 3:
                raise TimeoutError("the time limit")
            return RunOutcome("finished")

    monkeypatch.setattr("submitit.AutoExecutor", Submitter)
    outcomes = SlurmExecutor().run([spec], tmp_path, Recorder(), force=True)
    assert outcomes == [(spec, RunOutcome("finished"))]
    assert anew == [True, False, False]
