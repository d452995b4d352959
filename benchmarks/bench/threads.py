"""How much faster a run is on several threads: `python -m benchmarks.bench.threads --threads 2`, on idle cores.

A meta-iteration of ProMP at the size of its paper, on one thread and on several by turns, and whether both end in the
same bytes.  Beside the clock it says how much of the processor's time is spent where only one thread works: that bounds
what idle cores could give, also where these are busy.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import mujoco.batch
import torch

from algorithms.optimisation import task_chunks
from algorithms.promp import Promp
from benchmarks.commands.arguments import positive
from benchmarks.execution.session import Session
from environments import threads
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol
from environments.streams import Streams

TRAJECTORIES = 20


@dataclass
class Taken:
    """Seconds of the clock; of the processor, all threads; and of the latter where several threads may work."""

    clock: float = 0.0
    processor: float = 0.0
    shared: float = 0.0


class _Meter:
    """Adds up the processor time of what threads share, nested calls once."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.process_time() - started

        return timed


def session(tasks: int, horizon: int) -> Session:
    suite = make_suite(f"half-cheetah-direction[horizon={horizon}]")
    config = Promp.Config(tasks=tasks, trajectories=TRAJECTORIES)
    return Session(suite, Promp, config, Streams(0), EvaluationProtocol(1, TRAJECTORIES), budget=None)


def iteration(training: Session, count: int, meter: _Meter) -> Taken:
    with threads.allow(count):
        meter.seconds = 0.0
        clock, processor = time.perf_counter(), time.process_time()
        training.iterate()
        return Taken(time.perf_counter() - clock, time.process_time() - processor, meter.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--tasks", type=positive, default=40, help="with 20 trajectories each (default: 40)")
    parser.add_argument("--horizon", type=positive, default=100)
    parser.add_argument("--repetitions", type=positive, default=5)
    parsed = parser.parse_args()

    torch.set_num_threads(1)
    meter = _Meter()
    mujoco.batch.Batch.step = meter.timed(mujoco.batch.Batch.step)
    task_chunks.each_part = meter.timed(task_chunks.each_part)
    sessions = {count: session(parsed.tasks, parsed.horizon) for count in (1, parsed.threads)}
    taken: dict[int, list[Taken]] = {count: [] for count in sessions}
    for repetition in range(parsed.repetitions + 1):
        for count, training in sessions.items():
            found = iteration(training, count, meter)
            if repetition:  # the first makes what is kept
                taken[count].append(found)
                print(
                    f"{count} threads: {found.clock:.2f} s, of the processor {found.processor:.2f} s, "
                    f"{found.processor - found.shared:.2f} s of it on one thread alone", flush=True
                )  # fmt: skip
    one, many = taken[1], taken[parsed.threads]
    ratios = [first.clock / second.clock for first, second in zip(one, many, strict=True)]
    alone, shared = (
        median(values) for values in ([each.processor - each.shared for each in many], [each.shared for each in many])
    )
    ideal = (alone + shared) / (alone + shared / parsed.threads)
    learned = [training.state["algorithm"]["parameters"] for training in sessions.values()]
    equal = all(torch.equal(value, learned[1][name]) for name, value in learned[0].items())
    load = f"a load of {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"by the clock {median(ratios):.2f} times as fast, from {min(ratios):.2f} to {max(ratios):.2f}, with {load}")
    print(f"by the processor's time {ideal:.2f} times on idle cores; parameters {'equal' if equal else 'DIFFER'}")


if __name__ == "__main__":
    main()
