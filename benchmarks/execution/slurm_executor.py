"""Jobs on Slurm by submitit: one Slurm job each, which writes to the store itself, over a shared file system."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.execution.executor import PATIENCE, LocalExecutor, Watcher, counted_interrupts
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.job import AnyJob, J
from environments.typed_options import UsageError
from results.files import reason, write_json

#: seconds between two words of a run; how often Slurm may lose one
BEAT, MOST_LOSSES = 5.0, 3
LIMITS = {"mem_gb": 2, "timeout_min": 24 * 60}


class SlurmExecutor:
    """Slurm queues the runs in the order given; what it ends too early is submitted again, from its checkpoint."""

    def __init__(
        self, partition: str | None = None, threads: int = 1, most: int | None = None, cluster: str = "slurm"
    ) -> None:
        """most: runs that are submitted at a time.  cluster: submitit's word, "local" without Slurm."""
        self.threads, self.most, self.cluster = threads, most or 1000, cluster
        self.options = {**LIMITS, "cpus_per_task": threads} | ({"slurm_partition": partition} if partition else {})

    def run(self, jobs: Sequence[J], root: Path, watcher: Watcher, force: bool = False) -> list[tuple[J, RunOutcome]]:
        """Each run with how it ended.  Raises UsageError without submitit or Slurm."""
        place = root.absolute() / "slurm" / secrets.token_hex(8)
        try:
            import submitit

            submitter = submitit.AutoExecutor(place, cluster=self.cluster)
        except (ImportError, RuntimeError) as error:
            needs = "submitit (pip install 'metarl-bench[slurm]') and one of Slurm's machines"
            raise UsageError(f"--executor slurm needs {needs}: {error}") from error
        submitter.update_parameters(**self.options)
        waiting, active = list(range(len(jobs))), dict[int, Any]()
        losses, outcomes = [0] * len(jobs), list[tuple[J, RunOutcome]]()

        def end(key: int, ended: RunOutcome) -> None:
            outcomes.append((jobs[key], ended))
            watcher.ended(jobs[key], ended)

        with counted_interrupts([]) as interrupts:
            while (waiting and not interrupts) or active:
                while waiting and not interrupts and len(active) < self.most:
                    key = waiting.pop(0)
                    if not losses[key]:
                        watcher.started(jobs[key])
                    anew = force and not losses[key]  # what was lost goes on from its checkpoint
                    order = (jobs[key], root.absolute(), anew, self.threads, place, key)
                    try:
                        active[key] = submitter.submit(carry_out, *order)
                    except (RuntimeError, OSError) as error:  # as of a partition that is not there
                        end(key, RunOutcome("failed", f"Slurm does not take it: {reason(error)}", refused=True))
                time.sleep(PATIENCE)
                if interrupts and not (place / "stop").exists():
                    watcher.stopping()
                    (place / "stop").touch()
                for key, submitted in list(active.items()):
                    with suppress(OSError, ValueError):  # not yet written
                        watcher.progressed(jobs[key], Progress(**json.loads((place / f"{key}.json").read_bytes())))
                    if len(interrupts) > 1 or (interrupts and submitted.state == "PENDING"):
                        submitted.cancel(check=False)
                        ended = RunOutcome("interrupted")
                    elif not submitted.done():
                        continue
                    else:
                        try:
                            ended = submitted.result()
                        except Exception as error:  # a lost node, the time limit, memory
                            losses[key] += 1
                            ended = RunOutcome("failed", f"Slurm ended it {losses[key]} times: {error}")
                    del active[key]
                    if ended.status == "failed" and 0 < losses[key] < MOST_LOSSES and not interrupts:
                        waiting.insert(0, key)
                    else:
                        end(key, ended)
                watcher.tick()
        shutil.rmtree(place, ignore_errors=True)
        return outcomes


class _Telling:
    """Keeps the run's progress in a file, and tells the executor of the node when the driver wants it to stop."""

    def __init__(self, place: Path, key: int) -> None:
        self._place, self._key, self._next = place, key, 0.0

    def progressed(self, job: AnyJob, progress: Progress) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + BEAT
            write_json(self._place / f"{self._key}.json", asdict(progress))

    def tick(self) -> None:
        if self._next < float("inf") and (self._place / "stop").exists():
            self._next = float("inf")
            os.kill(os.getpid(), signal.SIGTERM)

    def started(self, job: AnyJob) -> None: ...
    def ended(self, job: AnyJob, ended: RunOutcome) -> None: ...
    def stopping(self) -> None: ...


def carry_out(job: J, root: Path, force: bool, threads: int, place: Path, key: int) -> RunOutcome:
    """The run on a node, from its checkpoint in the store."""
    outcomes = LocalExecutor(1, threads).run([job], root, _Telling(place, key), force)
    return outcomes[0][1] if outcomes else RunOutcome("interrupted")
