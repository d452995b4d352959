"""`metarl compare`: one algorithm, perhaps from a loose file, against stored results."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from algorithms.catalogue import algorithms
from benchmarks.commands.jobs import INTERRUPTED, RunOptions, failed_runs, planned, run_plan
from benchmarks.commands.newcomer_tuning import NewcomerTuning
from benchmarks.commands.report import check_output, intact_decisions, reference_runs, render
from benchmarks.commands.text_table import text_table
from benchmarks.commands.tuned_methods import tuned_methods
from benchmarks.conformance.own_suites import refuse_spoilt_suites
from benchmarks.conformance.rules import LEFT_OUT, RULES, Finding, check
from benchmarks.planning.plan import Plan
from benchmarks.planning.tuned_values import every_folder
from benchmarks.specs.recorded_code import is_named
from benchmarks.specs.run_spec import RunSpec, deciding_versions, known_suite
from benchmarks.verification.proofs import Today, attestations_of, with_proofs
from environments.discovery import ClassEntry
from environments.problem import EvaluationProtocol
from environments.typed_options import UsageError, as_text, from_recorded, nearest
from reports.comparison_markdown import comparison_markdown
from reports.folder import add_file
from reports.scores.boards import make_boards
from reports.scores.effort import efforts_of
from reports.scores.entries import collect_entries
from reports.scores.newcomer import newcomers
from reports.scores.tried import configurations_tried, tried_for
from results.attestations import prove
from results.store import Store, StoredRun

#: of the report's folder, beside the page
SUMMARY = "summary.md"


def run_comparison(
    found: ClassEntry,
    specs: Plan,
    against: Sequence[str] | None,
    options: RunOptions,
    tuning: NewcomerTuning | None = None,
) -> int:
    """Checks the algorithm, tunes it if that is asked for, runs the plan, and reports it beside the results that may be
    compared with it.

    Stored results that may not be are refused, saying in what they differ and which command repeats them.
    against: names of algorithms; all that are stored if None.  tuning: trials that come first.  Returns the command's
    exit code.
    """
    store = Store(options.results)
    shipped = reference_runs(spec.suite for spec in specs)
    check_output(options.output)
    refuse_spoilt_suites(spec.suite_text for spec in specs)
    findings = check(found, _one_suite_a_family(specs))
    if any(finding.passed is False for finding in findings):
        print("\n".join(as_lines(findings)))
        print(f"{found.name} breaks a rule, so it was not run; `metarl check` examines it again", file=sys.stderr)
        return 1
    if tuning is not None:
        code = tuning.run(options)
        if code:
            return code
        specs = tuning.replan()
    outcomes, code = run_plan(specs, store, options)
    if code == INTERRUPTED:
        return code
    own = planned(specs, store)
    if not own:
        return code
    stored = with_proofs([*store.finished(skip_corrupt=True), *shipped])
    opponents, notes = _opponents(stored, found.name, specs, against, options)
    for note in notes:
        print(f"metarl: {note}", file=sys.stderr)
    theirs = {run.path for run in shipped}
    reference = [run for run in opponents if run.path in theirs]
    runs = [*with_proofs(own), *(run for run in opponents if run.path not in theirs)]
    title = f"Comparison of {found.name}"
    decisions = intact_decisions(options.results)
    folders = every_folder() if tuning is None else (tuning.into, *every_folder())
    tuned = tuned_methods([*runs, *reference], folders)
    page = render(
        runs,
        options.output,
        title,
        reference,
        failed_runs(outcomes),
        specs.left_out,
        stored=stored,
        decisions=decisions,
        focus=found.name,
        tuning=tuned,
    )
    boards = make_boards(collect_entries(runs, reference)[0])
    efforts = efforts_of((entry for board in boards for entry in board.entries), tuned)
    tried = configurations_tried(stored)
    lines = [*(f"left out: {cell}" for cell in specs.left_out), *notes]
    text = comparison_markdown(found.name, boards, _conformance(findings), tried, lines, efforts)
    add_file(options.output, SUMMARY, text.encode())
    for each in newcomers(found.name, boards):
        print(f"{each.own.label} on {each.board.suite}: {each.sentence()}")
        count = tried_for(each.own, tried)
        print(f"  tuning: {efforts[each.own.digest].in_full()}; configurations with test scores: {count}")
        print(f"  configuration: {_configuration(each.own.identity['configuration'])}")
    print(f"summary: {options.output / SUMMARY}")
    print(f"report: {page}")
    return code


def check_opponents(name: str, against: Sequence[str] | None, results: Path) -> None:
    """Raises UsageError where the algorithm is to be compared with itself alone, or with what nobody knows."""
    if unknown := [other for other in against or () if other not in algorithms()]:
        stored = [*Store(results, read_only=True).finished(skip_corrupt=True), *reference_runs()]
        known = {*algorithms(), *(run.algorithm for run in stored)}
        for other in unknown:
            if other not in known:
                raise UsageError(f"unknown algorithm {other!r}; {nearest(other, known)}")
    if against and set(against) == {name}:
        raise UsageError(f"--against {name} is the algorithm itself; name another, or leave it out for all stored")


def differences(run: StoredRun, spec: RunSpec, today: Today | None = None) -> tuple[str, ...]:
    """In what a stored result departs from what may be compared with a run of `spec`; empty if in nothing.

    Suite, split, budget and protocol of both must agree, versions be those that it would have today, and its code
    be today's or proven equal to it.
    """
    theirs, ours = run.identity, spec.identity()
    protocol = from_recorded(EvaluationProtocol, theirs["protocol"], "the protocol")
    packages = tuple(sorted(theirs["versions"].keys() - deciding_versions().keys()))  # those of its algorithm's own
    terms = [
        ("suite version", theirs["suite_digest"][:8], ours["suite_digest"][:8]),
        ("split", theirs["split_digest"][:8], ours["split_digest"][:8]),
        ("budget", f"{theirs['budget']:,} steps", f"{ours['budget']:,} steps"),
        *((name.replace("_", " "), protocol[name], own) for name, own in asdict(spec.protocol).items()),
        *((name, theirs["versions"].get(name, "unknown"), own) for name, own in deciding_versions(packages).items()),
    ]
    return (
        *(f"{term} {value}, here {own}" for term, value, own in terms if value != own),
        *_changed_code(run, today or Today()),
    )


def as_lines(findings: Sequence[Finding]) -> list[str]:
    """A line for each finding: `pass`, `FAIL` or `-` (not examined), rule, suite, reason."""
    words = {True: "pass", False: "FAIL", None: "-"}
    reasons = {True: "", False: "", None: "not examined: another rule broke first"}
    return text_table(
        (words[finding.passed], finding.rule, finding.suite, finding.reason or reasons[finding.passed])
        for finding in findings
    )


def _opponents(
    runs: Iterable[StoredRun], name: str, specs: Plan, against: Sequence[str] | None, options: RunOptions
) -> tuple[list[StoredRun], list[str]]:
    """Those of the runs that the runs of `specs` may be compared with, and lines on what is missing and why."""
    by_suite = {known_suite(spec.suite).full_name: spec for spec in specs}
    others = [
        run
        for run in runs
        if run.algorithm != name and run.suite in by_suite and (against is None or run.algorithm in against)
    ]
    departing, today = dict[str, tuple[str, ...]](), Today()
    for run in others:  # a configuration is refused if one of its runs is
        departing[run.digest] = departing.get(run.digest) or differences(run, by_suite[run.suite], today)
    opponents = [run for run in others if not departing[run.digest]]
    present = {(run.suite, run.algorithm) for run in opponents}
    refused: dict[tuple[str, str], StoredRun] = {}  # a run of the configuration that differs least
    for run in others:
        key = run.suite, run.algorithm
        if key not in present and (
            key not in refused or len(departing[run.digest]) < len(departing[refused[key].digest])
        ):
            refused[key] = run
    notes, repeats = [], dict[tuple[str, str], str]()
    for other in sorted(set(against or ()) - {name}):
        absent = [suite for suite in by_suite if (suite, other) not in present | refused.keys()]
        repeats |= {(suite, other): other for suite in absent}
        if absent:
            notes.append(f"no stored result of {other} has these suites and this budget: {', '.join(absent)}")
    for (suite, other), run in sorted(refused.items()):
        source = run.run["provenance"].get("source")
        notes.append(f"refused {other} on {suite}: {'; '.join(departing[run.digest])}")
        if is_named(source) and (source is not None or other in algorithms()):
            repeats[suite, other] = source or other
        else:  # a command to copy would run a stranger's code
            notes[-1] += f"; its code is of {source or other!r}, which its record alone names"
    return opponents, [*notes, *_commands(repeats, specs, options)]


def _changed_code(run: StoredRun, today: Today) -> tuple[str, ...]:
    try:
        now = today.spec(run).code
    except UsageError as error:  # its file is no longer there
        return (str(error),)
    proof = prove(run, now, attestations_of(run))
    if proof.state == "unverified":
        return ("its code has changed since, and that this changes nothing is said by merged attestations alone",)
    return () if proof.current else ("its code has changed since",)


def _commands(repeats: dict[tuple[str, str], str], specs: Plan, options: RunOptions) -> Iterable[str]:
    """A line for each set of suites: the command that runs what misses there as `specs` are run, whose benchmark and
    profile may be files.

    repeats: by suite and algorithm, what names the algorithm in a command.
    """
    missing: dict[tuple[str, ...], dict[str, str]] = {}
    for name in sorted({name for _, name in repeats}):
        suites = tuple(sorted(suite for suite, other in repeats if other == name))
        source = repeats[suites[0], name]
        missing.setdefault(suites, {})[name] = os.path.relpath(source) if "/" in source else source
    seeds = len({spec.seed for spec in specs})
    texts = {known_suite(spec.suite).full_name: spec.suite_text for spec in specs}
    for suites, sources in missing.items():
        named = ",".join(texts[suite] for suite in suites)
        command = ["metarl", "leaderboard", "--algorithms", ",".join(sources.values()), "--suites", named]
        command += [*specs.terms, "--seeds", str(seeds)]
        command += [] if options.results == Path("results") else ["--results", str(options.results)]
        yield f"`{shlex.join(command)}` runs what a comparison with {', '.join(sources)} needs"


def _configuration(values: Mapping[str, Any]) -> str:
    return (
        ", ".join(f"{name} {as_text(tuple(v) if isinstance(v, list) else v)}" for name, v in values.items()) or "none"
    )


def _conformance(findings: Iterable[Finding]) -> str:
    suites = dict.fromkeys(f"`{finding.suite}`" for finding in findings if finding.rule != LEFT_OUT)
    return f"keeps all {len(RULES)} rules of `metarl check`, tried on {', '.join(suites)}"


def _one_suite_a_family(specs: Sequence[RunSpec]) -> list[str]:
    families = {known_suite(spec.suite).family: spec.suite for spec in reversed(specs)}
    return sorted(families.values())
