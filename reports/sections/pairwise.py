"""What the tests of a board decide: a grid of its pairs, and the numbers of those that are decided."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from reports.scores.entries import AlgorithmScores
from reports.scores.pairwise import Pair, PairTests
from reports.sections.html import Cell, Row, name_mark, number_cell, table, to_runs
from reports.sections.report import Report
from reports.statistics.headline import ALPHA
from reports.statistics.readings import READINGS
from reports.text.numbers import NONE, plural, signed
from reports.text.short_labels import short_labels

#: pairs whose numbers stand on the page; of more the grid stands alone, and the numbers are in the CSV
_LISTED = 36


def pairwise_html(report: Report, tests: PairTests | None, decimals: int) -> str:
    if tests is None:
        return ""
    short = short_labels(entry.label for entry in tests.board.tested)
    name = tests.board.name
    listed = table(f"{name}: tests", [_row(report, pair, short, decimals) for pair in tests.pairs[:_LISTED]])
    listed = listed if len(tests.pairs) <= _LISTED else ""
    return f"""
<details class="tests"><summary><b>Tests.</b> {escape(summary_of(tests))}</summary>
{_grid(report, tests, short) if len(tests.board.tested) > 3 else ""}{listed}
<p class="note">Two-sided test of the difference of the seeds' means over test tasks after the last adaptation step; its
95 % interval is of that difference and by that test, not corrected. p is corrected for this board's
{plural(len(tests.pairs), "pair")} (Holm, in Tarone's form) and for being read at {", ".join(map(str, READINGS))} seeds:
between these a further seed decides nothing. All of it: <a href="tables/pairwise.csv">csv</a></p></details>"""


def summary_of(tests: PairTests) -> str:
    """What is decided, and where seeds are too few to be read."""
    count, decided, untested = len(tests.pairs), len(tests.decided), len(tests.untested)
    if untested == count:
        return f"Nothing is decided yet: the first reading takes {READINGS[0]} seeds of each."
    text = f"{decided} of this board's {plural(count, 'pair')} decided at {100 * ALPHA:.0f} %, as a family of their own"
    return f"{text}; {untested} with too few seeds for a reading." if untested else f"{text}."


def _grid(report: Report, tests: PairTests, short: Mapping[str, str]) -> str:
    """Each row's algorithm against each column's: above, below, or not decided."""
    shown = tests.board.tested
    rows: list[Row] = []
    for row in shown:
        mark = name_mark(short[row.label], report.classes[row.algorithm])
        cells = {"Against": Cell(f"{len(rows) + 1}. {to_runs(row, mark)}")}
        for place, column in enumerate(shown):
            cells[f'<abbr title="{escape(short[column.label])}">{place + 1}</abbr>'] = _sign(tests, row, column)
        rows.append(Row(cells, [row.algorithm]))
    return table(f"{tests.board.name}: who is above whom", rows, "grid")


def _sign(tests: PairTests, row: AlgorithmScores, column: AlgorithmScores) -> Cell:
    pair = tests.between(row, column) if row is not column else None
    if pair is None:
        return Cell("")
    if pair.winner is None:
        return Cell("·", css_class="quiet")
    family = f"among this board's {plural(len(tests.pairs), 'pair')}"
    return Cell("▲" if pair.winner is row else "▼", title=f"p {_p(pair.p_value)} {family}")


def _row(report: Report, pair: Pair, short: Mapping[str, str], decimals: int) -> Row:
    found, both = pair.comparison, (pair.first, pair.second)
    marks = (name_mark(short[entry.label], report.classes[entry.algorithm]) for entry in both)
    names = " − ".join(to_runs(entry, mark) for entry, mark in zip(both, marks, strict=True))
    difference = Cell(NONE)
    if found is not None and found.interval is not None:
        ends = ", ".join(signed(end, decimals) for end in found.interval)
        difference = Cell(f'{signed(found.effect, decimals)} <span class="ci">[{ends}]</span>', found.effect)
    cells = {
        "Pair": Cell(names, pair.first.label),
        "Difference of means [95 %]": difference,
        "Seeds": Cell(f"{len(pair.first.seeds)}, {len(pair.second.seeds)}"),
        "Read": number_cell(pair.seeds_read, 0),
        "p": Cell(_p(pair.p_value), pair.p_value) if pair.tested else Cell(NONE),
        "Result": Cell(escape(_result(pair, short)), _result(pair, short)),
    }
    return Row(cells, [entry.algorithm for entry in both])


def _result(pair: Pair, short: Mapping[str, str]) -> str:
    result = "not decided" if pair.tested else "needs more seeds"
    if pair.winner is not None:
        result = f"{short[pair.winner.label]} higher"
    return result + " (look by look)" * pair.sequential


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 0.001 else f"{value:.1g}"
