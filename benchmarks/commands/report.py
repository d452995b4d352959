"""From stored runs to a report folder: what is known of them, and where the report goes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.planning.fitting import LeftOut
from benchmarks.verification.proofs import stale_digests, with_proofs
from results.store import Store, StoredRun

if TYPE_CHECKING:
    from reports.scores.cautions import FailedRun

REFERENCE = Path(__file__).parent.parent.parent / "results" / "reference"


def render(
    runs: Sequence[StoredRun],
    output: Path,
    title: str,
    reference: Sequence[StoredRun] = (),
    failed: Sequence[FailedRun] = (),
    left_out: Sequence[LeftOut] = (),
) -> Path:
    """Write the report of the runs; returns its page.  Raises StoreError if there is nothing to show."""
    from reports.page import write_report

    name_lost_times([*runs, *reference])
    proven = with_proofs([*runs, *reference])
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
    )


def name_lost_times(runs: Iterable[StoredRun]) -> None:
    """Says on the terminal which runs are reported without times, because their table of times is damaged."""
    for run in runs:
        if run.times_problem:
            print(f"metarl: shown without times: {run.times_problem}", file=sys.stderr)


def reference_runs() -> list[StoredRun]:
    """The shipped results."""
    return Store(REFERENCE, read_only=True).finished()


def check_output(output: Path) -> None:
    """Raises StoreError, before anything is run for it, if no report can be written to the folder."""
    from reports.folder import check_folder

    check_folder(output)
