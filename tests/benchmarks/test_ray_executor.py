"""Runs on a Ray cluster of several raylets: the same bytes, whatever becomes of its nodes or of the driver."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from threading import Thread
from typing import Any

import pytest
import ray
from ray import cluster_utils

from benchmarks.execution.carried_files import unpack
from benchmarks.execution.parents import stored_parents
from benchmarks.execution.ray_connection import connect
from benchmarks.execution.ray_executor import RayExecutor
from benchmarks.execution.ray_node import Order, ancestors, own_files, parents_of, sources_of
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import WAITING, RunOutcome
from benchmarks.specs.job import AnyJob
from environments.typed_options import UsageError
from results.files import StoreError, make_folder
from results.store import Store
from tests.support.adapters import FULL_DISK, contents, small_plan, write_good, write_spoilt
from tests.support.families import family_plan, write_family
from tests.support.recorder import Recorder
from tests.support.run_records import attempts_of, folder_of, in_process
from tests.support.time_limit import time_limit

__all__ = ["time_limit"]
pytestmark = pytest.mark.usefixtures("time_limit")

ROOT = Path(__file__).parents[2]
SPACE = {"object_store_memory": 80_000_000, "memory": 8 * 1024**3}
FAILING = """
def meta_step(self, collector):
    raise ArithmeticError("the step was too long")
"""
#: takes its time until there is a file
SLOW = """
def meta_step(self, collector):
    if collector.iteration >= 3 and not os.path.exists({gate!r}):
        time.sleep(0.5)
    return super().meta_step(collector)
"""
#: says where it is and goes on for ever
ENDLESS = """
def meta_step(self, collector):
    if collector.iteration == 0:
        with open({fifo!r}, "w") as file:
            file.write(str(os.getpid()))
    collector.ledger.spent = 0
    return super().meta_step(collector)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without cores, to which tests add nodes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # Ray's own is 15, which takes long beside other tests
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(ROOT))
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": SPACE["object_store_memory"]}
        cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        yield cluster
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture
def nodes(cluster: Any) -> Iterator[Callable[..., Any]]:
    """Adds a node of one core to the cluster; they go when the test ends."""
    added: list[Any] = []

    def add(**environment: str) -> Any:
        added.append(cluster.add_node(num_cpus=1, env_vars=environment or None, **SPACE))
        return added[-1]

    yield add
    ray.shutdown()  # the next test's driver is in a folder of its own
    for node in added:
        if node in cluster.list_all_nodes():
            cluster.remove_node(node, allow_graceful=False)


def test_forty_runs_on_three_nodes_of_which_two_are_killed_have_the_bytes_of_this_process(
    cluster: Any, nodes: Callable[..., Any], tmp_path: Path
) -> None:
    source = write_good(tmp_path)
    specs = [replace(spec, budget=320, checkpoint_every=2) for spec in small_plan(source, seeds=40)]
    doomed = [nodes(), nodes(), nodes()][:2]
    moments = sorted(random.Random(0).sample(range(1, 30), 2))

    class Killing(Recorder):
        def ended(self, spec: AnyJob, ended: RunOutcome) -> None:
            super().ended(spec, ended)
            if doomed and len(self.outcomes) >= moments[-len(doomed)]:
                cluster.remove_node(doomed.pop(0), allow_graceful=False)

    recorder = Killing()
    outcomes = RayExecutor(cluster.address).run(specs, tmp_path / "store", recorder)
    assert not doomed
    assert sorted(recorder.begun) == sorted(spec.label for spec in specs)  # each told once, lost or not
    assert sorted((spec.seed, ended) for spec, ended in outcomes) == [
        (seed, RunOutcome("finished")) for seed in range(40)
    ]
    for spec in specs:
        assert contents(folder_of(tmp_path / "store", spec)) == in_process(tmp_path / "here", spec)
        assert not (folder_of(tmp_path / "store", spec) / "checkpoint").exists()
    assert len(Store(tmp_path / "store").finished()) == 40


def test_ctrl_c_brings_a_checkpoint_back_from_which_the_run_goes_on_to_the_same_bytes(
    cluster: Any, nodes: Callable[..., Any], tmp_path: Path
) -> None:
    nodes()
    gate = tmp_path / "gate"
    long, later = small_plan(write_spoilt(tmp_path, SLOW.format(gate=str(gate)), "slow"), seeds=2)
    long = replace(long, budget=4_000)
    executor = RayExecutor(cluster.address, most=1)

    def interrupt(spec: object, progress: Progress) -> None:
        if progress.iteration >= 1 and not recorder.told_to_stop:
            os.kill(os.getpid(), signal.SIGINT)

    recorder = Recorder(interrupt)
    assert executor.run([long, later], tmp_path / "store", recorder) == [(long, RunOutcome("interrupted"))]
    assert recorder.told_to_stop == 1
    assert (folder_of(tmp_path / "store", long) / "checkpoint").exists()

    gate.touch()
    assert executor.run([long], tmp_path / "store", Recorder()) == [(long, RunOutcome("finished"))]
    first, second = attempts_of(tmp_path / "store", long)
    assert (first["outcome"], second["outcome"]) == ("interrupted", "finished")
    assert isinstance(second["resumed_at_iteration"], int) and second["resumed_at_iteration"] >= 1
    assert contents(folder_of(tmp_path / "store", long)) == in_process(tmp_path / "here", long)

    # a second one kills, here and there
    gate.unlink()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (endless,) = small_plan(write_spoilt(tmp_path, ENDLESS.format(fifo=str(fifo)), "endless"))
    workers: list[int] = []

    class Impatient(Recorder):
        def progressed(self, spec: AnyJob, progress: Progress) -> None:
            if not workers:
                workers.append(int(fifo.read_text()))
            os.kill(os.getpid(), signal.SIGINT)

        def stopping(self) -> None:
            super().stopping()
            os.kill(os.getpid(), signal.SIGINT)

    impatient = Impatient()
    assert executor.run([endless], tmp_path / "store", impatient) == [(endless, RunOutcome("interrupted"))]
    gone(workers[0])


def test_ctrl_c_while_a_node_makes_a_parent_is_an_interruption_from_which_the_child_goes_on(
    cluster: Any, nodes: Callable[..., Any], tmp_path: Path
) -> None:
    """As where the plan leaves the parent to the run that needs it."""
    nodes()
    gate = tmp_path / "gate"
    own = '    """Drifts on its own."""\n'
    slow = indent(SLOW.format(gate=str(gate)), "    ")
    (pupil,) = family_plan([write_family(tmp_path, (own, f"{own}{slow}"))], budget=2_000)

    def interrupt(spec: object, progress: Progress) -> None:
        if not recorder.told_to_stop:
            os.kill(os.getpid(), signal.SIGINT)

    recorder, executor = Recorder(interrupt), RayExecutor(cluster.address)
    assert executor.run([pupil], tmp_path / "store", recorder) == [(pupil, RunOutcome("interrupted"))]
    assert recorder.told_to_stop == 1
    gate.touch()
    assert executor.run([pupil], tmp_path / "store", Recorder()) == [(pupil, RunOutcome("finished"))]
    assert contents(folder_of(tmp_path / "store", pupil)) == in_process(tmp_path / "here", pupil)


def test_failures_and_runs_that_another_process_holds_are_as_locally(
    cluster: Any, nodes: Callable[..., Any], tmp_path: Path
) -> None:
    nodes()
    (failing,) = small_plan(write_spoilt(tmp_path, FAILING, "failing"))
    held, free = small_plan("random-init", seeds=2)
    lock = Store(tmp_path / "store").folder(held.identity()).lock()
    lock.__enter__()
    messages: list[tuple[AnyJob, str]] = []

    class Releasing(Recorder):
        def ended(self, spec: AnyJob, ended: RunOutcome) -> None:
            super().ended(spec, ended)
            if spec == free:
                lock.__exit__(None, None, None)

    recorder = Releasing(lambda spec, progress: messages.append((spec, progress.message)))
    executor = RayExecutor(cluster.address, threads=1)
    executor.run([held, failing, free], tmp_path / "store", recorder)
    assert (held, WAITING) in messages
    assert list(recorder.outcomes) == [failing.label, free.label, held.label]
    assert recorder.outcomes[free.label] == recorder.outcomes[held.label] == RunOutcome("finished")
    assert "ArithmeticError: the step was too long" in recorder.outcomes[failing.label].error
    (attempt,) = attempts_of(tmp_path / "store", failing)
    assert attempt["outcome"] == "failed" and "in meta_step" in str(attempt["error"])
    assert executor.run([free], tmp_path / "store", Recorder()) == [(free, RunOutcome("stored"))]
    assert executor.run([free], tmp_path / "store", Recorder(), force=True) == [(free, RunOutcome("finished"))]


@pytest.mark.parametrize("where", ["node", "driver, at once", "driver, later"])
def test_a_full_disk_of_a_node_or_of_the_driver_is_no_bad_input(
    where: str, cluster: Any, nodes: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes()
    (spec,) = small_plan(write_spoilt(tmp_path, FULL_DISK) if where == "node" else "random-init")

    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Filling(Recorder):
        def started(self, spec: AnyJob) -> None:
            super().started(spec)
            if where == "driver, later":
                monkeypatch.setattr(os, "fsync", full)

    executor, store = RayExecutor(cluster.address), Store(tmp_path / "store")
    if where == "driver, at once":
        monkeypatch.setattr(os, "fsync", full)
    ((_, ended),) = executor.run([spec], store.root, Filling())
    monkeypatch.undo()
    assert ended.refused and ended.by_system and "No space left on device" in ended.error


def test_a_driver_that_is_killed_leaves_no_run_behind_and_loses_nothing_that_had_finished(
    cluster: Any, nodes: Callable[..., Any], tmp_path: Path
) -> None:
    for _ in range(2):
        nodes()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    good, endless = write_good(tmp_path), write_spoilt(tmp_path, ENDLESS.format(fifo=str(fifo)), "endless")
    cells = ("--suites", "frozen-lake-low[horizon=10]", "--seeds", "1", "--profile", "smoke", "--results", "store")
    command = [sys.executable, "-m", "benchmarks.command_line", "leaderboard", *cells, "--executor", "ray"]
    command += ["--address", cluster.address, "--algorithms"]
    told = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(ROOT)}, "stderr": subprocess.DEVNULL}
    driver = subprocess.Popen([*command, f"{good},{endless}"], **told)  # type: ignore[call-overload]
    worker = int(fifo.read_text())
    patience = time.monotonic() + 120
    # the driver sweeps the checkpoint of what has finished, and the next command would if this one could not
    while not any(not (done.parent / "checkpoint").exists() for done in (tmp_path / "store").rglob("done.json")):
        assert time.monotonic() < patience and driver.poll() is None
    driver.kill()
    driver.wait()
    gone(worker)
    (finished,) = Store(tmp_path / "store").finished()
    assert finished.algorithm == "drift"
    before = {path: path.stat().st_mtime_ns for path in finished.path.iterdir()}

    again = subprocess.run([*command, good], **told, text=True, stdout=subprocess.PIPE)  # type: ignore[call-overload]
    assert again.returncode == 0
    assert "the run is stored" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in finished.path.iterdir()} == before


def test_nodes_of_other_software_or_code_are_refused_with_what_differs(
    cluster: Any, nodes: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (spec,) = small_plan("random-init")
    monkeypatch.chdir(tmp_path)  # Ray's workers find modules in the driver's folder first
    software, code, nothing = tmp_path / "software", tmp_path / "code", tmp_path / "nothing"
    (software / "torch-0.0.1.dist-info").mkdir(parents=True)
    (software / "torch-0.0.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 0.0.1\n")
    for package in ("algorithms", "benchmarks", "environments", "reports", "results"):
        shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("reference", "__pycache__"))
    with open(code / "algorithms" / "random_init.py", "a") as file:
        file.write("\nOTHER = 1\n")
    (nothing / "benchmarks").mkdir(parents=True)
    (nothing / "benchmarks" / "__init__.py").write_text("raise ImportError('another project of that name')\n")
    nodes(PYTHONPATH=f"{software}{os.pathsep}{ROOT}")
    nodes(PYTHONPATH=str(code))
    nodes(PYTHONPATH=str(nothing))
    ((_, ended),) = RayExecutor(cluster.address).run([spec], tmp_path / "store", Recorder())
    assert ended.refused and "\n" not in ended.error
    ours = spec.identity()
    assert f"versions torch is 0.0.1, not {ours['versions']['torch']}" in ended.error
    assert f", not {ours['code'][:12]}" in ended.error
    assert "ImportError: another project of that name" in ended.error
    assert not list((tmp_path / "store").rglob("run.json"))

    nodes()
    assert RayExecutor(cluster.address).run([spec], tmp_path / "store", Recorder()) == [(spec, RunOutcome("finished"))]


def test_a_loose_file_goes_with_its_run(tmp_path: Path) -> None:
    (spec,) = small_plan(write_good(tmp_path))
    source = tmp_path / "drift.py"
    order = Order(1, spec, spec.identity(), {}, sources=sources_of(spec))
    with own_files(order, tmp_path / "scratch") as job:
        assert job is spec
    source.write_text("# another version here\n")
    with own_files(order, tmp_path / "scratch") as job:
        assert job.code_now() == order.identity["code"]
        assert str(tmp_path / "scratch") in str(job.source)  # type: ignore[attr-defined]
    source.unlink()
    with pytest.raises(StoreError, match=r"cannot read .*drift\.py: No such file"):
        sources_of(spec)


def test_a_parent_goes_along_with_what_proves_it(tmp_path: Path) -> None:
    (spec,) = family_plan([write_family(tmp_path)], budget=400)
    (parent,) = ancestors(spec)
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    assert parents_of(spec, here) == []
    in_process(here.root, parent)
    folder = here.folder(parent.identity())
    make_folder(folder.path / "attestations")
    (folder.path / "attestations" / "a.json").write_text("{}")
    ((identity, files),) = parents_of(spec, here)
    unpack(files, there.folder(identity))
    assert stored_parents(spec, there)["guide"].environment_steps == 80
    assert (there.folder(identity).path / "attestations" / "a.json").exists()


def test_a_node_writes_nothing_but_a_record(tmp_path: Path) -> None:
    (spec,) = small_plan("random-init")
    folder = Store(tmp_path).folder(spec.identity())
    for name in ("../run.json", "artefacts/../../x", "lock", "artefacts/a/b"):
        with pytest.raises(StoreError, match="is no part of a record"):
            unpack({"run.json": b"{}", name: b""}, folder)
    assert not folder.path.exists()


def test_a_cluster_that_is_not_there_is_refused_in_one_line() -> None:
    ray.shutdown()
    for address in ("a..b:1", f"{'x' * 70}:1", "\udcff:1"):
        with pytest.raises(UsageError, match=f"no Ray cluster at {address}"):
            connect(address)
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=lambda: server.accept()[0].sendall(b"HTTP/1.1 400 Bad Request")).start()
        with pytest.raises(UsageError, match="what answers there is no Ray"):
            connect(f"127.0.0.1:{server.getsockname()[1]}")
    with pytest.raises(UsageError, match=r"no Ray cluster at 127\.0\.0\.1:1: .*ray start --head"):
        connect("127.0.0.1:1")
    with pytest.raises(UsageError, match="--address head must be HOST:PORT"):
        connect("head")
    with pytest.raises(UsageError, match="--address auto"):
        connect("ray://localhost:10001")


def gone(process: int) -> None:
    """Returns once there is no such process.  Raises AssertionError after a while."""
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
    raise AssertionError(f"process {process} is still there")
