"""`metarl leaderboard`: runs what is missing, longest first, then writes the report."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.commands.jobs import INTERRUPTED, RunOptions, planned, run_plan
from benchmarks.commands.report import check_output, render_planned
from benchmarks.planning.fitting import LeftOut
from benchmarks.specs.run_spec import RunSpec
from results.store import Store


def run_leaderboard(specs: Sequence[RunSpec], options: RunOptions, title: str, left_out: Sequence[LeftOut] = ()) -> int:
    """Carries out the plan and writes its report; returns the command's exit code.  Raises StoreError.

    left_out: what the report names as not run.
    """
    store = Store(options.results)
    check_output(options.output)
    outcomes, code = run_plan(specs, store, options)
    if code == INTERRUPTED:
        return code
    runs = planned(specs, store)
    if runs:
        page = render_planned(runs, options, title, store, outcomes, left_out)
        print(f"report: {page}")
    return code
