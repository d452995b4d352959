"""What is measured in a process of its own: the time of `metarl list`, the memory of an iteration at paper size."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch

from algorithms.promp import Promp
from benchmarks.bench.iterations import Training
from benchmarks.bench.measure import Measure, Size

#: where the packages are
ROOT = Path(__file__).parent.parent.parent
#: bytes in the system's unit of peak memory
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def listing_time(size: Size) -> Measure:
    """Wall time from the interpreter's start to its exit; best of three."""
    seconds = []
    for _ in range(min(3, size.repetitions)):
        started = time.perf_counter()
        _python("-m", "benchmarks.command_line", "list")
        seconds.append(time.perf_counter() - started)
    return Measure("list", min(seconds), "s", at_most=1.0)


def peak_memory(size: Size) -> Measure:
    """Of ProMP on half-cheetah at its paper's size, twice the tasks of the other measures; libraries included."""
    arguments = f"{2 * size.tasks}, {size.trajectories}, {size.horizon}"
    peak = _python("-c", f"from benchmarks.bench.fresh_process import print_peak; print_peak({arguments})")
    return Measure("memory-promp-paper", int(peak) / 2**30, "GiB", at_most=2.0)


def print_peak(tasks: int, trajectories: int, horizon: int) -> None:
    """Carries out two meta-iterations and prints the peak of this process's memory in bytes."""
    torch.set_num_threads(1)
    training = Training(Promp, {}, Size(tasks, trajectories, horizon))
    for _ in range(2):
        training.iterate()
        training.collector.collections.clear()
    # the system counts what the parent held when it started this process as this one's, so a large parent may only
    # make the measure worse
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT)


def _python(*arguments: str) -> str:
    """What a fresh interpreter with these arguments prints; its complaints go to the standard error."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return process.stdout
