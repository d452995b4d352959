"""From `metarl compare`'s arguments to a comparison: what runs, what is tuned before, or what both would take."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commands.compare import check_opponents, run_comparison
from benchmarks.commands.execution_arguments import options_of
from benchmarks.commands.newcomer_tuning import NewcomerTuning, opponents_effort, plan_newcomer, show_comparison
from benchmarks.commands.report import reference_runs
from benchmarks.planning.definition import find_definition
from benchmarks.planning.fitting import print_left_out
from benchmarks.planning.plan import Plan, make_plan
from benchmarks.planning.tuned_values import OWN
from benchmarks.specs.own_code import find_own
from benchmarks.tuning.tune_plan import check_trials
from environments.typed_options import UsageError
from results.store import Store


def compare(parsed: argparse.Namespace, suites: Sequence[str] | None, against: Sequence[str] | None) -> int:
    """Returns the command's exit code.  Raises UsageError."""
    if parsed.trials and not parsed.tune:
        raise UsageError(f"--trials {parsed.trials} says how many trials --tune makes; give --tune too")
    if parsed.trials:
        check_trials(parsed.trials)
    if parsed.tune and parsed.tuned is False:
        raise UsageError("--tune chooses values and --untuned takes none; give one of the two")
    found = find_own(parsed.algorithm)
    check_opponents(found.name, against, parsed.results)

    def plan(tuned: bool | Path) -> Plan:
        chosen = (parsed.seeds, parsed.profile, parsed.settings, tuned)
        return make_plan(parsed.benchmark, suites, [parsed.algorithm], *chosen)

    # the folder that tuned values go to may be there only after the tuning
    specs = plan(False if parsed.tune else parsed.tuned)
    specs.require_runs()
    print_left_out(specs.left_out, specs.notes)
    tuning: NewcomerTuning | None = None
    if parsed.tune:
        shipped = reference_runs(spec.suite for spec in specs)
        stored = [*Store(parsed.results, read_only=True).finished(skip_corrupt=True), *shipped]
        opponents = [run for run in stored if against is None or run.algorithm in against]
        # never the shipped folder: whoever compares one of ours must not change what others are given
        into = parsed.tuned if isinstance(parsed.tuned, Path) else OWN
        efforts = opponents_effort(opponents, specs, parsed.trials)
        profile = parsed.profile or find_definition(parsed.benchmark).profile  # a name, or a file
        tuning = plan_newcomer(
            parsed.benchmark, efforts, parsed.algorithm, profile, into,
            lambda: plan(into if into.is_dir() else False),
        )  # fmt: skip
    options = options_of(parsed, parsed.output)
    if parsed.dry_run:
        return show_comparison(specs, tuning, options)
    return run_comparison(found, specs, against, options, tuning)
