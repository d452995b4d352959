"""What ten thousand runs cost the one who hands them out: `python -m benchmarks.bench.cluster --runs 10000`.

Driver, store and Ray are the real ones, on raylets of this machine; the runs are simulated: each says a few words and
hands back the record of one small run that its node made before, so that it costs its scheduling, its lock, its files
and its messages, and nothing else.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.commands.arguments import positive
from benchmarks.execution.carried_files import Files, kept_files
from benchmarks.execution.ray_executor import RayExecutor
from benchmarks.execution.ray_mailbox import News
from benchmarks.execution.ray_node import BEAT, Answer, Order
from benchmarks.execution.ray_places import MEMORY
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome, run_job
from benchmarks.planning.plan import make_plan
from benchmarks.specs.job import AnyJob
from benchmarks.specs.run_spec import RunSpec
from results.store import Store

#: words that a simulated run says: as few as any, and many, which the messages' own cost is told by
FEW, MANY = 2, 500
#: seconds that a run takes, for which the number of places is told that one driver keeps busy
LENGTHS = (60.0, 300.0, 3600.0)


def carry_out(order: Order, mailbox: Any) -> Answer:
    """A simulated run."""
    import ray

    node, job = ray.get_runtime_context().get_node_id(), order.job
    for word in range(MANY if job.profile == "talkative" else FEW):
        ray.get(mailbox.post.remote(order.key, News(node, Progress(word, 0, job.size))))
    return Answer(node, outcome=RunOutcome("finished"), files=_record())


@dataclass
class _Counting:
    """A watcher that counts what has finished."""

    finished: int = 0

    def started(self, job: AnyJob) -> None: ...
    def progressed(self, job: AnyJob, progress: Progress) -> None: ...
    def stopping(self) -> None: ...
    def tick(self) -> None: ...
    def ended(self, job: AnyJob, ended: RunOutcome) -> None:
        self.finished += ended.status == "finished"


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock, and of the driver's processor, all its threads."""

    clock: float
    processor: float


def small_run() -> RunSpec:
    (spec,) = make_plan(suites=["frozen-lake-low"], algorithms=["random-init"], seeds=1, profile="smoke")
    return spec


@cache
def _record() -> Files:
    spec = small_run()
    with tempfile.TemporaryDirectory() as root:
        run_job(spec, Path(root))
        return kept_files(Store(root).folder(spec.identity()))


def hand_out(jobs: Sequence[RunSpec], address: str, root: Path) -> Cost:
    """What it costs to have so many simulated runs in the store."""
    watcher = _Counting()
    clock, processor = time.perf_counter(), time.process_time()
    RayExecutor(address, node="benchmarks.bench.cluster").run(jobs, root, watcher)
    cost = Cost(time.perf_counter() - clock, time.process_time() - processor)
    if watcher.finished != len(jobs):
        raise RuntimeError(f"{watcher.finished} of {len(jobs)} simulated runs finished")
    return cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=positive, default=10_000)
    parser.add_argument("--nodes", type=positive, default=2, help="raylets on this machine (default: 2)")
    parser.add_argument("--places", type=positive, default=4, help="runs at a time on each (default: 4)")
    parsed = parser.parse_args()

    os.environ |= {"RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}  # read once Ray is imported
    from ray.cluster_utils import Cluster

    space: dict[str, Any] = {"object_store_memory": 200_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **space})
    for _ in range(parsed.nodes):
        cluster.add_node(num_cpus=parsed.places, memory=parsed.places * MEMORY, **space)
    places = parsed.nodes * parsed.places
    jobs = [replace(small_run(), seed=seed) for seed in range(parsed.runs)]
    try:
        with tempfile.TemporaryDirectory() as root:
            hand_out(jobs[: 5 * places], cluster.address, Path(root) / "first")  # nodes' processes begin
            cost = hand_out(jobs, cluster.address, Path(root) / "store")
            talkative = [replace(job, profile="talkative") for job in jobs[: 5 * places]]
            spoken = hand_out(talkative, cluster.address, Path(root) / "talkative")
    finally:
        cluster.shutdown()

    a_second = parsed.runs / cost.clock
    words = (MANY - FEW) * len(talkative) / max(spoken.clock - len(talkative) / a_second, 1e-9)
    print(f"{parsed.runs:,} runs on {places} places: {cost.clock:.0f} s, {a_second:.0f} runs a second")
    print(f"  the driver's processor: {1000 * cost.processor / parsed.runs:.1f} ms a run")
    print(f"  messages: {words:,.0f} a second; a run says one every {BEAT:g} s: {words * BEAT:,.0f} places")
    for length in LENGTHS:
        most = min(a_second * length, words * BEAT)
        hours = [parsed.runs * length / many / 3600 for many in (most, 100)]
        print(
            f"  runs of {length:g} s: one driver keeps {most:,.0f} places busy, on which {parsed.runs:,} of them take "
            f"{hours[0]:.1f} h; on 100 places they take {hours[1]:.1f} h"
        )


if __name__ == "__main__":
    main()
