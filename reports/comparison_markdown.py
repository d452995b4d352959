"""A comparison of one algorithm with the others as Markdown, short enough for a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from reports.scores.boards import SuiteScores
from reports.scores.effort import Effort, effort_text, efforts_of, unequal_effort
from reports.scores.entries import AlgorithmScores
from reports.scores.newcomer import Newcomer, newcomers
from reports.scores.pairwise import Pair
from reports.scores.record import access_labels, data_of
from reports.scores.tried import Tried, tried_for
from reports.statistics.readings import READINGS, next_reading
from reports.text.numbers import NONE, interval, number, plural, signed
from reports.text.table import Table
from results.files import printable

_COLUMNS = ("Against", "Seeds", "Score [95 %]", "Difference of means [95 %]", "p", "Trials", "Result")


def comparison_markdown(
    algorithm: str,
    boards: Iterable[SuiteScores],
    conformance: str,
    tried: Tried,
    not_compared: Sequence[str] = (),
    efforts: Mapping[str, Effort] | None = None,
) -> str:
    """What is decided of the algorithm, then its numbers on every board that holds it.

    conformance: one line.  tried: how many of its configurations are stored.
    not_compared: lines, each why a stored result may not be compared or how to repeat it.
    efforts: of tuning, by the entries' digests; None: what the records say.
    The same arguments give the same text.
    """
    boards = tuple(boards)
    found = newcomers(algorithm, boards)
    spent = efforts_of(entry for board in boards for entry in board.entries) if efforts is None else efforts
    lines = [f"# Comparison of {_plain(algorithm)}", ""]
    for each in found:
        lines += [f"**{_plain(each.own.label)}** on {_code(each.board.suite)}: {_plain(each.sentence())}", ""]
    lines += [f"- Conformance: {conformance}"]
    lines += [f"- {name}: {'; '.join(values)}" for name, values in _facts([each.own for each in found]).items()]
    lines += [f"- Tuning: {tuning_line(found, spent)}", f"- Configurations tried: {_tried(found, tried)}"]
    for each in found:
        lines += ["", f"## {_code(each.board.suite)}", "", *_suite(each, spent)]
    if not_compared:
        lines += ["", "## Not compared", "", *(f"- {_plain(line)}" for line in not_compared)]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A name of a record, which must be neither HTML nor a link."""
    return printable(text).replace("<", "\\<").replace("](", "]\\(")


def _code(text: str) -> str:
    return f"`{printable(text).replace('`', chr(39))}`"


def tuning_line(found: Sequence[Newcomer], efforts: Mapping[str, Effort]) -> str:
    """How many trials the values were chosen by, on each suite."""
    return ", ".join(f"{efforts[each.own.digest].in_full()} for `{each.board.suite}`" for each in found) or "none"


def _tried(found: Sequence[Newcomer], tried: Tried) -> str:
    suites = [each.board.suite for each in found]
    counts = {
        each.board.suite if suites.count(each.board.suite) == 1 else each.board.name: tried_for(each.own, tried)
        for each in found
    }
    text = ", ".join(f"{count} on `{board}`" for board, count in counts.items())
    if max(counts.values(), default=1) > 1:
        text += " (the best of several on test tasks is a lucky one too: choose by validation tasks)"
    return text


def _facts(entries: Sequence[AlgorithmScores]) -> dict[str, list[str]]:
    """What the algorithm's runs come from: several values of one name only where the runs differ in it."""
    runs = [run for entry in entries for run in entry.runs]
    facts: dict[str, list[str]] = {"Configuration": [], "Profile": [], "Versions": [], "Commit": []}
    for run in runs:
        provenance = run.run["provenance"]
        options = run.identity["configuration"].items()
        versions = ", ".join(f"{name} {version}" for name, version in sorted(run.identity["versions"].items()))
        commit = _code(provenance["commit"][:12]) if provenance["commit"] else "none, outside a checkout"
        facts["Configuration"].append(
            ", ".join(_code(f"{name}={json.dumps(value)}") for name, value in options) or "none"
        )
        facts["Profile"].append(_plain(run.profile))
        facts["Versions"].append(_plain(versions))
        facts["Commit"].append(commit + (", with uncommitted changes" if provenance["dirty"] else ""))
    return {name: list(dict.fromkeys(values)) for name, values in facts.items()}


def _suite(found: Newcomer, efforts: Mapping[str, Effort]) -> list[str]:
    board, own, tests = found.board, found.own, found.tests
    decimals = board.decimals
    identity, protocol, seeds = own.identity, own.identity["protocol"], len(own.seeds)
    lines = [
        f"**{number(own.final.iqm, decimals)}** {interval(own.final, decimals)} after "
        f"{plural(len(own.steps) - 1, 'adaptation step')}, {number(own.steps[0].iqm, decimals)} before: "
        f"{board.metric}, interquartile mean over {plural(seeds, 'seed')} and {len(own.tasks)} test tasks, 95 % "
        f"interval over seeds, for these tasks.",
        "",
        f"Budget: {identity['budget']:,} environment steps of training, {protocol['trajectories']} trajectories a task "
        f"and adaptation step. Suite version {identity['suite_digest'][:8]}, split {identity['split_digest'][:8]}.",
    ]
    if data_of(own):
        lines[-1] += f" Data: {_plain(data_of(own) or '')}."
    if board.records_success:
        lines[-1] += f" Success: {100 * float(own.success[-1].mean()):.0f} % of test episodes."
    for caution in board.cautions:
        lines += ["", f"Beware: {_plain(caution)}"]
    if unequal := unequal_effort(board, efforts):
        lines += ["", f"Beware: {unequal}."]
    others = [entry for entry in board.entries if entry is not own]
    if not others:
        return [*lines, "", "Nothing comparable is stored."]
    rows = []
    for entry in others:
        *cells, result = _row(own, entry, found.pairs.get(entry.digest), decimals)
        rows.append((*cells, effort_text(board, entry, efforts), result))
    title = f"Difference: {own.label} minus the other, of the seeds' means; p: of that difference"
    if tests:
        title += (
            f", corrected for {own.algorithm}'s {plural(found.family, 'pair')} of this comparison (Holm, in Tarone's "
            f"form) and for being read at {', '.join(map(str, READINGS))} seeds"
        )
    return [*lines, "", *Table(title + "; trials: of tuning.", _COLUMNS, tuple(rows)).markdown().splitlines()]


def _row(own: AlgorithmScores, other: AlgorithmScores, pair: Pair | None, decimals: int) -> tuple[str, ...]:
    shipped = ["shipped result"] if other.reference_seeds else []
    name = ", ".join([other.label, *shipped, *access_labels(other)])
    score = f"{number(other.final.iqm, decimals)} {interval(other.final, decimals)}"
    seeds = str(len(other.seeds))
    if pair is None:
        reason = "scripted, not tested" if other.scripted else "reference, not tested"
        mean = float(own.scores[-1].mean() - other.scores[-1].mean())
        return name, seeds, score, signed(mean, decimals), NONE, reason
    found = pair.comparison
    if found is None:
        more = next_reading(own.leading, other.leading)
        return name, seeds, score, NONE, NONE, f"not tested before {more} seeds of each"
    sign = 1 if pair.first is own else -1
    difference = signed(sign * found.effect, decimals)
    if found.interval is not None:
        ends = sorted(sign * end for end in found.interval)
        difference += f" [{', '.join(signed(end, decimals) for end in ends)}]"
    return name, seeds, score, difference, f"{pair.p_value:.2g}", _result(pair, own)


def _result(pair: Pair, own: AlgorithmScores) -> str:
    if pair.winner is not None:
        return "higher" if pair.winner is own else "lower"
    more = next_reading(pair.first.leading, pair.second.leading)
    return "not decided" if more is None else f"not decided; next read at {more} seeds of each"
