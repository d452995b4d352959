"""Jobs on a Ray cluster: one Ray task each, whose checkpoints and record come back to this process's store.

The driver alone writes to the store and holds the lock of every run that is under way.  A node works in a folder of its
own, so that nothing needs to be shared; when it is lost, the run goes on elsewhere from the last checkpoint that came
back.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

from benchmarks.execution.carried_files import begun_files, unpack
from benchmarks.execution.executor import PATIENCE, Watcher, counted_interrupts
from benchmarks.execution.ray_connection import bootstrap, connect, raise_file_limit
from benchmarks.execution.ray_mailbox import Mailbox, News
from benchmarks.execution.ray_node import Answer, Order, ancestors, parents_of, sources_of
from benchmarks.execution.ray_places import Places
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import WAITING, RunOutcome, failed_by
from benchmarks.specs.job import J
from environments.typed_options import UsageError
from results.files import StoreError
from results.run_folder import RunFolder
from results.store import Store

#: a run that is lost so often with no checkpoint in between is the reason itself, as where it fills a node's memory
MOST_LOSSES = 5
#: seconds between two looks at runs that another process holds
HELD_INTERVAL = 2.0
LOST = "lost with its node; goes on elsewhere"


class _Held(Exception):
    """Another process holds the run."""


@dataclass
class _Run(Generic[J]):
    job: J
    identity: dict[str, Any]
    folder: RunFolder
    lock: ExitStack
    progress: Progress
    key: int = 0  # of its latest task, whose news alone count
    task: Any = None  # Ray's reference to the answer
    begun: bool = False
    losses: int = 0
    refused: dict[str, str] = field(default_factory=dict)  # nodes that cannot make this run


class RayExecutor:
    """Runs in the order given, as many at a time as the cluster has cores for, `most` at most.

    Interrupts are as `LocalExecutor`'s: Ctrl-C lets each run stop at a checkpoint, which comes back, a second one kills
    them.  When this process dies, Ray ends its runs.
    """

    def __init__(
        self,
        address: str | None = None,
        threads: int = 1,
        most: int | None = None,
        node: str = "benchmarks.execution.ray_node",
    ) -> None:
        """address: of the cluster, as `ray.init` takes it; None: that of this machine, else one that begins here.

        threads: cores that each run is given.  node: the module whose `carry_out` a node calls.
        """
        self.address, self.threads, self.most, self.node = address, threads, most, node

    def run(self, jobs: Sequence[J], root: Path, watcher: Watcher, force: bool = False) -> list[tuple[J, RunOutcome]]:
        """Each run with how it ended.  root: the store's.  force: also what has finished before.

        Raises UsageError without Ray or its cluster.
        """
        connect(self.address)
        raise_file_limit()
        campaign: _Campaign[J] = _Campaign(self, Store(root), watcher, force)
        return campaign.carry_out(list(jobs))


class _Campaign(Generic[J]):
    """One call of the executor."""

    def __init__(self, executor: RayExecutor, store: Store, watcher: Watcher, force: bool) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray, self._threads = ray, executor.threads
        self._places = Places(ray, executor.threads, executor.most)
        self._store, self._watcher, self._force = store, watcher, force
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._mailbox: Any = ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()
        self._remote = ray.remote(bootstrap(executor.node))
        self._active: dict[int, _Run[J]] = {}
        self._held: list[J] = []
        self._told_held: set[str] = set()
        self._outcomes: list[tuple[J, RunOutcome]] = []
        self._tried_at = 0.0
        self._key = 0
        self._stopping = False

    def carry_out(self, waiting: list[J]) -> list[tuple[J, RunOutcome]]:
        with counted_interrupts([]) as interrupts:
            seen = 0
            try:
                while ((waiting or self._held) and not seen) or self._active:
                    self._places.look()
                    if not seen:
                        self._retry_held(waiting)
                        while waiting and len(self._active) < self._places.room and not interrupts:
                            self._begin(waiting.pop(0))
                    self._hear()
                    if self._places.refused and not self._places.count and not seen:
                        self._refuse_all(waiting)
                    if len(interrupts) > seen:
                        seen = len(interrupts)
                        self._watcher.stopping()
                        self._stop(kill=seen > 1)
                    self._watcher.tick()
            finally:
                for run in self._active.values():
                    self._cancel(run)
                    run.lock.close()
                with suppress(Exception):  # it is gone with the cluster
                    self._ray.kill(self._mailbox)
        return self._outcomes

    def _begin(self, job: J) -> None:
        """Takes the run's lock and hands it to the cluster; what another process holds is tried again later."""
        try:
            identity = job.identity()
            folder = self._store.folder(identity)
            begun = {run.folder.path for run in self._active.values()}
            if any(self._store.folder(parent.identity()).path in begun for parent in ancestors(job)):
                self._held.append(job)
                return
            lock = ExitStack()
            lock.enter_context(folder.lock(on_wait=_refuse_to_wait))
        except _Held:
            if job.label not in self._told_held:
                self._told_held.add(job.label)
                self._watcher.started(job)
                self._watcher.progressed(job, Progress(0, 0, job.size, WAITING))
            self._held.append(job)
            return
        except (UsageError, StoreError) as error:
            self._end_unbegun(job, failed_by(error))
            return
        try:
            if self._force:
                folder.clear()
            elif folder.finished:
                lock.close()
                self._end_unbegun(job, RunOutcome("stored"))
                return
            folder.load_checkpoint()
        except StoreError as error:
            lock.close()
            self._end_unbegun(job, failed_by(error))
            return
        self._submit(_Run(job, identity, folder, lock, Progress(0, 0, job.size)))

    def _retry_held(self, waiting: list[J]) -> None:
        if self._held and time.monotonic() >= self._tried_at + HELD_INTERVAL:
            self._tried_at = time.monotonic()
            again, self._held = self._held, []
            waiting += again

    def _submit(self, run: _Run[J]) -> None:
        """Hands it to the cluster, with what is there of it."""
        self._active.pop(run.key, None)
        try:
            files, sources = begun_files(run.folder), sources_of(run.job)
            parents = parents_of(run.job, self._store)
        except StoreError as error:
            self._end(run, failed_by(error))
            return
        self._key += 1
        run.key = self._key
        order = Order(run.key, run.job, run.identity, files, self._threads, sources, parents)
        options = self._places.options(run.refused) | {"name": run.job.label}
        run.task = self._remote.options(**options).remote(pickle.dumps(order), self._mailbox)
        self._active[run.key] = run

    def _hear(self) -> None:
        """Pass on what has been posted, and settle what has ended."""
        from ray.exceptions import RayError

        try:
            posted: dict[int, News] = self._ray.get(self._mailbox.collect.remote(PATIENCE))
        except RayError as error:
            raise StoreError(
                f"the Ray cluster is gone ({_first_line(error)}); the same command goes on from the checkpoints"
            ) from error
        for key, news in posted.items():
            run = self._active.get(key)
            if run is not None:
                self._take(run, news)
        tasks = {run.task: run for run in self._active.values()}
        if not tasks:
            return
        ready, _ = self._ray.wait(list(tasks), num_returns=len(tasks), timeout=0, fetch_local=False)
        for task in ready:
            self._settle(tasks[task])

    def _take(self, run: _Run[J], news: News) -> None:
        self._see_begun(run)
        if news.files is not None:
            try:
                unpack(news.files, run.folder)
            except StoreError as error:  # as where the disk is full
                self._cancel(run)
                self._end(run, failed_by(error))
                return
            run.losses = 0
        if news.progress is not None:
            run.progress = news.progress
            self._watcher.progressed(run.job, news.progress)

    def _settle(self, run: _Run[J]) -> None:
        from ray.exceptions import RayError, RayTaskError

        try:
            answer: Answer | tuple[str, str] = self._ray.get(run.task)
        except RayTaskError as error:
            self._end(run, RunOutcome("failed", str(error)))
            return
        except RayError as error:
            self._lose(run, _first_line(error))
            return
        if isinstance(answer, tuple):  # the node could not even read what it was to do
            answer = Answer(*answer, altogether=True)
        if answer.refused and not self._stopping:
            self._refuse(run, answer)
            return
        if answer.outcome is None:
            self._end(run, RunOutcome("interrupted"))
            return
        try:
            unpack(answer.files, run.folder)
        except StoreError as error:
            self._end(run, failed_by(error))
            return
        if answer.outcome.status == "interrupted" and not self._stopping:
            self._lose(run, "its node stopped it")  # as one does that is taken away with notice
            return
        self._end(run, answer.outcome)

    def _refuse(self, run: _Run[J], answer: Answer) -> None:
        """Goes to another node, if there is one."""
        (self._places.refused if answer.altogether else run.refused)[answer.node] = answer.refused
        self._places.look(now=True)
        if run.refused and not self._places.left_but(run.refused):
            why = "no node of the cluster can make it: " + "; ".join((self._places.refused | run.refused).values())
            self._end(run, RunOutcome("failed", why, refused=True))
        else:
            self._submit(run)

    def _lose(self, run: _Run[J], why: str) -> None:
        """Goes on from the last checkpoint that came back."""
        if self._stopping:
            self._end(run, RunOutcome("interrupted"))
            return
        run.losses += 1
        if run.losses >= MOST_LOSSES:
            self._end(run, RunOutcome("failed", f"{run.job.label} was lost {run.losses} times in a row: {why}"))
            return
        if run.begun:
            self._watcher.progressed(run.job, Progress(run.progress.iteration, 0, run.job.size, LOST))
        self._submit(run)

    def _stop(self, kill: bool) -> None:
        """What has not begun is not begun; what has stops at its next checkpoint, or is killed."""
        self._stopping = True
        self._mailbox.stop.remote()
        self._held.clear()
        for run in list(self._active.values()):
            if kill:
                self._cancel(run)
                self._end(run, RunOutcome("interrupted"))
            elif not run.begun:
                self._cancel(run)
                run.lock.close()
                del self._active[run.key]

    def _refuse_all(self, waiting: list[J]) -> None:
        """No node is left that may carry out any."""
        why = "no node of the cluster has what these runs were planned with: " + "; ".join(
            self._places.refused.values()
        )
        outcome = RunOutcome("failed", why, refused=True)
        for run in list(self._active.values()):
            self._cancel(run)
            self._end(run, outcome)
        for job in waiting:
            self._end_unbegun(job, outcome)
        waiting.clear()

    def _see_begun(self, run: _Run[J]) -> None:
        if not run.begun:
            run.begun = True
            if run.job.label not in self._told_held:
                self._watcher.started(run.job)

    def _end(self, run: _Run[J], outcome: RunOutcome) -> None:
        self._see_begun(run)
        run.lock.close()
        self._active.pop(run.key, None)
        self._outcomes.append((run.job, outcome))
        self._watcher.ended(run.job, outcome)

    def _end_unbegun(self, job: J, outcome: RunOutcome) -> None:
        if job.label not in self._told_held:
            self._watcher.started(job)
        self._outcomes.append((job, outcome))
        self._watcher.ended(job, outcome)

    def _cancel(self, run: _Run[J]) -> None:
        with suppress(Exception):  # it may just have ended, or its node be gone
            self._ray.cancel(run.task, force=True)


def _refuse_to_wait() -> None:
    raise _Held


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
