"""Runs killed by SIGKILL at random moments lose at most one checkpoint interval and end with the same bytes."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from benchmarks.execution.executor import start_server
from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec
from results.store import Store
from tests.support.killed_runs import run_in_process

RUNS = 20
CHECKPOINT_EVERY = 2
RECORDS = ("scores.parquet", "learning.parquet", "training.parquet")


def test_twenty_runs_killed_at_random_moments_resume_to_the_same_scores(tmp_path: Path) -> None:
    [planned] = make_plan(suites=["frozen-lake-low[horizon=10]"], algorithms=["maml-vpg"], seeds=1, profile="smoke")
    spec = replace(planned, budget=1_600, evaluations=1, checkpoint_every=CHECKPOINT_EVERY)
    start_server()
    assert run_in_process(spec, tmp_path / "whole") is None
    expected = _records(spec, tmp_path / "whole")
    iterations = Store(tmp_path / "whole").finished()[0].done["iterations"]
    moments = random.Random(20260101)
    resumed = []
    for number in range(RUNS):
        root = tmp_path / f"killed-{number}"
        reached = run_in_process(spec, root, moments.randint(1, iterations - 1), moments.uniform(0, 0.01))
        assert reached is not None, "the run ended before it could be killed"
        assert not Store(root).folder(spec.identity()).finished
        assert run_in_process(spec, root) is None
        folder = Store(root).folder(spec.identity())
        record = folder.read_run()
        assert record is not None
        first, second = record["attempts"]
        assert (first["outcome"], second["outcome"]) == ("interrupted", "finished")
        # the message says what was done before its iteration's checkpoint was written
        assert second["resumed_at_iteration"] >= reached - CHECKPOINT_EVERY
        resumed.append(second["resumed_at_iteration"])
        assert _records(spec, root) == expected
    assert sum(iteration > 0 for iteration in resumed) >= RUNS // 2


def _records(spec: RunSpec, root: Path) -> dict[str, bytes]:
    folder = Store(root).folder(spec.identity())
    return {name: (folder.path / name).read_bytes() for name in RECORDS}
