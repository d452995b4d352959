"""What an executor tells while it runs, for tests of it."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.job import AnyJob


class Recorder:
    """A watcher that remembers, and may act on what it sees."""

    def __init__(self, on_progress: Callable[[AnyJob, Progress], None] = lambda spec, progress: None) -> None:
        self.begun: list[str] = []
        self.outcomes: dict[str, RunOutcome] = {}
        self.told_to_stop = 0
        self._on_progress = on_progress

    def started(self, spec: AnyJob) -> None:
        self.begun.append(spec.label)

    def progressed(self, spec: AnyJob, progress: Progress) -> None:
        self._on_progress(spec, progress)

    def ended(self, spec: AnyJob, ended: RunOutcome) -> None:
        self.outcomes[spec.label] = ended

    def stopping(self) -> None:
        self.told_to_stop += 1

    def tick(self) -> None:
        pass
