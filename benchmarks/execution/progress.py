"""Progress of many runs: a live display on a terminal, plain lines elsewhere; rate and time left in both."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol, Self

from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

#: seconds between two plain status lines
STATUS_INTERVAL = 15.0
REDRAW_INTERVAL = 0.2


class Shown(Protocol):
    """What is shown of a job.  `label`: unlike any other's.  `size`: how many of its `unit`, steps or parts, it has."""

    @property
    def label(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def unit(self) -> str: ...


@dataclass
class _Active:
    job: Shown
    progress: Progress
    first_step: int | None = None  # environment steps when first heard of: those of a resumed run took no time now


class Tracker:
    """Counts what is done, in environment steps for the rate and in expected seconds for the time left."""

    def __init__(
        self, expected: Mapping[str, float], workers: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.expected = expected
        self.workers = workers
        self.active: dict[str, _Active] = {}
        self.done = self.failed = self.steps_done = 0
        self._seconds_done = 0.0
        self._clock = clock
        self._started = clock()

    def started(self, job: Shown) -> None:
        self.active[job.label] = _Active(job, Progress(0, 0, job.size, "starting"))

    def progressed(self, job: Shown, progress: Progress) -> None:
        run = self.active[job.label]
        run.progress = progress
        if run.first_step is None:
            run.first_step = progress.environment_steps

    def ended(self, job: Shown, ended: RunOutcome) -> None:
        run = self.active.pop(job.label)
        self.done += 1
        self.failed += ended.status == "failed"
        self.steps_done += _steps_now(run)
        self._seconds_done += self.expected[job.label]

    @property
    def elapsed(self) -> float:
        return self._clock() - self._started

    @property
    def rate(self) -> float:
        """Environment steps of training a second, all workers together."""
        return (self.steps_done + sum(map(_steps_now, self.active.values()))) / max(self.elapsed, 1e-9)

    @property
    def fraction(self) -> float:
        """Of the expected seconds of work."""
        now = sum(self.expected[label] * fraction_of(run.progress) for label, run in self.active.items())
        return min((self._seconds_done + now) / max(sum(self.expected.values()), 1e-9), 1.0)

    @property
    def left(self) -> float:
        """Seconds left: by the pace so far, by the estimate while there is none."""
        if self.fraction < 0.02:
            return sum(self.expected.values()) / self.workers
        return self.elapsed * (1 - self.fraction) / self.fraction

    def summary(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return (
            f"{self.done}/{len(self.expected)} runs{failed}, {self.rate:,.0f} steps/s, "
            f"{as_time(self.elapsed)} so far, about {as_time(self.left)} left"
        )


class PlainDisplay:
    """A line for each run that ends, and now and then one on the whole."""

    def __init__(self, tracker: Tracker, stream: IO[str]) -> None:
        self.tracker = tracker
        self._stream = stream
        self._status_at = STATUS_INTERVAL

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()

    def started(self, job: Shown) -> None:
        self.tracker.started(job)

    def progressed(self, job: Shown, progress: Progress) -> None:
        self.tracker.progressed(job, progress)

    def ended(self, job: Shown, ended: RunOutcome) -> None:
        self.tracker.ended(job, ended)
        self._write(f"{ended.status}: {job.label}  ({self.tracker.summary()})")

    def stopping(self) -> None:
        self._write("stopping: each run ends at its next checkpoint (Ctrl-C again to kill)")

    def tick(self) -> None:
        if self.tracker.elapsed >= self._status_at:
            self._status_at = self.tracker.elapsed + STATUS_INTERVAL
            now = "; ".join(f"{label} {fraction_of(run.progress):.0%}" for label, run in self.tracker.active.items())
            self._write(f"{self.tracker.summary()}; now: {now or 'nothing'}")

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class LiveDisplay(PlainDisplay):
    """One bar for the whole and one for each run in progress, redrawn in place below the lines."""

    def __init__(self, tracker: Tracker, console: Console) -> None:
        super().__init__(tracker, console.file)
        self._console = console
        self._live: Live | None = None
        self._drawn_at = 0.0

    def __enter__(self) -> Self:
        from rich.live import Live

        self._live = Live(console=self._console, get_renderable=self._rows, auto_refresh=False, transient=True)
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def tick(self) -> None:
        if self._live is not None and self.tracker.elapsed >= self._drawn_at + REDRAW_INTERVAL:
            self._drawn_at = self.tracker.elapsed
            self._live.refresh()

    def _write(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)

    def _rows(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        table = Table.grid(padding=(0, 1))
        table.add_row("all runs", ProgressBar(1.0, self.tracker.fraction, width=30), self.tracker.summary())
        for label, run in self.tracker.active.items():
            state = run.progress
            detail = f"iteration {state.iteration}, {state.environment_steps:,}/{state.budget:,} {run.job.unit} "
            detail += state.message
            table.add_row(label, ProgressBar(1.0, fraction_of(state), width=30), detail)
        return table


def make_display(expected: Mapping[str, float], workers: int, stream: IO[str] | None = None) -> PlainDisplay:
    """The display that suits the stream (standard error if not given).  expected: seconds of each run's label."""
    stream = sys.stderr if stream is None else stream
    tracker = Tracker(expected, workers)
    if stream.isatty():
        from rich.console import Console

        return LiveDisplay(tracker, Console(file=stream))
    return PlainDisplay(tracker, stream)


def fraction_of(progress: Progress) -> float:
    """How much of a run's budget is spent."""
    return min(progress.environment_steps / max(progress.budget, 1), 1.0)


def as_time(seconds: float) -> str:
    """`45 s`, `12 min`, `1 h 05 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def _steps_now(run: _Active) -> int:
    return run.progress.environment_steps - (run.first_step or 0)
