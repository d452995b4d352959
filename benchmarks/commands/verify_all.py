"""`metarl verify --all`: makes stored results again, many at a time, and writes an attestation as each one ends."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from benchmarks.commands.jobs import INTERRUPTED
from benchmarks.commands.text_table import text_table
from benchmarks.commands.verify import load_run
from benchmarks.execution.executor import Executor, LocalExecutor
from benchmarks.execution.progress import PlainDisplay, as_time, make_display
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.job import AnyJob
from benchmarks.specs.provenance import checkout
from benchmarks.specs.time_estimates import makespan
from benchmarks.verification.attesting import DIFFERS, ELSEWHERE, attest, attest_by_sample, clean_commit, judge
from benchmarks.verification.plan import Item, Plan, Selection, plan_verification, require_results
from environments.typed_options import UsageError
from reports.text.numbers import plural
from results.files import StoreError, printable
from results.run_folder import LOCK, RunFolder
from results.store import Store

FAILED = "failed"


@dataclass
class Making:
    """One record to be made, and the stored results that it would be: some differ in the code that made them alone.

    The progress display shows it under a label of its own: those of one store's jobs are not all different.
    """

    job: AnyJob
    items: list[Item]
    seconds: float

    def __post_init__(self) -> None:
        self.label, self.size, self.unit = self.items[0].label, self.job.size, self.job.unit


class Verification:
    """Carries out a plan: told of each job by the executor, it compares it and writes what that says."""

    def __init__(self, plan: Plan, scratch: Store, write: bool, commit: str | None) -> None:
        self.plan = plan
        self.outcomes: Counter[str] = Counter()
        self.differing: list[str] = []
        self.agreeing: set[str] = set()  # places
        self.unwritten: str | None = None
        self.makings = _makings(plan.to_make, scratch)
        self._scratch = scratch
        self._write = write
        self._commit = commit
        self._by_job = {id(making.job): making for making in self.makings}
        #: of runs that others, which are still to be made, begin with
        self._parents = {
            scratch.folder(run.identity()).path for making in self.makings for run in making.job.parent_runs.values()
        }
        self._display: PlainDisplay

    def run(self, workers: int, executor: Executor | None = None) -> bool:
        """Makes what is to be made, the longest first; returns whether all of it ended by itself."""
        jobs = [making.job for making in self.makings]
        with make_display({making.label: making.seconds for making in self.makings}, workers) as self._display:
            outcomes = (executor or LocalExecutor(workers)).run(jobs, self._scratch.root, self)
        return len(outcomes) == len(jobs) and all(ended.status != "interrupted" for _, ended in outcomes)

    def mark_samples(self) -> None:
        """Every other result of a cell whose sample agreed stands by it, unless it was made again itself."""
        for cell, made in self.plan.cells:
            sample = made or cell.proven_by
            if sample is None or (made is not None and made.place not in self.agreeing):
                silent = sum(item is not made and not item.reason for item in cell.items)
                self.outcomes["without a word: their sample did not come out"] += silent
                continue
            for item in cell.items:
                heard = any(entry.code == item.code and not entry.merged for entry in item.attestations)
                if item is sample or item.reason or heard or item.code == item.stored.identity["code"]:
                    continue
                try:
                    if self._write:
                        attest_by_sample(item.stored, item.code, sample.place, self._commit)
                    self.outcomes["by sample"] += 1
                except StoreError as error:
                    self.unwritten = self.unwritten or str(error)

    def started(self, job: AnyJob) -> None:
        self._display.started(self._making(job))

    def progressed(self, job: AnyJob, progress: Progress) -> None:
        self._display.progressed(self._making(job), progress)

    def ended(self, job: AnyJob, ended: RunOutcome) -> None:
        making = self._making(job)
        self._display.ended(making, ended)
        if ended.status == "failed":
            for item in making.items:
                self.outcomes[FAILED] += 1
                self.differing.append(f"{item.place} failed: {(ended.error.strip().splitlines() or ['?'])[-1]}")
        elif ended.status != "interrupted":
            self._compare(making)

    def stopping(self) -> None:
        self._display.stopping()

    def tick(self) -> None:
        self._display.tick()

    def _compare(self, making: Making) -> None:
        folder = self._scratch.folder(making.job.identity()).path
        made, settled = load_run(folder), self._write
        for item in making.items:
            judgement = judge(item.stored, made)
            self.outcomes[_as_text(judgement.outcome, judgement.why)] += 1
            if judgement.agrees:
                self.agreeing.add(item.place)
            if judgement.outcome == DIFFERS:
                self.differing.append(f"{item.place} differs first in {judgement.why}")
            settled = settled and judgement.agrees
            try:
                if self._write:
                    attest(item.stored, made, judgement, self._commit)
            except StoreError as error:
                self.unwritten, settled = self.unwritten or str(error), False
        if settled and folder not in self._parents:  # what is not is found again if the command is killed and goes on
            shutil.rmtree(folder, ignore_errors=True)

    def _making(self, job: AnyJob) -> Making:
        return self._by_job[id(job)]


def verify_all(
    root: Path,
    choice: Selection,
    workers: int,
    write: bool = True,
    dry_run: bool = False,
    executor: Executor | None = None,
) -> int:
    """Makes the chosen results of the store again and says what came out; returns the command's exit code.

    write: attestations, from a tree without changes.  Raises UsageError, also where such a tree has some, or where
    another command does the same with this store.
    """
    require_results(root)  # a wrong folder is named before changes that would not matter there
    commit = clean_commit() if write and not dry_run else None
    plan = plan_verification(root, choice)
    for problem in plan.problems:
        print(f"metarl: left out: {problem}", file=sys.stderr)
    if dry_run:
        return _show(plan, workers)
    with _alone(root, scratch_of(root)) as scratch:
        _drop_foreign(scratch, checkout())
        verification = Verification(plan, scratch, write, commit)
        whole = verification.run(workers, executor) if plan.to_make else True
        if not whole:
            print(f"stopped after {verification.outcomes.total()}; the same command goes on", file=sys.stderr)
            return INTERRUPTED
        verification.mark_samples()
        _empty(scratch)
    print("\n".join(_table(plan, verification.outcomes)))
    if verification.differing:
        print("did not come out again:", *(f"  {printable(line)}" for line in sorted(verification.differing)), sep="\n")
    if verification.unwritten is not None:
        print(f"metarl: attestations could not be written: {verification.unwritten}", file=sys.stderr)
    print(f"verified: {root}")
    if verification.differing:
        return 1
    return 2 if plan.problems else 0


def scratch_of(root: Path) -> Path:
    """Where results of the store are made again: the same place each time, so that a killed command goes on."""
    key = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"metarl-verify-{os.getuid()}-{key}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise UsageError(f"{folder} is another user's; remove it, or set TMPDIR to a folder of your own")
    return folder


@contextmanager
def _alone(root: Path, folder: Path) -> Iterator[Store]:
    """The store's scratch place, held against other commands, which would drop and remove what this one makes.

    The system releases it if its holder dies.  Raises UsageError if another command holds it.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise UsageError(
            f"another `metarl verify --all` makes results of {root} again, in {folder}; wait for it to end, or name "
            "another folder"
        ) from None
    try:
        yield Store(folder)
    finally:
        lock.release()


def _empty(scratch: Store) -> None:
    """All but the lock: another command may have opened it, and would then hold what nobody else sees."""
    for entry in scratch.root.iterdir():
        if entry.name != LOCK:
            shutil.rmtree(entry, ignore_errors=True)


def _drop_foreign(scratch: Store, here: tuple[str | None, bool | None]) -> None:
    """What an earlier command left goes on only if this very commit, without changes, made it."""
    for file in sorted(scratch.root.glob("*/**/run.json")):
        try:
            run = RunFolder(file.parent, read_only=True).read_run()
        except StoreError:
            run = None
        made = run["provenance"] if run is not None else {}
        if (made.get("commit"), made.get("dirty")) != here or made.get("dirty"):
            shutil.rmtree(file.parent)


def _makings(items: Sequence[Item], scratch: Store) -> list[Making]:
    """The longest first."""
    together: dict[Path, tuple[AnyJob, list[Item]]] = {}
    for item in items:
        assert item.spec is not None
        together.setdefault(scratch.folder(item.spec.identity()).path, (item.spec, []))[1].append(item)
    makings = [Making(job, members, members[0].expected_seconds()) for job, members in together.values()]
    return sorted(makings, key=lambda making: -making.seconds)


def _show(plan: Plan, workers: int) -> int:
    """`--dry-run`"""
    seconds = [item.expected_seconds() for item in plan.to_make]
    rows = [(item.place, f"about {as_time(time)}") for item, time in zip(plan.to_make, seconds, strict=True)]
    print("\n".join([*text_table(rows), *_table(plan, Counter())]))
    print(
        f"{len(rows)} would be made again: about {as_time(sum(seconds))} of one core, "
        f"{as_time(makespan(seconds, workers))} with {plural(workers, 'worker')}"
    )
    return 2 if plan.problems else 0


def _table(plan: Plan, outcomes: Counter[str]) -> list[str]:
    counts = outcomes + Counter({"made again here before, by this code": len(plan.done)})
    counts += Counter(_as_text(ELSEWHERE, item.reason) for item in plan.impossible)
    return text_table((count, text) for text, count in sorted(counts.items()))


def _as_text(outcome: str, why: str) -> str:
    return f"{outcome}: {why}" if outcome == ELSEWHERE else outcome
