"""The arguments of `metarl tune`; what they ask for is imported once it is carried out."""

from __future__ import annotations

import argparse

from benchmarks.commands import execution_arguments
from benchmarks.commands.arguments import a_path, names, positive


def add_to(command: argparse.ArgumentParser) -> None:
    command.add_argument("algorithm", nargs="?", metavar="NAME or FILE[:CLASS]", help="or all by --benchmark")
    command.add_argument("--benchmark", metavar="NAME or FILE", help="whose suites, profile and, without NAME, methods")
    command.add_argument("--algorithms", metavar="X,Y", help="several, in place of the benchmark's")
    command.add_argument("--suites", metavar="A,B", help="in place of the benchmark's, as in corners[horizon=50]")
    command.add_argument(
        "--profile", metavar="NAME or FILE", help="how much a trial samples (default: the benchmark's)"
    )
    command.add_argument(
        "--trials", type=positive, metavar="N", help="configurations (default: 16, or 5 of another profile's best)"
    )
    command.add_argument("--seeds", type=positive, default=2, metavar="N", help="runs of each (default: 2)")
    command.add_argument("--sampler", help="qmc, random, tpe or grid (default: qmc)")
    command.add_argument(
        "--best-of",
        metavar="PROFILE or FILE",
        help="try what was best in that profile's trials, in place of a sampler's draws",
    )
    command.add_argument(
        "--sweep", metavar="PAPER", help="try points of the grid that the paper prints, in place of the options' spaces"
    )
    command.add_argument("--points", type=positive, metavar="N", help="of each option, by --sampler grid (default: 4)")
    command.add_argument("--options", metavar="X,Y", help="try these alone, others as the profile has them")
    command.add_argument(
        "--fresh", type=positive, metavar="N", help="choose by scores on N tasks of no split, not on validation tasks"
    )
    command.add_argument(
        "--into",
        type=a_path,
        metavar="DIR",
        help="default: the package's `tuned`, a paper's own folder in it, or ./tuned",
    )
    execution_arguments.add_to(command)
    command.add_argument("--dry-run", action="store_true", help="list what would run and an estimate of the time")


def carry_out(parsed: argparse.Namespace) -> int:
    """The command's exit code.  Raises UsageError and StoreError."""
    from benchmarks.commands.tune import default_folder, run_tuning, show_tuning
    from benchmarks.planning.definition import find_definition
    from benchmarks.planning.tuned_values import OWN, places_of_trials, shipped_folder
    from benchmarks.tuning.cell import Effort
    from benchmarks.tuning.tune_plan import check_trials, plan_tuning
    from environments.typed_options import UsageError

    algorithms = [parsed.algorithm] if parsed.algorithm else names(parsed.algorithms)
    if parsed.algorithm and parsed.algorithms:
        raise UsageError("tune takes one NAME, or several by --algorithms, not both")
    if not algorithms and parsed.benchmark is None:
        raise UsageError("tune takes an algorithm's NAME or FILE[:CLASS], or all of a benchmark's by --benchmark quick")
    if parsed.best_of and parsed.sampler:
        raise UsageError(
            f"--sampler {parsed.sampler} draws what is tried, and --best-of {parsed.best_of} takes it from that "
            "profile's trials; give one of the two"
        )
    if parsed.points and parsed.sampler != "grid":
        raise UsageError(f"--points {parsed.points} is of a grid: name --sampler grid too, or leave it out")
    if parsed.trials and parsed.sampler == "grid":
        raise UsageError(f"--trials {parsed.trials}: a grid has as many as its --points make; leave one of the two out")
    trials = parsed.trials or (5 if parsed.best_of else 16)
    if not parsed.sweep:  # whose points come on top of the paper's and the profile's values
        check_trials(trials)
    effort = Effort(
        trials, parsed.seeds, parsed.sampler or "qmc", parsed.points or 4, parsed.best_of, parsed.sweep,
        tuple(names(parsed.options) or ()), parsed.fresh or 0,
    )  # fmt: skip
    # a paper's grid is a finding, and no choice for boards
    chosen = (parsed.benchmark or "quick", names(parsed.suites), algorithms, parsed.profile)
    definition = find_definition(chosen[0])
    named = (chosen[0], definition.profile, parsed.profile or "", *(chosen[1] or definition.suites))
    usual = default_folder(algorithms or definition.algorithms, parsed.benchmark or "", named)
    into = parsed.into or (OWN if parsed.sweep else usual)
    plan = plan_tuning(*chosen, effort, places_of_trials(into, shipped_folder(parsed.benchmark or "")))
    options = execution_arguments.options_of(parsed, into)
    return show_tuning(plan, options) if parsed.dry_run else run_tuning(plan, options)
