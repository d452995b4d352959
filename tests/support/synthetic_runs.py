"""Finished runs of a plan with the scores that they are given: nothing is trained for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from algorithms.catalogue import find_algorithm
from benchmarks.specs.run_spec import RunSpec
from results.store import Store

#: of a score, by test task
OFFSETS = {"t-0": -1.0, "t-1": 1.0}


def store_score(
    spec: RunSpec,
    root: Path,
    score: float,
    force: bool = False,
    departing: Mapping[str, Any] | None = None,
    steps: int | None = None,
) -> None:
    """A run whose mean over test tasks after its last adaptation step is `score`, in the store at `root`.

    departing: parts of its identity that are not those that the run would have today.  steps: that it took of its
    budget; all unless given.
    """
    identity = {**spec.identity(), **(departing or {})}
    folder = Store(root).folder(identity)
    if force:
        folder.clear()
    access = sorted(find_algorithm(spec.source or spec.algorithm).load().access)
    description = {"family": "plane", "metric": "return", "horizon": 10, "discount": 0.99, "access": access}
    description |= {"tuning": spec.tuning} if spec.tuning else {}
    provenance = {"commit": "0123456789abcdef", "dirty": False, "packages": {}, "cpu": "a processor", "threads": 1}
    folder.begin_attempt(
        {
            "identity": identity,
            "description": {**description, "profile": spec.profile, "benchmark": None},
            "provenance": {**provenance, "python": "3.11", "platform": "linux", "data": None, "source": spec.source},
        }
    )
    rows = [
        {"split": "test", "task": task, "step": step, "episode": 0, "return": score + offset if step else 0.0,
         "discounted_return": 0.0, "success": False, "length": 10}
        for task, offset in OFFSETS.items() for step in range(identity["protocol"]["adaptation_steps"] + 1)
    ]  # fmt: skip
    folder.finish(rows, [], [], [], spec.budget if steps is None else steps, 1 if steps != 0 else 0)
