"""Runs on a Ray cluster of several raylets: the same bytes, whatever becomes of its nodes or of the driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.execution.ray_executor import RayExecutor
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.job import AnyJob
from tests.benchmarks.test_runner import Recorder, folder_of, in_process
from tests.support.adapters import contents, small_plan, write_good

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

STORE_MEMORY = 80_000_000
MEMORY = 8 * 1024**3


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A head without cores, to which each test adds its nodes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # whatever else the machine does
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        yield from _cluster()


def _cluster() -> Iterator[Any]:
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_MEMORY}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def nodes(cluster: Any) -> Iterator[Callable[..., Any]]:
    """Adds a node of one core to the cluster; they go when the test ends."""
    added: list[Any] = []

    def add(**options: Any) -> Any:
        added.append(cluster.add_node(num_cpus=1, object_store_memory=STORE_MEMORY, memory=MEMORY, **options))
        return added[-1]

    yield add
    for node in added:
        if node in cluster.list_all_nodes():
            cluster.remove_node(node, allow_graceful=False)


def test_a_node_lost_midway_changes_no_byte(cluster: Any, nodes: Callable[..., Any], tmp_path: Path) -> None:
    specs = small_plan(write_good(tmp_path), seeds=3)
    doomed = nodes()
    lost: list[str] = []

    def lose(spec: AnyJob, progress: Progress) -> None:
        if not lost and progress.iteration >= 1:
            lost.append(spec.label)
            nodes()
            cluster.remove_node(doomed, allow_graceful=False)

    outcomes = RayExecutor(cluster.address).run(specs, tmp_path / "store", Recorder(lose))
    assert lost
    assert sorted(spec.seed for spec, _ in outcomes) == [0, 1, 2]
    assert {ended for _, ended in outcomes} == {RunOutcome("finished")}
    for spec in specs:
        assert contents(folder_of(tmp_path / "store", spec)) == in_process(tmp_path / "here", spec)
        assert not (folder_of(tmp_path / "store", spec) / "checkpoint").exists()
