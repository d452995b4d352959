"""What a run has left in a store, for tests of executors: its folder, its attempts, and the tables to expect there."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.execution.worker import RunOutcome, run_job
from benchmarks.specs.run_spec import RunSpec
from results.store import Store
from tests.support.adapters import contents


def folder_of(root: Path, spec: RunSpec) -> Path:
    return Store(root).folder(spec.identity()).path


def attempts_of(root: Path, spec: RunSpec) -> list[dict[str, object]]:
    return json.loads((folder_of(root, spec) / "run.json").read_text())["attempts"]


def in_process(root: Path, spec: RunSpec) -> dict[str, bytes]:
    """The tables of an uninterrupted run in this process."""
    ended = run_job(spec, root)
    assert ended == RunOutcome("finished"), ended.error
    return contents(folder_of(root, spec))
