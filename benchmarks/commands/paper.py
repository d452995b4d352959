"""`metarl paper`: runs what a paper's tables and figures need, then writes each beside the published one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from algorithms.catalogue import algorithms
from benchmarks.commands.leaderboard import INTERRUPTED, RunOptions, failed_runs, run_plan, show_plan, stored_runs
from benchmarks.commands.paper_studies import (
    measured_by,
    plan_measurements,
    planned_of,
    run_measurements,
    show_measurements,
    stored_measurements,
)
from benchmarks.commands.report import REFERENCE, check_output, name_lost_times, reference_runs
from benchmarks.planning.definition import PAPERS_PROFILE
from benchmarks.planning.fitting import LeftOut, print_left_out
from benchmarks.planning.plan import Plan, make_plan, parse_setting
from benchmarks.planning.profiles import find_profile
from benchmarks.specs.study_spec import measurements
from benchmarks.verification.proofs import Today, stale_digests, with_proofs
from environments.catalogue import suites
from environments.typed_options import UsageError, nearest
from reports.papers.page import write_paper
from reports.scores.cautions import FailedRun
from results.identity import base_name
from results.measured import StoredMeasurement
from results.published import Paper
from results.store import Store, StoredRun


@dataclass(frozen=True)
class PaperOptions:
    """What the command's options choose of a paper; None: all suites, the profile's seeds, the benchmark's profile."""

    suites: Sequence[str] | None = None
    seeds: int | None = None
    profile: str | None = None
    settings: tuple[str, ...] = ()
    only_measurements: bool = False  # no runs


def run_paper(paper: Paper, choice: PaperOptions, options: RunOptions, dry_run: bool = False) -> int:
    """Runs and measures what exists and is missing, and renders the paper from the chosen runs alone.

    Returns the command's exit code.  Raises UsageError for what names nothing, StoreError.
    """
    _check_suites(paper, choice)
    _say_absent(paper)
    # a setting of a measurement is none of a run's
    parsed = [(text, parse_setting(text)) for text in choice.settings]
    own = [(text, setting) for text, setting in parsed if setting.algorithm in measurements()]
    others = [text for text, setting in parsed if setting.algorithm not in measurements()]
    # a plan is made of them in any case, which finds bad input
    plan = make_plan(paper.name, choice.suites, None, choice.seeds, choice.profile, others)
    if choice.only_measurements:
        plan = Plan([])
    studies = plan_measurements(
        paper, choice.profile or PAPERS_PROFILE, choice.seeds, choice.suites, [setting for _, setting in own]
    )
    if not studies:
        plan.require_runs()
    print_left_out(plan.left_out)
    if dry_run:
        code = show_plan(plan, options) if plan else 0
        if studies:
            show_measurements(studies, options)
        return code
    store = Store(options.results)
    check_output(options.output)
    outcomes, code = run_plan(plan, store, options) if plan else ([], 0)
    if studies and code != INTERRUPTED:
        ended, own_code = run_measurements(studies, store, options)
        outcomes, code = [*outcomes, *ended], max(code, own_code)
    if code != INTERRUPTED:
        runs, measured = stored_runs(plan, store), planned_of(studies, store)
        _render(paper, runs, [], measured, options, failed_runs(outcomes), plan.left_out)
    return code


def render_stored(paper: Paper, choice: PaperOptions, options: RunOptions) -> int:
    """`--stored`: renders from what is stored and shipped; exit code 2 if some of it is damaged."""
    _check_suites(paper, choice)
    if choice.profile is not None:
        find_profile(choice.profile)
    if choice.settings:
        raise UsageError(f"--set {choice.settings[0]} configures runs, and --stored makes none; leave one of them out")
    store = Store(options.results, read_only=True)
    runs = store.finished(skip_corrupt=True)
    for problem in store.problems:
        print(f"metarl: left out: {problem}", file=sys.stderr)
    studies = _chosen_measurements(paper, [*stored_measurements(store), *_shipped_measurements()], choice)
    check_output(options.output)
    _render(paper, _chosen(paper, runs, choice), _chosen(paper, reference_runs(), choice), studies, options)
    return 2 if store.problems else 0


def _chosen(paper: Paper, runs: Sequence[StoredRun], choice: PaperOptions) -> list[StoredRun]:
    bases = {suite.base for suite in paper.suites}
    return [
        run
        for run in runs
        if base_name(run.suite) in bases
        and (choice.suites is None or run.suite in choice.suites)
        and (choice.seeds is None or run.seed < choice.seeds)
        and (choice.profile is None or run.run["description"]["profile"] == choice.profile)
    ]


def _shipped_measurements() -> list[StoredMeasurement]:
    return stored_measurements(Store(REFERENCE, read_only=True))


def _chosen_measurements(
    paper: Paper, stored: Sequence[StoredMeasurement], choice: PaperOptions
) -> list[StoredMeasurement]:
    """Those of the paper that the options choose; one that is stored and shipped counts once."""
    chosen = {
        (entry.digest, entry.seed): entry
        for entry in reversed(stored)
        if entry.name in measured_by(paper)
        and (choice.suites is None or set(choice.suites) & set(entry.identity["configuration"]["suites"]))
        and (choice.seeds is None or entry.seed < choice.seeds)
        and (choice.profile is None or entry.profile == choice.profile)
    }
    return [chosen[key] for key in sorted(chosen)]


def _render(
    paper: Paper,
    runs: Sequence[StoredRun],
    reference: Sequence[StoredRun],
    studies: Sequence[StoredMeasurement],
    options: RunOptions,
    failed: Sequence[FailedRun] = (),
    left_out: Sequence[LeftOut] = (),
) -> None:
    name_lost_times([*runs, *reference])
    today = Today()
    proven, studies = with_proofs([*runs, *reference], today), with_proofs(studies, today)
    page = write_paper(
        paper,
        proven[: len(runs)],
        options.output,
        reference=proven[len(runs) :],
        stale=stale_digests([*proven, *studies]),
        measured=studies,
        failed=failed,
        left_out=[str(cell) for cell in left_out],
        algorithms=algorithms(),
        suites=suites(),
    )
    print(f"report: {page}")


def _check_suites(paper: Paper, choice: PaperOptions) -> None:
    """A paper's suites may be run with other options, but not others."""
    known = {suite.base for suite in paper.suites}
    for name in choice.suites or ():
        base = base_name(name)
        if base not in known:
            raise UsageError(f"{paper.name} has no suite {base!r}; {nearest(base, known)}")


def _say_absent(paper: Paper) -> None:
    """One line each on what the paper has and this version does not."""
    absent = {
        "algorithms": [entry.id for entry in paper.algorithms if entry.id not in algorithms()],
        "suites": [entry.base for entry in paper.suites if entry.base not in suites()],
    }
    for kind, names in absent.items():
        if names:
            print(f"metarl: left out, since there are no such {kind} yet: {', '.join(names)}", file=sys.stderr)
