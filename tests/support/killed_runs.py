"""Runs in processes of their own that are killed at a moment of the test's choice."""

from __future__ import annotations

from pathlib import Path

from benchmarks.execution.executor import _start
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.run_spec import RunSpec


def run_in_process(spec: RunSpec, root: Path, kill_at: int | None = None, delay: float = 0.0) -> int | None:
    """Run in a process of its own; kill it `delay` seconds after it has told of iteration `kill_at`.

    Returns the last iteration it told of before it was killed, None if it ended by itself.
    """
    connection, process = _start(spec, root, False, 1)
    told = 0
    while True:
        try:
            message = connection.recv()
        except EOFError:
            process.join()
            return told
        if isinstance(message, RunOutcome):
            process.join()
            assert message.status == "finished", message.error
            return None
        assert isinstance(message, Progress)
        told = message.iteration
        if kill_at is not None and told >= kill_at:
            connection.poll(delay)
            process.kill()
            kill_at = None
