"""Writes a report folder: index.html, tables, figures and summary.json."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from reports.figures.colours import Style, styles_for
from reports.figures.drawing import Drawing, make_drawing
from reports.figures.performance_profiles import across_profiles
from reports.figures.suite_figures import draw_board
from reports.folder import write_folder
from reports.scores.across import Across, compare_across
from reports.scores.boards import Board, make_boards
from reports.scores.cautions import Caution, FailedRun, collect_cautions
from reports.scores.cost import Cost, costs_csv, costs_of
from reports.scores.entries import Refused, collect_entries
from reports.scores.pairwise import PairTests, compare_pairs
from reports.scores.simulation_gap import SimulationGap, simulation_gaps
from reports.sections.across import across_section, gap_section
from reports.sections.cost import cost_section
from reports.sections.leaderboard import filter_form, leaderboard_section
from reports.sections.provenance import cautions_section, provenance_section
from reports.sections.suite import board_section
from reports.sections.verdict import verdict_section
from reports.stylesheet import asset, page_style
from reports.summary import summary_json
from reports.tables.leaderboard import csv_text, overview_table, suite_table
from reports.tables.pairwise import pairwise_csv
from reports.text.numbers import slug
from results.files import StoreError

if TYPE_CHECKING:
    from results.store import StoredRun

#: in place of a suite's name, for the figure across suites
ACROSS = ""


@dataclass(frozen=True)
class Report:
    title: str
    boards: tuple[Board, ...]
    refused: tuple[Refused, ...]
    cautions: tuple[Caution, ...]
    stale: frozenset[str]
    tests: dict[str, PairTests]  # by suite
    across: Across
    gaps: tuple[SimulationGap, ...]
    costs: tuple[Cost, ...]


def make_report(
    runs: Iterable[StoredRun],
    reference: Iterable[StoredRun] = (),
    stale: Collection[str] = (),
    failed: Sequence[FailedRun] = (),
    title: str = "Leaderboard",
) -> Report:
    """Reads the runs' tables and sums them up.

    reference: shipped results, compared like the others and labelled.  stale: digests of configurations whose code or
    software has changed since they ran.  failed: runs that were asked for and did not finish.
    Raises StoreError if there is no run that gives a score.
    """
    entries, refused = collect_entries(runs, reference)
    if not entries:
        why = refused[0].reason if refused else "no finished run is stored; run `metarl leaderboard` first"
        raise StoreError(f"there is nothing to report: {why}")
    boards = make_boards(entries)
    cautions = collect_cautions(boards, refused, stale, failed)
    tests = {board.suite: found for board in boards if (found := compare_pairs(board)) is not None}
    across, gaps = compare_across(boards), simulation_gaps(boards)
    costs = tuple(cost for board in boards for cost in costs_of(board))
    return Report(title, boards, refused, cautions, frozenset(stale), tests, across, gaps, costs)


def write_report(
    runs: Iterable[StoredRun],
    output: Path,
    *,
    reference: Iterable[StoredRun] = (),
    stale: Collection[str] = (),
    failed: Sequence[FailedRun] = (),
    title: str = "Leaderboard",
) -> Path:
    """Writes the report of these runs into the folder `output`, in place of a former report; returns its page.

    The same runs give the same bytes.  Arguments and errors as `make_report`; StoreError also if the folder cannot be
    written, or holds something else than a report.
    """
    report = make_report(runs, reference, stale, failed, title)
    styles = styles_for(entry.algorithm for board in report.boards for entry in board.entries)
    drawings = {board.suite: draw_board(board, styles) for board in report.boards}
    if report.across.aggregates:
        drawings[ACROSS] = (_across_drawing(report.across, styles),)
    contents = _files(report, styles, drawings)
    output = Path(output)
    write_folder(output, contents)
    return output / "index.html"


def _files(report: Report, styles: dict[str, Style], drawings: dict[str, tuple[Drawing, ...]]) -> dict[str, bytes]:
    """Every file's content by its name within the folder; the page last."""
    texts = {"summary.json": summary_json(report.boards), "tables/pairwise.csv": pairwise_csv(report.tests.values())}
    if report.costs:
        texts["tables/cost.csv"] = costs_csv(report.costs)
    tables = {"leaderboard": (report.boards, overview_table(report.boards))}
    tables |= {slug(board.suite): ((board,), suite_table(board)) for board in report.boards}
    for name, (boards, table) in tables.items():
        texts[f"tables/{name}.csv"] = csv_text(boards)
        texts[f"tables/{name}.md"] = table.markdown()
        texts[f"tables/{name}.tex"] = table.latex()
    contents = {name: text.encode() for name, text in texts.items()}
    for drawing in (drawing for group in drawings.values() for drawing in group):
        contents[f"figures/{drawing.name}.svg"] = drawing.svg.encode()
        contents[f"figures/{drawing.name}.png"] = drawing.png
    contents["index.html"] = _page(report, styles, drawings).encode()
    return contents


def _page(report: Report, styles: dict[str, Style], drawings: dict[str, tuple[Drawing, ...]]) -> str:
    classes = {algorithm: f"a{index}" for index, algorithm in enumerate(sorted(styles))}
    boards = "".join(
        board_section(
            board,
            drawings[board.suite],
            tuple(refused for refused in report.refused if refused.suite == board.suite),
            report.tests.get(board.suite),
            report.stale,
            classes,
        )
        for board in report.boards
    )
    drawn = drawings.get(ACROSS)
    body = (
        verdict_section(report.boards, tuple(report.tests.values()), report.across, report.cautions, classes)
        + filter_form(report.boards, classes)
        + leaderboard_section(report.boards, report.stale, classes)
        + across_section(report.across, drawn[0] if drawn else None, classes)
        + gap_section(report.gaps, classes)
        + f'<h2 id="suites">Suites</h2>{boards}'
        + cost_section(report.costs, classes)
        + provenance_section(report.boards, classes)
        + cautions_section(report.cautions)
    )
    runs = [run for board in report.boards for entry in board.entries for run in entry.runs]
    facts = (
        _plural(len(report.boards), "suite"),
        _plural(len(styles), "algorithm"),
        _plural(len(runs), "run"),
        "profile " + ", ".join(sorted({str(run.run["description"]["profile"]) for run in runs})),
    )
    return Template(asset("page.html")).substitute(
        title=escape(report.title),
        facts=escape(" · ".join(facts)),
        style=page_style(styles, classes),
        script=asset("page.js"),
        body=body,
    )


def _across_drawing(across: Across, styles: dict[str, Style]) -> Drawing:
    caption = (
        f"Performance profiles across {_plural(len(across.suites), 'suite')}: the share of normalised (seed, task) "
        f"scores above each threshold, suites weighing alike, with 95 % interval at each threshold"
    )
    return make_drawing("across-profile", caption, lambda: across_profiles(across.strata, across.algorithms, styles))


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
