"""`metarl compare`: one algorithm, perhaps from a loose file, against stored results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from algorithms.catalogue import algorithms
from benchmarks.conformance import Finding, check
from benchmarks.leaderboard import INTERRUPTED, Places, carry_out_plan, failed_runs, stored_runs
from benchmarks.listing import aligned
from benchmarks.rendering import check_output, reference_runs, render
from benchmarks.run_spec import RunSpec, known_suite
from environments.discovery import Found
from environments.typed_options import UsageError, nearest
from results.store import Store, StoredRun


def run_comparison(found: Found, specs: Sequence[RunSpec], against: Sequence[str] | None, places: Places) -> int:
    """Checks the algorithm, runs the plan, and reports it beside the results that may be compared with it.

    against: names of algorithms; all that are stored if None.  Returns the command's exit code.
    """
    store = Store(places.results)
    shipped = reference_runs()
    known = {*algorithms(), *(run.algorithm for run in [*store.finished(skip_corrupt=True), *shipped])}
    for name in against or ():
        if name not in known:
            raise UsageError(f"unknown algorithm {name!r}; {nearest(name, known)}")
    check_output(places.output)
    findings = check(found, _one_suite_a_family(specs))
    if any(finding.passed is False for finding in findings):
        print("\n".join(as_lines(findings)))
        print(f"{found.name} breaks a rule, so it was not run; `metarl check` examines it again", file=sys.stderr)
        return 1
    outcomes, code = carry_out_plan(specs, store, places)
    if code == INTERRUPTED:
        return code
    own = stored_runs(specs, store)
    if not own:
        return code
    terms = [comparable_terms(spec.identity()) for spec in specs]
    stored = _opponents(store.finished(skip_corrupt=True), terms, found.name, against)
    shipped = _opponents(shipped, terms, found.name, against)
    present = {run.algorithm for run in [*stored, *shipped]}
    for name in sorted(set(against or ()) - present):
        print(f"metarl: no stored result of {name} has these suites and this budget; "
              f"`metarl leaderboard --algorithms {name}` makes one", file=sys.stderr)  # fmt: skip
    page = render([*own, *stored], places.output, f"Comparison of {found.name}", shipped, failed_runs(outcomes))
    print(f"report: {page}")
    return code


def comparable_terms(identity: dict[str, Any]) -> tuple[Any, ...]:
    """What two runs must share for their scores to be compared."""
    protocol = identity["protocol"]
    return (
        identity["suite"],
        identity["suite_digest"],
        identity["split_digest"],
        identity["budget"],
        protocol["adaptation_steps"],
        protocol["trajectories"],
        protocol.get("adaptations", 1),
    )


def as_lines(findings: Sequence[Finding]) -> list[str]:
    """A line for each finding: `pass`, `FAIL` or `-` (not examined after a failure), rule, suite, reason."""
    words = {True: "pass", False: "FAIL", None: "-"}
    return aligned((words[finding.passed], finding.rule, finding.suite, finding.reason) for finding in findings)


def _opponents(
    runs: Sequence[StoredRun], terms: Sequence[tuple[Any, ...]], name: str, against: Sequence[str] | None
) -> list[StoredRun]:
    return [
        run
        for run in runs
        if run.algorithm != name
        and (against is None or run.algorithm in against)
        and comparable_terms(run.identity) in terms
    ]


def _one_suite_a_family(specs: Sequence[RunSpec]) -> list[str]:
    families = {known_suite(spec.suite).family: spec.suite for spec in reversed(specs)}
    return sorted(families.values())
