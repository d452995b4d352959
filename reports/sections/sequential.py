"""The page's section on decisions made look by look: what each batch of seeds decided, and what is still open."""

from __future__ import annotations

from html import escape

from reports.sections.html import Cell, Row, suite_name, table
from reports.sections.report import Report, Section
from reports.text.numbers import NONE, plural
from reports.text.table import csv_lines
from results.decisions import DecidedPair, SequentialDecisions

_COLUMNS = (
    "suite", "profile", "budget", "first", "second", "first_digest", "second_digest", "outcome", "p", "seeds", "looks",
)  # fmt: skip


def section(report: Report) -> Section:
    """Empty where no decision was made so on a suite of the report."""
    suites = {board.suite for board in report.boards}
    shown = [record for record in report.decisions if record["suite"] in suites]
    if not shown:
        return Section()
    rows = [_row(record, pair) for record in shown for pair in record["pairs"]]
    html = f"""
<section id="sequential"><h2>Decisions look by look</h2>
<details{" open" * (len(rows) <= 30)}><summary>{plural(len(rows), "pair")} on {plural(len(shown), "board")}</summary>
{table("Decisions look by look", rows)}</details>
{"".join(_terms(record) for record in shown)}
<p class="note">Seeds came in batches, planned before the first, more of them only for what was not yet told apart. p is
adjusted for all pairs and all looks of the board, so reading at every look raises no error rate; seeds that are added
at any other time would. <a href="tables/sequential.csv">csv</a></p>
</section>"""
    lines = [
        (
            *(record["suite"], record["profile"], record["budget"], pair["first"], pair["second"]),
            *(record["algorithms"][pair["first"]], record["algorithms"][pair["second"]]),
            *(pair["outcome"], pair["p"], pair["seeds"], " ".join(map(str, record["looks"]))),
        )
        for record in shown
        for pair in record["pairs"]
    ]
    return Section(html, {"tables/sequential.csv": csv_lines(_COLUMNS, lines)})


def _row(record: SequentialDecisions, pair: DecidedPair) -> Row:
    first, second, outcome = pair["first"], pair["second"], pair["outcome"]
    higher = {"first higher": f"{first} higher", "second higher": f"{second} higher"}.get(outcome, outcome)
    cells = {
        "Pair": Cell(f"{escape(first)} − {escape(second)}", first),
        "Suite": Cell(suite_name(record["suite"]), record["suite"]),
        "Result": Cell(escape(higher), higher),
        "p": Cell(f"{pair['p']:.2g}", pair["p"]),
        "Decided at": Cell(NONE if pair["seeds"] is None else plural(pair["seeds"], "seed"), pair["seeds"]),
    }
    return Row(cells, [first, second], record["suite"])


def _terms(record: SequentialDecisions) -> str:
    looks = ", ".join(map(str, record["looks"]))
    taken = ", ".join(map(str, record["looks_used"])) or "none yet"
    left_out = "".join(f"; {name} left out ({why})" for name, why in record["left_out"].items())
    text = (
        f"{record['suite']}, profile {record['profile']}: looks planned at {looks} seeds, taken at {taken}{left_out}."
    )
    return f'<p class="note">{escape(text)}</p>'
