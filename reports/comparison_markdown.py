"""A comparison of one algorithm with the others as Markdown, short enough for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reports.scores.boards import SuiteScores
from reports.scores.cautions import coverage
from reports.scores.entries import AlgorithmScores
from reports.scores.pairwise import Pair, PairTests
from reports.scores.record import access_labels, data_of
from reports.text.numbers import interval, number, plural, signed
from reports.text.table import Table

_COLUMNS = ("Against", "Seeds", "Score [95 %]", "Difference [95 %]", "p", "p after Holm", "Result")


def comparison_markdown(
    algorithm: str,
    boards: Iterable[SuiteScores],
    tests: Mapping[str, PairTests],
    conformance: str,
    not_compared: Sequence[str] = (),
) -> str:
    """The same numbers as on the page, of the boards that hold the algorithm.

    tests: by suite.  conformance: one line.  not_compared: lines, each why a stored result may not be compared or how
    to repeat it.  The same arguments give the same text.
    """
    found = [(board, entry) for board in boards for entry in board.entries if entry.algorithm == algorithm]
    lines = [f"# Comparison of {algorithm}", "", f"- Conformance: {conformance}"]
    lines += [f"- {name}: {'; '.join(values)}" for name, values in _facts([entry for _, entry in found]).items()]
    for board, entry in found:
        lines += ["", f"## `{board.suite}`", "", *_suite(board, entry, tests.get(board.suite))]
    if not_compared:
        lines += ["", "## Not compared", "", *(f"- {line}" for line in not_compared)]
    return "\n".join(lines) + "\n"


def _facts(entries: Sequence[AlgorithmScores]) -> dict[str, list[str]]:
    """What the algorithm's runs come from: several values of one name only where the runs differ in it."""
    runs = [run for entry in entries for run in entry.runs]
    facts: dict[str, list[str]] = {"Profile": [], "Versions": [], "Commit": []}
    for run in runs:
        provenance = run.run["provenance"]
        versions = ", ".join(f"{name} {version}" for name, version in sorted(run.identity["versions"].items()))
        commit = f"`{provenance['commit'][:12]}`" if provenance["commit"] else "none, outside a checkout"
        facts["Profile"].append(run.run["description"]["profile"])
        facts["Versions"].append(versions)
        facts["Commit"].append(commit + (", with uncommitted changes" if provenance["dirty"] else ""))
    return {name: list(dict.fromkeys(values)) for name, values in facts.items()}


def _suite(board: SuiteScores, own: AlgorithmScores, tests: PairTests | None) -> list[str]:
    decimals = board.decimals
    identity, protocol, seeds = own.identity, own.identity["protocol"], len(own.seeds)
    lines = [
        f"**{number(own.final.iqm, decimals)}** {interval(own.final, decimals)} after "
        f"{plural(len(own.steps) - 1, 'adaptation step')}, {number(own.steps[0].iqm, decimals)} before: "
        f"{board.metric}, interquartile mean over {plural(seeds, 'seed')} and {len(own.tasks)} test tasks, 95 % "
        f"bootstrap interval over seeds.",
        "",
        f"Budget: {identity['budget']:,} environment steps of training, {protocol['trajectories']} trajectories a task "
        f"and adaptation step. Suite version {identity['suite_digest'][:8]}, split {identity['split_digest'][:8]}.",
    ]
    if data_of(own):
        lines[-1] += f" Data: {data_of(own)}."
    others = [entry for entry in board.entries if entry is not own]
    if not others:
        return [*lines, "", "Nothing comparable is stored."]
    pairs = (
        {_other(pair, own).digest: pair for pair in tests.pairs if own in (pair.first, pair.second)} if tests else {}
    )
    needed = tests.seeds_needed if tests else 0
    rows = tuple(_row(board, own, entry, pairs.get(entry.digest), needed, decimals) for entry in others)
    title = f"Difference: {own.label} minus the other, of interquartile means; p: permutation test of the seeds' means"
    if tests:
        title += f", corrected by Holm's method over all {len(tests.pairs)} pairs of the suite"
    lines += ["", *Table(title + ".", _COLUMNS, rows).markdown().splitlines()]
    if coverage(seeds):
        lines += ["", f"{coverage(seeds).capitalize()}."]
    return lines


def _row(
    board: SuiteScores, own: AlgorithmScores, other: AlgorithmScores, pair: Pair | None, needed: int, decimals: int
) -> tuple[str, ...]:
    name = ", ".join([other.label, *(["shipped result"] if other.reference_seeds else []), *access_labels(other)])
    difference = signed(own.final.iqm - other.final.iqm, decimals)
    score = f"{number(other.final.iqm, decimals)} {interval(other.final, decimals)}"
    if pair is None:
        reason = "not comparable" if {own.label, other.label} & set(board.incomparable) else "reference, not tested"
        return name, str(len(other.seeds)), score, difference, "–", "–", reason
    if pair.interval is not None:
        ends = pair.interval if pair.first is own else (-pair.interval[1], -pair.interval[0])
        difference += f" [{', '.join(signed(end, decimals) for end in ends)}]"
    p_values = f"{pair.test.p_value:.2g}", f"{pair.adjusted:.2g}"
    return name, str(len(other.seeds)), score, difference, *p_values, _result(pair, own, needed)


def _result(pair: Pair, own: AlgorithmScores, needed: int) -> str:
    if pair.winner is not None:
        return "higher" if pair.winner is own else "lower"
    return "not decided" if pair.attainable else f"cannot be decided, needs {needed} seeds of each"


def _other(pair: Pair, own: AlgorithmScores) -> AlgorithmScores:
    return pair.second if pair.first is own else pair.first
