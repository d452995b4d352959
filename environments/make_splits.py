"""Draws a suite's fixed split once: `python -m environments.make_splits half-cheetah-velocity ...`.

Tasks come from keyed streams under a published seed, distinct across the splits.  A committed split never changes:
a file that exists is only compared, and a difference is an error.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from environments.catalogue import make_suite, suites
from environments.splits import FOLDER, NAMES, Split, check_distinct, load_split, write_split
from environments.streams import Streams
from environments.suite import Suite
from environments.task import Task
from environments.typed_options import UsageError

#: the root seed of every committed split
SEED = 20260101
#: draws in a row that may repeat earlier tasks before the distribution counts as too small
PATIENCE = 10_000


def make_split(suite: Suite, seed: int = SEED) -> Split:
    """The suite's split.  A suite whose method `all_tasks` lists its whole distribution has all of it in each split.

    Raises UsageError if the distribution has too few distinct tasks.
    """
    tasks = suite.all_tasks()
    if tasks is not None:
        check_distinct(tasks)
        return Split(tasks, tasks, tasks, shared=True)
    sizes = dict(zip(NAMES, suite.split_sizes, strict=True))
    streams = Streams(seed).child(suite.training_suite.name)  # who trains on another suite has its tasks
    drawn: dict[str, tuple[Task, ...]] = {}
    seen: set[str] = set()
    repeats = 0
    for name, size in sizes.items():
        generator = streams.numpy(name)
        tasks_of_split: list[Task] = []
        rejected = 0
        while len(tasks_of_split) < size:
            task = suite.draw_task(generator, f"{name}-{len(tasks_of_split):02d}")
            key = json.dumps(dict(task.parameters), sort_keys=True)
            if key in seen:
                rejected += 1
                repeats += 1
                if rejected == PATIENCE:
                    needed = sum(sizes.values())
                    raise UsageError(f"suite {suite.name} has only {len(seen)} distinct tasks, {needed} needed")
                continue
            rejected = 0
            seen.add(key)
            tasks_of_split.append(task)
        drawn[name] = tuple(tasks_of_split)
    if repeats:
        drawn = dealt(drawn, streams.numpy("deal"))
    split = Split(drawn["train"], drawn["validation"], drawn["test"])
    check_distinct([task for name in NAMES for task in split.tasks(name)])
    return split


def dealt(drawn: dict[str, tuple[Task, ...]], generator: np.random.Generator) -> dict[str, tuple[Task, ...]]:
    """The same tasks dealt to the splits at random.

    Where draws repeat, the likely tasks come early and the later splits would hold the unlikely ones.
    """
    tasks = [task for name in NAMES for task in drawn[name]]
    shuffled = iter([tasks[index].parameters for index in generator.permutation(len(tasks))])
    return {name: tuple(Task(task.id, next(shuffled)) for task in drawn[name]) for name in NAMES}


def write(name: str) -> str:
    """Store the suite's split unless it is stored already; says which.  Raises UsageError if the stored one differs."""
    suite = make_suite(name)
    split, file = make_split(suite), getattr(suite, "split_name", suite.name)
    if (FOLDER / f"{file}.json").exists():
        if load_split(file).digest != split.digest:
            raise UsageError(f"split {file} is committed with other tasks, and committed splits never change")
        return f"{file}: unchanged {split.digest}"
    write_split(file, split, f"drawn by environments/make_splits.py with seed {SEED}")
    return f"{file}: written {split.digest}"


def main(names: list[str]) -> int:
    try:
        for name in names or sorted(suites()):
            print(write(name))
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
