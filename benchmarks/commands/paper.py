"""`metarl paper`: runs what a paper's tables and figures need, then writes each beside the published one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from algorithms.catalogue import algorithms
from benchmarks.commands.jobs import (
    INTERRUPTED,
    RunOptions,
    failed_runs,
    planned,
    print_left_out_records,
    run_plan,
    show_plan,
)
from benchmarks.commands.report import REFERENCE, check_output, name_lost_times
from benchmarks.commands.tuned_methods import tuned_methods
from benchmarks.planning.definition import PAPERS_PROFILE
from benchmarks.planning.fitting import LeftOut, print_left_out
from benchmarks.planning.paper_studies import plan_studies, studies_of
from benchmarks.planning.plan import Plan, make_plan, parse_setting
from benchmarks.planning.profiles import find_profile
from benchmarks.planning.repeat import repeat_commands
from benchmarks.planning.tuned_values import own_folder
from benchmarks.specs.job import Job
from benchmarks.specs.study_spec import studies as known_studies
from benchmarks.verification.proofs import Today, stale_digests, with_proofs
from environments.catalogue import suites
from environments.typed_options import UsageError, nearest
from reports.papers.page import write_paper
from reports.scores.cautions import FailedRun
from results.identity import base_name
from results.published import Paper
from results.store import KINDS, Store, Stored, StoredRun, StoredStudy


@dataclass(frozen=True)
class PaperOptions:
    """What the command's options choose of a paper; None: all suites, the profile's seeds, the benchmark's profile."""

    suites: Sequence[str] | None = None
    seeds: int | None = None
    profile: str | None = None
    settings: tuple[str, ...] = ()
    only_studies: bool = False  # no runs


def run_paper(paper: Paper, choice: PaperOptions, options: RunOptions, dry_run: bool = False) -> int:
    """Carries out what exists and is missing, and renders the paper from the chosen runs and studies alone.

    Returns the command's exit code.  Raises UsageError for what names nothing, StoreError.
    """
    _check_suites(paper, choice)
    _say_absent(paper)
    # a setting of a study is none of a run's
    parsed = [(text, parse_setting(text)) for text in choice.settings]
    own = [setting for _, setting in parsed if setting.algorithm in known_studies()]
    others = [text for text, setting in parsed if setting.algorithm not in known_studies()]
    # a plan is made of them in any case, which finds bad input
    shown = [entry.id for entry in paper.algorithms if entry.id in algorithms()]  # the benchmark has references beside
    # and with the values that it prints, unless its methods were tuned under its own terms
    tuned = own_folder(paper.name) is not None
    runs = make_plan(paper.name, choice.suites, shown or None, choice.seeds, choice.profile, others, tuned)
    if choice.only_studies:
        runs = Plan([])
    studies = plan_studies(paper, choice.profile or PAPERS_PROFILE, choice.seeds, choice.suites, own)
    if not studies:
        runs.require_runs()
    print_left_out(runs.left_out, runs.notes)
    jobs: list[Job[Stored]] = [*runs, *studies]
    if dry_run:
        return show_plan(jobs, options)
    store = Store(options.results)
    check_output(options.output)
    outcomes, code = run_plan(jobs, store, options)
    if code != INTERRUPTED:
        failed = failed_runs(outcomes)
        _render(paper, planned(runs, store), [], planned(studies, store), options, failed, runs.left_out)
    return code


def render_stored(paper: Paper, choice: PaperOptions, options: RunOptions) -> int:
    """`--stored`: renders from what is stored and shipped; exit code 2 if some of it is damaged."""
    _check_suites(paper, choice)
    if choice.profile is not None:
        find_profile(choice.profile)
    if choice.settings:
        raise UsageError(f"--set {choice.settings[0]} configures runs, and --stored makes none; leave one of them out")
    store = Store(options.results, read_only=True)
    mine = _chosen(paper, store.read(*KINDS, skip_corrupt=True), choice)
    print_left_out_records(store)
    shipped = _chosen(paper, Store(REFERENCE, read_only=True).read(*KINDS), choice)
    runs, reference = ([entry for entry in group if isinstance(entry, StoredRun)] for group in (mine, shipped))
    # one that is stored and shipped counts once
    studies = {(entry.digest, entry.seed): entry for entry in [*shipped, *mine] if isinstance(entry, StoredStudy)}
    check_output(options.output)
    _render(paper, runs, reference, [studies[key] for key in sorted(studies)], options)
    return 2 if store.problems else 0


def _chosen(paper: Paper, stored: Sequence[Stored], choice: PaperOptions) -> list[Stored]:
    """Those of the paper that the options choose."""
    bases, studies = {suite.base for suite in paper.suites}, studies_of(paper)

    def of_paper(entry: Stored) -> bool:
        return base_name(entry.suites[0]) in bases if isinstance(entry, StoredRun) else entry.name in studies

    return [
        entry
        for entry in stored
        if of_paper(entry)
        and not (choice.only_studies and isinstance(entry, StoredRun))
        and (choice.suites is None or set(choice.suites) & set(entry.suites))
        and (choice.seeds is None or entry.seed < choice.seeds)
        and (choice.profile is None or entry.profile == choice.profile)
    ]


def _render(
    paper: Paper,
    runs: Sequence[StoredRun],
    reference: Sequence[StoredRun],
    studies: Sequence[StoredStudy],
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
        studies=studies,
        failed=failed,
        left_out=[str(cell) for cell in left_out],
        algorithms=algorithms(),
        suites=suites(),
        repeat=lambda shown: repeat_commands(paper, shown, studies),
        tuning=tuned_methods(proven),
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
    measured = {name for figure in paper.figures if figure.measured_by in known_studies() for name in figure.algorithms}
    known = measured | algorithms().keys()  # some policies are a study's own
    absent = {
        "algorithms": [entry.id for entry in paper.algorithms if entry.id not in known],
        "suites": [entry.base for entry in paper.suites if entry.base not in suites()],
    }
    for kind, names in absent.items():
        if names:
            print(f"metarl: left out, since there are no such {kind} yet: {', '.join(names)}", file=sys.stderr)
