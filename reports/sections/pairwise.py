"""What the permutation tests of a suite decide, and what they could not decide whatever the scores."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from reports.scores.pairwise import ALPHA, Pair, PairTests
from reports.sections.html import Cell, Row, name_mark, table, to_runs
from reports.sections.report import Report
from reports.text.numbers import plural, signed, span
from reports.text.short_labels import short_labels


def pairwise_html(report: Report, tests: PairTests | None, decimals: int) -> str:
    if tests is None:
        return ""
    short = short_labels({entry.label: None for pair in tests.pairs for entry in (pair.first, pair.second)})
    rows = [_row(report, pair, short, decimals) for pair in tests.pairs]
    return f"""
<details class="tests"><summary><b>Permutation tests.</b> {escape(summary_of(tests))}</summary>
{table(f"{tests.suite}: permutation tests", rows)}
<p class="note">Two-sided permutation test of the seeds' means over test tasks after the last adaptation step; Holm's
correction over this suite's pairs. Smallest attainable: the p-value after Holm if every pair came out as extreme as its
seeds allow; above 5 % the pair cannot be decided, whatever the scores.</p></details>"""


def summary_of(tests: PairTests) -> str:
    """What is decided, and where seeds are too few what would be needed."""
    count, decided = len(tests.pairs), len(tests.decided)
    if len(tests.unattainable) == count:
        smallest = min(pair.test.smallest_p for pair in tests.pairs)
        seeds = span((count for pair in tests.pairs for count in pair.test.seeds), " to ")
        return (
            f"No pair can be decided with {plural(seeds, 'seed')}: the smallest attainable p is "
            f"{_p(smallest)}, the first step of Holm's correction over {count} needs {_p(ALPHA / count)}. "
            f"{tests.seeds_needed} seeds of each could."
        )
    text = f"{decided} of {count} pairs decided at 5 %"
    if tests.unattainable:
        text += f"; {len(tests.unattainable)} cannot be with their seeds, {tests.seeds_needed} of each could"
    return text + "."


def _row(report: Report, pair: Pair, short: Mapping[str, str], decimals: int) -> Row:
    difference, test, both = pair.first.final.iqm - pair.second.final.iqm, pair.test, (pair.first, pair.second)
    ends = "no interval" if pair.interval is None else ", ".join(signed(end, decimals) for end in pair.interval)
    result = "not decided" if pair.attainable else "needs more seeds"
    if pair.winner is not None:
        result = f"{short[pair.winner.label]} higher"
    marks = (name_mark(short[entry.label], report.classes[entry.algorithm]) for entry in both)
    names = " − ".join(to_runs(entry, mark) for entry, mark in zip(both, marks, strict=True))
    cells = {
        "Pair": Cell(names, pair.first.label),
        "Difference of IQMs [95 %]": Cell(
            f'{signed(difference, decimals)} <span class="ci">[{ends}]</span>', difference
        ),
        "Difference of means": Cell(signed(test.effect, decimals), test.effect),
        "Seeds": Cell(f"{test.seeds[0]}, {test.seeds[1]}", min(test.seeds)),
        "p": Cell(_p(test.p_value), test.p_value),
        "p after Holm": Cell(_p(pair.adjusted), pair.adjusted),
        "Smallest attainable": Cell(_p(pair.smallest_adjusted), pair.smallest_adjusted),
        "Result": Cell(escape(result), result),
    }
    return Row(cells, [entry.algorithm for entry in both])


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 0.001 else f"{value:.1g}"
