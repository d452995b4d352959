"""One run's or study's folder: its attempts, its checkpoint, and the record that appears at its end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock, Timeout

from results import checkpoints
from results.files import (
    PARTIAL,
    StoreError,
    damaged,
    make_folder,
    read_bytes,
    read_json,
    reason,
    sha256_of,
    sync_folder,
    write_json,
    write_whole,
)
from results.identity import run_digest
from results.record_schema import OUTCOMES, seal_holds, sealed, wrong_in_done, wrong_in_run
from results.tables import RUN_TABLES, STUDY_TABLES, Rows, Tables, write_table

SCHEMA = 1
RUN, DONE, CHECKPOINT, LOCK = "run.json", "done.json", "checkpoint", "lock"
ARTEFACTS, STATE = "artefacts", "state"
#: beside a finished record: who made it again
ATTESTATIONS = "attestations"
#: characters that are kept of an error, from its beginning and its end
ERROR_LIMIT = 50_000


class RunFolder:
    """The folder of one run; who writes to it holds its lock.  Nothing is made before the first write."""

    #: what its record is made of
    tables: ClassVar[Tables] = RUN_TABLES

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only

    @property
    def digested(self) -> tuple[str, ...]:
        """The files that the same run writes again byte for byte."""
        return tuple(name for name, table in self.tables.items() if table.digested)

    @property
    def finished(self) -> bool:
        """Whether the run's record is complete.  Raises StoreError if done.json is damaged."""
        return self.read_done() is not None

    def read_done(self) -> dict[str, Any] | None:
        """done.json, or None while the run has not finished.  Raises StoreError if it is damaged."""
        path = self.path / DONE
        done = read_json(path)
        if done is None:
            return None
        digests = done.get("digests")
        if (
            not isinstance(digests, dict)
            or set(digests) != set(self.digested)
            or not all(map(_is_digest, digests.values()))
        ):
            raise damaged(path, f"it must hold a SHA-256 for each of {', '.join(self.digested)}")
        if not seal_holds(done):
            raise damaged(path, "its seal is not that of its content")
        if wrong := wrong_in_done(done, self.tables is STUDY_TABLES):
            raise damaged(path, wrong)
        return done

    def read_run(self) -> dict[str, Any] | None:
        """run.json, or None if no attempt has begun.  Raises StoreError if it is damaged or was changed."""
        path = self.path / RUN
        run = read_json(path)
        if run is None:
            return None
        if run.get("schema") != SCHEMA:
            raise StoreError(f"{path} has schema {run.get('schema')!r}; this version reads schema {SCHEMA}")
        kinds = {"identity": dict, "description": dict, "provenance": dict, "attempts": list}
        wrong = [key for key, kind in kinds.items() if not isinstance(run.get(key), kind)]
        if wrong:
            raise damaged(path, f"{', '.join(wrong)} is missing or of another type")
        try:
            digest = run_digest(run["identity"])
        except (TypeError, ValueError, RecursionError) as error:
            raise damaged(path, f"its identity has no digest ({reason(error)})") from error
        if run.get("digest") != digest:
            raise damaged(path, f"its digest {run.get('digest')!r} is not that of its identity")
        if not seal_holds(run):
            raise damaged(path, "its seal is not that of its content")
        if why := wrong_in_run(run):
            raise damaged(path, why)
        return run

    @contextmanager
    def lock(self, wait: bool = True, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the run against other processes; the system releases it if its holder dies.

        on_wait: called once if another process holds it.  Who has waited must look at `finished` again.
        Raises StoreError if it cannot be had, or if it is held and `wait` is false.
        """
        self._prepare_write()
        lock = FileLock(self.path / LOCK)
        if not _acquired(lock, blocking=False):
            if not wait:
                raise StoreError(f"{self.path} is in use by another process; wait for it to end")
            if on_wait is not None:
                on_wait()
            _acquired(lock, blocking=True)
        try:
            yield
        finally:
            lock.release()

    def begin_attempt(self, run: Mapping[str, Any], resumed_at_iteration: int = 0) -> None:
        """Record that an attempt runs from now on; one that died while running becomes "interrupted".

        run: `identity`, `description` and `provenance` as in run.json.  Earlier attempts are kept.
        Raises StoreError if the run has finished, if the folder holds another run, or if the record could not be read
        again.
        """
        self._refuse_finished()
        self._prepare_write()
        if wrong := wrong_in_run({**run, "attempts": []}):
            raise StoreError(f"{self.path} cannot be recorded: {wrong}")
        for folder in (self.path, self.path / ARTEFACTS):
            for leftover in folder.glob(f".*{PARTIAL}"):
                with suppress(OSError):
                    leftover.unlink()
        digest = run_digest(run["identity"])
        earlier = self.read_run() or {"digest": digest, "attempts": []}
        if earlier["digest"] != digest:
            raise StoreError(f"{self.path} holds the run {earlier['digest'][:12]}, not {digest[:12]}; move it away")
        attempts = earlier["attempts"]
        for attempt in attempts:
            # one that is "finished" here died after saying so and before done.json
            if attempt["outcome"] in ("running", "finished"):
                attempt["outcome"] = "interrupted"
        attempts.append(
            {
                "started": _now(),
                "ended": None,
                "resumed_at_iteration": resumed_at_iteration,
                "outcome": "running",
                "error": None,
            }
        )
        record = {"schema": SCHEMA, "identity": run["identity"], "digest": digest}
        record |= {key: run[key] for key in ("description", "provenance")}
        write_json(self.path / RUN, sealed({**record, "attempts": attempts}))

    def end_attempt(self, outcome: str, error: str | None = None) -> None:
        """Record how the latest attempt ended: "finished", "failed" (with its traceback) or "interrupted"."""
        if outcome not in OUTCOMES:
            raise ValueError(f"outcome {outcome!r} must be one of {', '.join(OUTCOMES)}")
        run = self._begun()
        attempt = run["attempts"][-1]
        if attempt["outcome"] == outcome == "finished":
            return
        attempt.update(ended=_now(), outcome=outcome, error=None if error is None else kept_error(error))
        write_json(self.path / RUN, sealed(run))

    def correct_provenance(self, values: Mapping[str, Any]) -> None:
        """Put these values into the provenance of what is recorded; nothing happens where no attempt has begun.

        Raises StoreError if the record is damaged or cannot be written.
        """
        run = self.read_run()
        if run is not None:
            self._prepare_write()
            write_json(self.path / RUN, sealed({**run, "provenance": {**run["provenance"], **values}}))

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint, whole or not at all; see `checkpoints.save_checkpoint`."""
        self._prepare_write()
        checkpoints.save_checkpoint(self.path / CHECKPOINT, state)

    def load_checkpoint(self) -> dict[str, Any] | None:
        """The latest checkpoint, None if there is none.  Raises StoreError if it is damaged."""
        path = self.path / CHECKPOINT
        return checkpoints.load_checkpoint(path) if path.exists() else None

    def drop_checkpoint(self) -> None:
        """The run begins anew."""
        self._prepare_write()
        (self.path / CHECKPOINT).unlink(missing_ok=True)

    def keep_artefact(self, name: str, content: bytes) -> None:
        """Write `artefacts/<name>`: what a finished run leaves beside its tables, digested by nobody."""
        self._prepare_write()
        make_folder(self.path / ARTEFACTS)
        write_whole(self.path / ARTEFACTS / name, content)

    def keep_state(self, state: dict[str, Any]) -> None:
        """Write the trained algorithm's state as `artefacts/state`, in the form of a checkpoint."""
        self._prepare_write()
        make_folder(self.path / ARTEFACTS)
        checkpoints.save_checkpoint(self.path / ARTEFACTS / STATE, state)

    def load_state(self) -> dict[str, Any] | None:
        """The trained algorithm's state; None where it was not kept (shipped runs).  Raises StoreError if damaged."""
        path = self.path / ARTEFACTS / STATE
        return checkpoints.load_checkpoint(path) if path.exists() else None

    def finish(
        self, scores: Rows, learning: Rows, training: Rows, timing: Rows, environment_steps: int, iterations: int
    ) -> None:
        """Write a run's record, as `finish_record` does."""
        rows = dict(zip(self.tables, (scores, learning, training, timing), strict=True))
        self.finish_record(rows, {"environment_steps": environment_steps, "iterations": iterations})

    def finish_record(self, rows: Mapping[str, Rows], counts: Mapping[str, int]) -> None:
        """Write the record, end the attempt as "finished", write done.json last, and remove the checkpoint.

        rows: of each of `tables`.  counts: what done.json says beside the digests.
        Killed before done.json, the run has not finished and still has its checkpoint.
        """
        self._begun()
        self._refuse_finished()
        for name, table in self.tables.items():
            write_table(self.path / name, rows[name], table.schema)
        self.end_attempt("finished")
        digests = {name: sha256_of(self.path / name) for name in self.digested}
        write_json(self.path / DONE, sealed({"digests": digests, **counts}))
        self.sweep()

    def sweep(self) -> None:
        """Remove the checkpoint of a run that has finished, which a kill at the end may have left beside the record."""
        if not self.read_only:
            with suppress(OSError):  # left there it does no harm
                (self.path / CHECKPOINT).unlink(missing_ok=True)

    def copy_from(self, other: RunFolder) -> None:
        """Take over the record of the same run from elsewhere: plain copying, done.json last."""
        self.clear()
        records = [other.path / name for name in (RUN, *self.tables)]
        artefacts = [] if (other.path / ARTEFACTS).is_symlink() else sorted((other.path / ARTEFACTS).rglob("*"))
        for source in [*filter(Path.exists, records), *artefacts, other.path / DONE]:
            if source.is_file() and not source.is_symlink():  # a link may lead anywhere
                target = self.path / source.relative_to(other.path)
                make_folder(target.parent)
                write_whole(target, read_bytes(source))

    def clear(self) -> None:
        """Remove everything but the lock, so that the run begins anew; done.json goes first.  Raises StoreError."""
        self._prepare_write()
        if self.path.is_symlink():
            raise StoreError(f"cannot clear {self.path}: it is a link, which may lead anywhere; remove it")
        try:
            (self.path / DONE).unlink(missing_ok=True)
            sync_folder(self.path)
            for entry in self.path.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry.name != LOCK:
                    entry.unlink()
        except OSError as error:
            raise StoreError(f"cannot clear {self.path}: {reason(error)}") from error

    def _prepare_write(self) -> None:
        if self.read_only:
            raise StoreError(f"{self.path} belongs to a read-only store; use another results folder")
        make_folder(self.path)

    def _begun(self) -> dict[str, Any]:
        self._prepare_write()
        run = self.read_run()
        if run is None or not run["attempts"]:
            raise RuntimeError(f"no attempt has begun in {self.path}")
        return run

    def _refuse_finished(self) -> None:
        if self.finished:
            raise StoreError(f"{self.path} holds a finished run; it is run again only with --force")


class StudyFolder(RunFolder):
    """The folder of one study, kept as a run's is, with a record of its own."""

    tables = STUDY_TABLES


def _acquired(lock: FileLock, blocking: bool) -> bool:
    try:
        lock.acquire(blocking=blocking)
    except Timeout:
        return False
    except OSError as error:
        raise StoreError(f"cannot lock {lock.lock_file}: {reason(error)}; use another results folder") from error
    return True


def kept_error(error: str) -> str:
    """What is kept of a traceback or an error: no more than ERROR_LIMIT characters, each of which can be written."""
    text = error.encode(errors="backslashreplace").decode()
    cut = len(text) - ERROR_LIMIT
    half = ERROR_LIMIT // 2
    return text if cut <= 0 else f"{text[:half]}\n[... {cut:,} characters left out ...]\n{text[-half:]}"


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
