"""Jobs in this process, one after the other, as a notebook or a debugger wants them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.execution.executor import Watcher
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome, run_job
from benchmarks.specs.job import J


class InProcessExecutor:
    """The same jobs as `LocalExecutor`'s, to the same records.  Ctrl-C leaves one at its last checkpoint."""

    def run(self, jobs: Sequence[J], root: Path, watcher: Watcher, force: bool = False) -> list[tuple[J, RunOutcome]]:
        outcomes = []
        with kept_globals():
            for job in jobs:
                watcher.started(job)

                def report(progress: Progress, job: J = job) -> None:
                    watcher.progressed(job, progress)
                    watcher.tick()

                ended = run_job(job, root, force, report)
                outcomes.append((job, ended))
                watcher.ended(job, ended)
        return outcomes


@contextmanager
def kept_globals() -> Iterator[None]:
    """Afterwards Python's, NumPy's and torch's global generators and torch's threads are as they were before."""
    import torch

    threads, python, numpy, drawn = (
        torch.get_num_threads(),
        random.getstate(),
        np.random.get_state(),
        torch.get_rng_state(),
    )
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(drawn)
