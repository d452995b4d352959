"""The arguments of `metarl explain`; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.commands.arguments import a_path, add_recorded_code, positive


def add_to(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", type=a_path, metavar="RUN", help="its folder: results/runs/.../seed-<n>")
    command.add_argument(
        "--output", type=a_path, default=Path("explanation"), metavar="DIR", help="default: ./explanation"
    )
    command.add_argument("--poor", type=positive, metavar="N", help="worst validation tasks to explain (default: 5)")
    command.add_argument("--critical", type=positive, metavar="N", help="training tasks to name (default: 5)")
    command.add_argument(
        "--replicates", type=positive, metavar="N", help="independent collections of every task (default: 2, the least)"
    )
    command.add_argument(
        "--trajectories", type=positive, metavar="N", help="for each task and adaptation step (default: 20)"
    )
    add_recorded_code(command)
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of the episodes sampled for it (default: 0)")


def carry_out(parsed: argparse.Namespace) -> int:
    from benchmarks.commands.explain import run_explain
    from environments.typed_options import UsageError

    if parsed.seed < 0:
        raise UsageError(f"--seed {parsed.seed} must be at least 0")
    options = {
        "poor_tasks": parsed.poor,
        "critical_tasks": parsed.critical,
        "replicates": parsed.replicates,
        "trajectories": parsed.trajectories,
    }
    return run_explain(parsed.run, parsed.output, options, parsed.seed)
