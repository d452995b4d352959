"""The arguments that say where jobs run, and on how many cores."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.commands.arguments import positive

if TYPE_CHECKING:
    from benchmarks.commands.jobs import RunOptions
    from benchmarks.execution.executor import Executor

EXECUTORS = ("local", "ray", "slurm")


def add_to(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--workers", type=positive, metavar="N", help="runs at a time (default: as many as there are cores for)"
    )
    command.add_argument(
        "--threads", type=positive, default=1, metavar="N", help="cores that each run may use, to the same bytes"
    )
    command.add_argument(
        "--executor", choices=EXECUTORS, default="local", help="this machine, a Ray cluster or Slurm (default: local)"
    )
    command.add_argument(
        "--address", metavar="HOST:PORT", help="of the Ray cluster (default: this machine's), or Slurm's partition"
    )


def options_of(parsed: argparse.Namespace, output: Path) -> RunOptions:
    """Raises UsageError for an address of nothing."""
    from benchmarks.commands.jobs import RunOptions
    from environments.typed_options import UsageError

    if parsed.address is not None and parsed.executor == "local":
        raise UsageError(f"--address {parsed.address} is a cluster's; give --executor ray or --executor slurm too")
    workers = parsed.workers or max((os.cpu_count() or 1) // parsed.threads, 1)
    return RunOptions(parsed.results, output, workers, getattr(parsed, "force", False), _maker(parsed, workers))


def refuse_idle(parsed: argparse.Namespace, option: str) -> None:
    """Raises UsageError for arguments that say what jobs run and how, beside an option by which none does."""
    from environments.typed_options import UsageError

    given = {
        "--dry-run": parsed.dry_run,
        "--force": parsed.force,
        "--workers": parsed.workers is not None,
        "--threads": parsed.threads != 1,
        "--executor": parsed.executor != "local",
        "--address": parsed.address is not None,
    }
    idle = [name for name, is_given in given.items() if is_given]
    if idle:
        what = "say what is to run and how" if len(idle) > 1 else "says what is to run or how"
        raise UsageError(f"{', '.join(idle)} {what}, and {option} runs nothing; leave one or the other out")


def _maker(parsed: argparse.Namespace, workers: int) -> Callable[[], Executor] | None:
    """Makes the executor once something is to run; None: that of this machine, one core a run."""

    def ray() -> Executor:
        from benchmarks.execution.ray_executor import RayExecutor

        return RayExecutor(parsed.address, parsed.threads, parsed.workers)

    def slurm() -> Executor:
        from benchmarks.execution.slurm_executor import SlurmExecutor

        return SlurmExecutor(parsed.address, parsed.threads, parsed.workers)

    def local() -> Executor:
        from benchmarks.execution.executor import LocalExecutor

        return LocalExecutor(workers, parsed.threads)

    if parsed.executor == "local" and parsed.threads == 1:
        return None
    return {"ray": ray, "slurm": slurm, "local": local}[parsed.executor]
