"""From stored runs to a report folder: which of them, what is known of them, and where the report goes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.commands.jobs import SHIPPED, RunOptions, failed_runs, print_left_out_records
from benchmarks.commands.run_filter import Filter
from benchmarks.commands.tuned_methods import tuned_methods
from benchmarks.execution.worker import RunOutcome
from benchmarks.planning.fitting import LeftOut
from benchmarks.specs.job import AnyJob
from benchmarks.verification.proofs import stale_digests, with_proofs
from results.decisions import SequentialDecisions, read_decisions
from results.files import printable
from results.store import Store, StoredRun

if TYPE_CHECKING:
    from reports.scores.cautions import FailedRun
    from reports.scores.tuning import TunedMethod

REFERENCE = SHIPPED


def run_report(results: Path, output: Path, chosen: Filter, shipped: bool) -> int:
    """Renders what is stored, and what is shipped where it is asked for; returns the command's exit code.

    Raises StoreError if there is nothing to show, and UsageError for names that no run has.
    """
    from results.files import StoreError

    store = Store(results, read_only=True)
    runs = store.finished(skip_corrupt=True)
    print_left_out_records(store)
    kept_decisions, damaged = read_decisions(results)
    for problem in damaged:
        complain(f"left out: {problem}")
    reference = reference_runs() if shipped else []
    if not runs and not reference and not store.problems:
        why = "run `metarl leaderboard` first, or add the shipped runs with --shipped"
        raise StoreError(f"no finished run is stored in {results}; {why}")
    ours = {run.path for run in runs}
    kept = chosen.choose([*runs, *reference])
    check_output(output)
    page = render(
        [run for run in kept if run.path in ours],
        output,
        "Leaderboard",
        [run for run in kept if run.path not in ours],
        stored=[*runs, *reference],
        decisions=kept_decisions,
    )
    print(f"report: {page}")
    return 2 if store.problems or damaged else 0


def render_planned(
    runs: Sequence[StoredRun],
    options: RunOptions,
    title: str,
    store: Store,
    outcomes: Sequence[tuple[AnyJob, RunOutcome]],
    left_out: Sequence[LeftOut],
) -> Path:
    """The report of a plan's runs, with what of the plan failed or was left out, and what was decided; its page."""
    return render(
        runs,
        options.output,
        title,
        failed=failed_runs(outcomes),
        left_out=left_out,
        stored=store.finished(skip_corrupt=True),
        decisions=intact_decisions(options.results),
    )


def render(
    runs: Sequence[StoredRun],
    output: Path,
    title: str,
    reference: Sequence[StoredRun] = (),
    failed: Sequence[FailedRun] = (),
    left_out: Sequence[LeftOut] = (),
    stored: Iterable[StoredRun] | None = None,
    decisions: Iterable[SequentialDecisions] = (),
    focus: str = "",
    tuning: Iterable[TunedMethod] | None = None,
) -> Path:
    """Write the report of the runs; returns its page.  Raises StoreError if there is nothing to show.

    stored: all runs that are, by which configurations tried are counted; None: those shown.  focus: the algorithm of
    which the page speaks first.  tuning: what was tried; None: as the usual folders have it.
    """
    from reports.page import write_report
    from reports.scores.tried import configurations_tried

    proven = with_proofs([*runs, *reference])
    name_lost_times(proven)  # these are the ones that are drawn, and what is read of them is kept
    runs, reference = proven[: len(runs)], proven[len(runs) :]
    stale = stale_digests(proven)
    return write_report(
        runs,
        output,
        reference=reference,
        stale=stale,
        failed=failed,
        title=title,
        left_out=[str(cell) for cell in left_out],
        tried=configurations_tried(proven if stored is None else stored),
        decisions=decisions,
        focus=focus,
        tuning=tuned_methods(proven) if tuning is None else tuning,
        say=complain,
    )


def intact_decisions(results: Path) -> list[SequentialDecisions]:
    """What was decided look by look; names damaged files on the terminal."""
    found, problems = read_decisions(results)
    for problem in problems:
        complain(f"left out: {problem}")
    return found


def complain(line: str) -> None:
    print(f"metarl: {printable(line)}", file=sys.stderr)


def name_lost_times(runs: Iterable[StoredRun]) -> None:
    """Says on the terminal which runs are reported without times, because their table of times is damaged."""
    for run in runs:
        if run.times_problem:
            print(f"metarl: shown without times: {run.times_problem}", file=sys.stderr)


def reference_runs(suites: Iterable[str] | None = None) -> list[StoredRun]:
    """The shipped results; on these suites alone, where they are given, whatever their options."""
    return Store(REFERENCE, read_only=True).finished(suites=suites)


def check_output(output: Path) -> None:
    """Raises StoreError, before anything is run for it, if no report can be written to the folder."""
    from reports.folder import check_folder

    check_folder(output)
