"""SIGKILL of the driver, of a worker and of the server that workers are forked from, at random moments, then again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import forkserver
from pathlib import Path

from benchmarks.commands.jobs import missing
from benchmarks.execution.executor import LocalExecutor, start_server
from benchmarks.specs.run_spec import RunSpec
from results.files import PARTIAL
from results.store import Store
from tests.campaigns.hostile_algorithms import Quiet
from tests.campaigns.outcome import Outcome
from tests.campaigns.processes import left_over, marked, processes, servers
from tests.support.adapters import contents, small_plan, write_good

ROOT = Path(__file__).parents[2]
#: whom a kill may hit, with how often it does
VICTIMS = {"driver": 6, "worker": 13, "server": 1}
#: seconds in which the moment of a kill is drawn, after the one before
WINDOW = 0.8
#: runs of each round
RUNS = 4
#: a profile of runs of a second, with a checkpoint every other iteration
SHORT = """
seeds = 2
budget = 2_000
adaptation_steps = 1
trajectories = 2
evaluations = 1
checkpoint_every = 2
config = { tasks = 2, trajectories = 2, hidden = [8] }
"""


def campaign(scale: int, seed: int) -> Outcome:
    """Rounds until `scale` processes were killed; each goes on until all its runs have finished."""
    moments = random.Random(seed)
    found = Outcome("SIGKILL at random moments, then the same command", "kills")
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder, marked(Path(folder)) as mark, _heard(found):
        specs = [replace(spec, checkpoint_every=3) for spec in small_plan(write_good(Path(folder)), seeds=RUNS)]
        start_server()
        whole = Path(folder, "whole")
        LocalExecutor(2).run(specs, whole, Quiet())
        expected = _bytes(specs, whole)
        number = 0
        while found.cases.total() < scale:
            number += 1
            _round(specs, Path(folder, f"round-{number}"), expected, moments, scale, mark, found)
        found.notes.append(f"{number} rounds of {RUNS} runs on 2 workers")
    return found


@contextmanager
def _heard(found: Outcome) -> Iterator[None]:
    """A traceback that this process, or one that begins within, writes on the standard error is a fault."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            written.seek(0)
            _no_traceback(written.read(), found)


def _no_traceback(written: bytes, found: Outcome) -> None:
    for trace in written.decode(errors="replace").split("Traceback (most recent call last)")[1:]:
        found.fault("standard error", f"a traceback: {trace.strip()[-300:]}")


def _round(
    specs: Sequence[RunSpec], store: Path, expected: dict[str, dict[str, bytes]], moments: random.Random, scale: int,
    mark: str, found: Outcome,
) -> None:  # fmt: skip
    finished: dict[str, dict[str, bytes]] = {}
    for _ in range(60):
        driver, victim = _drive(specs, store), ""
        undisturbed = found.cases.total() >= scale
        while found.cases.total() < scale and victim in ("", "worker") and not _ended(driver):
            victim = moments.choices(list(VICTIMS), list(VICTIMS.values()))[0]
            if _kill(victim, driver, moments.uniform(0, WINDOW), mark):
                found.case(f"of the {victim}" if victim != "worker" else "of a worker")
        status = os.waitpid(driver, 0)[1]
        if undisturbed and status:
            return found.fault(store.name, f"a driver that nobody killed ended with status {status}")
        if victim == "driver" and (orphans := left_over(mark, allow=servers())):
            found.fault(store.name, f"the driver's death left {orphans}")
        for label, before in finished.items():
            if _bytes(specs, store).get(label) != before:
                found.fault(store.name, f"the finished run {label} was lost or changed")
        finished = _bytes(specs, store)
        if finished.keys() == expected.keys():
            break
    if finished != expected:
        found.fault(store.name, f"{sorted(expected.keys() - finished.keys())} did not finish, or have other bytes")
    if missing(specs, Store(store)):  # as the next command would, which sweeps
        found.fault(store.name, "the next command would run something again")
    partial = [path.name for path in store.rglob(f"*{PARTIAL}")]
    if partial or any(store.rglob("checkpoint")):
        found.fault(store.name, f"left behind: {partial or 'a checkpoint'}")


def _drive(specs: Sequence[RunSpec], store: Path) -> int:
    """A process that runs what is missing, as a command would; its workers are forked from our server."""
    start_server()
    driver = os.fork()
    if driver:
        return driver
    try:
        # it is no child of this process, which could therefore not ask after it
        forkserver._forkserver.ensure_running = forkserver.ensure_running = lambda: None  # type: ignore[method-assign]
        LocalExecutor(2).run(missing(specs, Store(store)), store, Quiet())
        os._exit(0)
    except BaseException:
        os._exit(1)


def _ended(driver: int) -> bool:
    return os.waitid(os.P_PID, driver, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill(victim: str, driver: int, delay: float, mark: str) -> bool:
    """Whether it hit: a worker that is not there yet, or no more, cannot be."""
    end = time.monotonic() + delay
    while time.monotonic() < end and not _ended(driver):
        time.sleep(0.005)
    if victim == "server":
        target = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    elif victim == "driver":
        target = driver
    else:
        workers = [pid for pid in processes(mark) if pid not in (*servers(), driver)]
        target = workers[0] if workers else None
    if target is None or (victim == "driver" and _ended(driver)):
        return False
    try:
        os.kill(target, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _bytes(specs: Sequence[RunSpec], store: Path) -> dict[str, dict[str, bytes]]:
    """Of the runs that have finished, by label."""
    kept = Store(store)
    folders = {spec.label: kept.folder(spec.identity()) for spec in specs}
    return {label: contents(folder.path) for label, folder in folders.items() if folder.finished}


def commands(scale: int, seed: int) -> Outcome:
    """The same with the real command, its own server and all: `scale` kills of the whole process group's parts."""
    moments = random.Random(seed)
    found = Outcome("SIGKILL of parts of `metarl leaderboard` itself", "kills")
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder, marked(Path(folder)) as mark:
        profile, said = Path(folder, "short.toml"), Path(folder, "errors")
        profile.write_text(SHORT)
        arguments = [
            "leaderboard", "--suites", "frozen-lake-low[horizon=10]", "--algorithms", "promp,random-init", "--seeds",
            "2", "--profile", str(profile), "--workers", "2", "--output",
        ]  # fmt: skip

        def begin(store: Path) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "benchmarks.command_line", *arguments, str(store / "page")]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            command += ["--results", str(store)]
            with open(said, "ab") as errors:
                return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=errors)

        begin(Path(folder, "whole")).wait()
        expected = _tables(Path(folder, "whole"))
        if not expected:
            found.fault("whole", "the command did not run at all")
        while found.cases.total() < scale:
            store = Path(folder, f"store-{found.cases.total()}")
            done: dict[str, bytes] = {}
            for attempt in range(3):
                process = begin(store)
                disturbed = attempt < 2 and found.cases.total() < scale
                if disturbed:
                    time.sleep(moments.uniform(0.5, 6.0))
                    living = [pid for pid in processes(mark) if pid != os.getpid()] or [process.pid]
                    target = moments.choice(living)
                    try:
                        os.kill(target, signal.SIGKILL)
                        found.case("of the command" if target == process.pid else "of a process of the command's")
                    except ProcessLookupError:
                        found.case("of what had ended")
                process.wait(120)
                for name, before in done.items():
                    if _tables(store).get(name) != before:
                        found.fault(store.name, f"{name} was lost or changed")
                done = _tables(store)
                if not disturbed:
                    break
            if done != expected:
                found.fault(store.name, "the records are others, or not all there")
            if orphans := left_over(mark, allow=(os.getpid(),), patience=10.0):
                found.fault(store.name, f"left {orphans}")
        _no_traceback(said.read_bytes(), found)
    return found


def _tables(store: Path) -> dict[str, bytes]:
    """The digested tables of all finished runs, by where they lie."""
    return {
        str(table.relative_to(store)): table.read_bytes()
        for done in store.glob("runs/*/*/*/seed-*/done.json")
        for table in done.parent.glob("[!t]*.parquet")
    }
