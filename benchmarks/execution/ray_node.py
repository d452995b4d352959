"""One run on a node of a Ray cluster: whether this node may carry it out, its worker, and what goes back."""

from __future__ import annotations

import os
import platform
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.execution.carried_files import Files, begun_files, kept_files, unpack
from benchmarks.execution.executor import LocalExecutor
from benchmarks.execution.parents import standing_run
from benchmarks.execution.ray_mailbox import News
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.job import AnyJob
from benchmarks.specs.run_spec import RunSpec
from results.files import StoreError
from results.run_folder import CHECKPOINT, RunFolder
from results.store import Store

#: seconds between two words of a run
BEAT = 1.0
#: fields of a job that name a loose file
SOURCES = ("source", "suite_source")


@dataclass(frozen=True)
class Order:
    """All that a node is given.  `identity`: as the driver planned it.  `files`: what is there of an earlier attempt.

    `sources`: texts of loose files, by the fields of the job that name them.  `parents`: identities and records of the
    runs that it begins with.
    """

    key: int
    job: AnyJob
    identity: Mapping[str, Any]
    files: Files
    threads: int = 1
    sources: Mapping[str, bytes] = field(default_factory=dict)
    parents: Sequence[tuple[Mapping[str, Any], Files]] = ()


@dataclass(frozen=True)
class Answer:
    """`refused`: why this node may not, or cannot, carry out the run, and by `altogether` any other; else how it ended,
    and its files."""

    node: str
    refused: str = ""
    altogether: bool = False
    outcome: RunOutcome | None = None
    files: Files = field(default_factory=dict)


def carry_out(order: Order, mailbox: Any) -> Answer:
    """The whole run within a folder of its own, which goes back; called in the main thread of a Ray worker."""
    import ray

    node = ray.get_runtime_context().get_node_id()
    with (
        tempfile.TemporaryDirectory(prefix="metarl-", ignore_cleanup_errors=True) as scratch,
        own_files(order, Path(scratch)) as job,
    ):
        differing, altogether = differences(job, order.identity)
        if differing:
            return Answer(node, f"node {node[:12]} ({platform.node()}): {differing}", altogether)
        folder_of = Store(Path(scratch) / "store").folder
        folder = folder_of(order.identity)
        unpack(order.files, folder)
        for identity, files in order.parents:
            unpack(files, folder_of(identity))
        telling = _Telling(order.key, node, folder, mailbox)
        outcomes = LocalExecutor(1, order.threads).run([job], Path(scratch) / "store", telling)
        outcome = outcomes[0][1] if outcomes else RunOutcome("interrupted")
        if job is not order.job:  # the record names loose files where the driver has them
            paths = {name: getattr(order.job, name, None) for name in SOURCES}
            folder.correct_provenance({name: path for name, path in paths.items() if path is not None})
        return Answer(node, outcome=outcome, files=kept_files(folder))


def differences(job: AnyJob, identity: Mapping[str, Any]) -> tuple[str, bool]:
    """What of the run would be another here, in one line, empty if nothing is; and whether software or code is."""
    try:
        here = {**job.identity(), "code": job.code_now()}
    except Exception as error:  # whatever is missing here, an algorithm or a file of prices
        return f"{job.label} cannot be made there: {str(error).strip() or type(error).__name__}", False
    there, ours = _flat(here), _flat(identity)
    differing = {
        name: f"{name} is {_short(there.get(name))}, not {_short(ours.get(name))}"
        for name in sorted(there.keys() | ours.keys())
        if there.get(name) != ours.get(name)
    }
    text = f"of {job.label}, {'; '.join(differing.values())}" if differing else ""
    return text, any(name == "code" or name.startswith("versions ") for name in differing)


class _Telling:
    """Posts the run's progress and new checkpoints, and tells the executor here when the driver wants it to stop."""

    def __init__(self, key: int, node: str, folder: RunFolder, mailbox: Any) -> None:
        self._key, self._node, self._folder, self._mailbox = key, node, folder, mailbox
        self._progress: Progress | None = None
        self._sent = self._version()
        self._reply: Any = None
        self._next = 0.0
        self._stopped = False

    def started(self, job: AnyJob) -> None:
        self.tick()

    def progressed(self, job: AnyJob, progress: Progress) -> None:
        self._progress = progress
        self.tick()

    def ended(self, job: AnyJob, ended: RunOutcome) -> None: ...
    def stopping(self) -> None: ...

    def tick(self) -> None:
        """Raises a RayError once the driver is gone, which ends the run here."""
        import ray

        if self._reply is not None and ray.wait([self._reply], timeout=0)[0]:
            reply, self._reply = self._reply, None
            if ray.get(reply) and not self._stopped:
                self._stopped = True
                # as Ctrl-C does here; Ray's workers block SIGINT
                os.kill(os.getpid(), signal.SIGTERM)
        if self._reply is None and time.monotonic() >= self._next:
            self._next = time.monotonic() + BEAT
            version, files = self._version(), None
            if version != self._sent:
                self._sent, files = version, begun_files(self._folder)
            self._reply = self._mailbox.post.remote(self._key, News(self._node, self._progress, files))
            self._progress = None

    def _version(self) -> tuple[int, int] | None:
        try:
            status = (self._folder.path / CHECKPOINT).stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns


@contextmanager
def own_files(order: Order, scratch: Path) -> Iterator[AnyJob]:
    """The job, with loose files that this node does not have, or has otherwise, taken from the order."""
    moved: dict[str, str] = {}
    for number, (name, content) in enumerate(order.sources.items()):
        path, _, class_name = getattr(order.job, name).partition(":")
        if not Path(path).is_file() or Path(path).read_bytes() != content:
            own = scratch / f"own-{number}" / Path(path).name
            own.parent.mkdir(parents=True)
            own.write_bytes(content)
            moved[name] = f"{own}:{class_name}" if class_name else str(own)
    yield replace(order.job, **moved) if moved else order.job  # type: ignore[type-var]


def sources_of(job: AnyJob) -> dict[str, bytes]:
    """The texts of the loose files that it names, by field.  Raises StoreError."""
    found: dict[str, bytes] = {}
    for name in SOURCES:
        path = Path((getattr(job, name, None) or "").partition(":")[0])
        if path.suffix == ".py":
            try:
                found[name] = path.read_bytes()
            except OSError as error:
                raise StoreError(f"cannot read {path}: {error.strerror}") from error
    return found


def ancestors(job: AnyJob) -> Iterator[RunSpec]:
    """The runs that it begins with, each after its own."""
    for parent in job.parent_runs.values():
        yield from ancestors(parent)
        yield parent


def parents_of(job: AnyJob, store: Store) -> list[tuple[Mapping[str, Any], Files]]:
    """Identities and records of those that have finished, by today's code or by what attestations prove equal to it."""
    standing = [standing_run(parent, store) for parent in ancestors(job)]
    return [(stored.identity, kept_files(RunFolder(stored.path))) for stored in standing if stored is not None]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{prefix}{name} ") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def _short(value: Any) -> str:
    text = str(value)
    digest = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:12] if digest else text
