"""The page's first section: who leads where, what is decided, and what to beware of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from html import escape

from reports.scores.across import Across
from reports.scores.boards import FLOOR, SuiteScores
from reports.scores.cautions import Caution
from reports.scores.entries import AlgorithmScores
from reports.scores.pairwise import PairTests
from reports.scores.record import access_labels
from reports.sections.html import Scale, name_mark, strip, suite_anchor, suite_name, to_runs
from reports.sections.report import Report, Section
from reports.text.numbers import interval, number


def section(report: Report) -> Section:
    boards = report.boards
    legend = "".join(f"<li>{name_mark(algorithm, css_class)}</li>" for algorithm, css_class in report.classes.items())
    rows = "".join(_row(report, board) for board in boards)
    return Section(f"""
<section id="verdict"><h2>Verdict</h2>
<p class="lead">{_lead(boards)} {_tested(report.tests.values())} {_leader(report.across)}</p>
{_cautions(report.cautions)}
<ul class="legend">{legend}</ul>
<table class="overview">
<thead><tr><th scope="col">Suite</th><th scope="col">After adaptation: IQM and 95 % interval</th>
<th scope="col">Highest IQM</th><th scope="col">Apart from {FLOOR}</th>
<th scope="col">Not decided: overlaps {FLOOR}</th></tr></thead>
<tbody>{rows}</tbody></table>
<p class="note">Test tasks, after the last adaptation step. Intervals are bootstrapped over seeds; the shaded band is
{FLOOR}'s. Intervals that lie apart describe these seeds; this is no test of significance, and overlap proves no
equality.</p>
</section>""")


def _lead(boards: tuple[SuiteScores, ...]) -> str:
    judged = [board for board in boards if board.verdict.floor is not None]
    above = [board for board in judged if board.verdict.above]
    sentences = []
    if judged:
        count = f"{len(above)} of {len(judged)}" if len(judged) > 1 else "the suite" if above else "no suite"
        what = "suites" if len(judged) > 1 else ""
        sentences.append(
            f"On <b>{count} {what}</b> at least one algorithm's interval lies above {FLOOR}'s after adaptation."
        )
    if len(judged) < len(boards):
        missing = ", ".join(escape(board.suite) for board in boards if board.verdict.floor is None)
        sentences.append(f"No comparable {FLOOR} result is stored for {missing}: nothing shows what was learned there.")
    leads = Counter(board.verdict.leader.algorithm for board in boards if board.verdict.leader is not None)
    if len(boards) > 1:
        counts = ", ".join(f"{escape(name)} on {count}" for name, count in leads.most_common())
        sentences.append(f"Highest interquartile mean: {counts}.")
    contested = [board for board in boards if board.verdict.level]
    if contested:
        which = "every suite" if len(contested) == len(boards) else f"{len(contested)} of {len(boards)} suites"
        why = "the leader's interval overlaps others"
        sentences.append(f"Which algorithm is best is <b>not decided</b> on {which}: {why}.")
    return " ".join(sentences)


def _tested(tests: Collection[PairTests]) -> str:
    """How many pairs the permutation tests decide, and how many no scores could have decided."""
    count = sum(len(family.pairs) for family in tests)
    if not count:
        return ""
    decided, beyond = sum(len(family.decided) for family in tests), sum(len(family.unattainable) for family in tests)
    text = f"Permutation tests with Holm's correction within each suite decide <b>{decided} of {count}</b> pairs"
    if beyond:
        needed = max(family.seeds_needed for family in tests if family.unattainable)
        text += f"; {beyond} could not be decided by any scores of so few seeds ({needed} of each could)"
    return text + "."


def _leader(across: Across) -> str:
    if len(across.suites) < 2 or not across.aggregates:
        return ""
    label, first = next(iter(across.aggregates.items()))
    return (
        f'Across {len(across.suites)} suites with <a href="#across">references</a> the highest normalised '
        f"interquartile mean is {escape(label)}'s, {number(first.iqm.value, 3)}."
    )


def _cautions(cautions: tuple[Caution, ...]) -> str:
    if not cautions:
        return ""
    seeds = "".join(f"<li><b>Few seeds.</b> {escape(c.text)}.</li>" for c in cautions if c.kind == "Few seeds")
    kinds = Counter(caution.kind for caution in cautions if caution.kind != "Few seeds")
    others = ", ".join(f"{kind.lower()} ({count})" for kind, count in kinds.items())
    rest = f'<li><a href="#cautions">Also beware</a>: {escape(others)}.</li>' if others else ""
    return f'<ul class="caution">{seeds}{rest}</ul>'


def _row(report: Report, board: SuiteScores) -> str:
    verdict, decimals = board.verdict, board.decimals
    scale = Scale.of(board.entries)
    forest = "".join(
        strip(
            entry,
            scale,
            report.classes[entry.algorithm] + (" aside" if entry.label in board.incomparable else ""),
            verdict.floor,
            decimals,
        )
        for entry in board.entries
    )
    leader = "<span class=quiet>nothing comparable</span>"
    if verdict.leader is not None:
        first = verdict.leader
        labels = "".join(f' <span class="badge">{escape(label)}</span>' for label in access_labels(first))
        score = f'{number(first.final.iqm, decimals)} <span class="ci">{interval(first.final, decimals)}</span>'
        leader = f"{_name(report, board, first)}{labels}<br>{to_runs(first, score)}<small>{_standing(board)}</small>"
    apart = _names(report, board, verdict.above, "above: ") + _names(report, board, verdict.below, "below: ")
    undecided = _names(report, board, verdict.undecided, "")
    if verdict.floor is None:
        apart = f"<span class=quiet>no {FLOOR}</span>"
    return (
        f'<tr><th scope="row" data-label="Suite"><a href="#{suite_anchor(board.suite)}">{suite_name(board.suite)}</a>'
        f"<small>{escape(board.metric)}</small></th>"
        f'<td data-label="After adaptation"><div class="forest">{forest}</div>{scale.axis(decimals)}</td>'
        f'<td data-label="Highest IQM">{leader}</td>'
        f'<td data-label="Apart from {FLOOR}">{apart or "<span class=quiet>none</span>"}</td>'
        f'<td data-label="Not decided">{undecided or "<span class=quiet>none</span>"}</td></tr>'
    )


def _standing(board: SuiteScores) -> str:
    """How the leader stands to the others."""
    verdict = board.verdict
    if len(board.competing) == 1:
        return "the only comparable entry"
    if not verdict.level:
        return "apart from all others"
    names = ", ".join(escape(board.short(entry)) for entry in verdict.level[:3])
    more = f" and {len(verdict.level) - 3} more" if len(verdict.level) > 3 else ""
    return f"not decided against {names}{more}"


def _name(report: Report, board: SuiteScores, entry: AlgorithmScores) -> str:
    return name_mark(board.short(entry), report.classes[entry.algorithm])


def _names(report: Report, board: SuiteScores, entries: tuple[AlgorithmScores, ...], prefix: str) -> str:
    if not entries:
        return ""
    return f"<div>{prefix}" + " ".join(_name(report, board, entry) for entry in entries) + "</div>"
