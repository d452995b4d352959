"""Writes the folder of `metarl paper`: the page, tables, figures, summary.json and the reproduction statement."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from reports.figures.colours import styles_for
from reports.folder import write_folder
from reports.papers.evidence import Evidence, gather
from reports.papers.figures.scores import FLOOR, draw_figure, drawer
from reports.papers.figures.studies import draw_measured_figure, measured_table
from reports.papers.sections import claims_section, figure_section, plain_section, table_section
from reports.papers.statement import make_statement
from reports.papers.study_evidence import choose_measured
from reports.papers.tables import figure_table, fill_table, plain_csv, settings_table, table_csv, wide_table
from reports.papers.verdicts import Verdict, claims_summary, effect_text, judge, least_favourable
from reports.scores.boards import Board, make_boards
from reports.scores.cautions import FailedRun, collect_cautions
from reports.scores.entries import collect_entries
from reports.sections.provenance import cautions_section, provenance_section
from reports.stylesheet import asset, page_style
from reports.summary import summary_json
from reports.tables.leaderboard import Table
from reports.text.latex_symbols import with_symbols
from results.published import Paper

if TYPE_CHECKING:
    from results.measured import StoredMeasurement
    from results.store import StoredRun

#: shown beside a paper's own methods wherever they are stored
REFERENCES = (FLOOR, "oracle")


def write_paper(
    paper: Paper,
    runs: Iterable[StoredRun],
    output: Path,
    *,
    reference: Iterable[StoredRun] = (),
    stale: Collection[str] = (),
    failed: Sequence[FailedRun] = (),
    algorithms: Collection[str] | None = None,
    suites: Collection[str] | None = None,
    measured: Iterable[StoredMeasurement] = (),
) -> Path:
    """Writes the paper's page into the folder `output`, in place of a former report; returns it.

    reference: shipped results.  stale: digests of configurations whose code or software has changed since they ran.
    measured: finished measurements.
    algorithms, suites: names that exist, so that the page can tell what is not run from what cannot be.
    The same runs give the same bytes; no run at all gives a page on which every claim reads "not run".
    Raises StoreError if the folder cannot be written or holds something else than a report.
    """
    mine, shipped = (_relevant(paper, group) for group in (runs, reference))
    entries, refused = collect_entries(mine, shipped)
    evidence = gather(paper, entries, refused, stale, algorithms, suites, choose_measured(measured, stale))
    boards = make_boards(entry for found in evidence.sets for entry in found.entries.values())
    cautions = cautions_section(collect_cautions(boards, refused, stale, failed)) if boards or failed else ""
    output = Path(output)
    write_folder(output, _files(evidence, judge(evidence), boards, cautions))
    return output / "index.html"


def claims_table(verdicts: Sequence[Verdict]) -> Table:
    """One row a claim."""
    rows = []
    for verdict in verdicts:
        least = least_favourable(verdict)
        shown = ("–", "–") if least is None else (effect_text(least), str(least.seeds))
        rows.append((verdict.claim.id, verdict.claim.place, verdict.claim.sentence, verdict.word, *shown))
    return Table(
        "Claims and verdicts", ("Claim", "Place", "Statement", "Verdict", "Effect [95 %]", "Seeds"), tuple(rows)
    )


def _relevant(paper: Paper, runs: Iterable[StoredRun]) -> list[StoredRun]:
    bases = {suite.base for suite in paper.suites}
    names = {algorithm.id for algorithm in paper.algorithms} | set(REFERENCES)
    return [run for run in runs if run.suite.partition("[")[0] in bases and run.algorithm in names]


def _files(
    evidence: Evidence, verdicts: tuple[Verdict, ...], boards: tuple[Board, ...], cautions: str
) -> dict[str, bytes]:
    """Every file's content by its name within the folder; the page last."""
    paper = evidence.paper
    runs = [run for board in boards for entry in board.entries for run in entry.runs]
    styles = styles_for({a.id for a in paper.algorithms} | {e.algorithm for b in boards for e in b.entries})
    classes = {algorithm: f"a{index}" for index, algorithm in enumerate(sorted(styles))}
    statement = make_statement(evidence, verdicts, runs)
    texts = {"summary.json": _summary(boards, verdicts), **_table_files("claims", claims_table(verdicts))}
    contents: dict[str, bytes] = {}
    tables, figures = [], []
    for filled in (fill_table(table, evidence) for table in paper.tables):
        texts |= _table_files(filled.source.id, wide_table(filled, paper), table_csv(filled))
        tables.append(table_section(filled, evidence))
    for settings in paper.settings:
        table = settings_table(settings, evidence)
        texts |= _table_files(settings.id, table)
        tables.append(plain_section(settings.id, table, settings.note))
    for figure in paper.figures:
        numbers, drawing = None, None
        if figure.measured_by:
            numbers, drawing = measured_table(figure, evidence), draw_measured_figure(figure, evidence, styles)
        elif drawer(figure.kind) is not None:
            numbers, drawing = figure_table(figure, evidence), draw_figure(figure, evidence, styles)
        if numbers is not None:
            texts |= _table_files(figure.id, numbers)
        if drawing is not None:
            contents[f"figures/{drawing.name}.svg"] = drawing.svg.encode()
            contents[f"figures/{drawing.name}.png"] = drawing.png
        missing = f"no measurement of the {figure.measurement} yet" if figure.measurement else "nothing of it is stored"
        figures.append(figure_section(figure, drawing, numbers, missing))
    style = page_style(styles, classes)
    texts |= {"statement.md": statement.markdown(), "statement.tex": statement.latex()}
    texts["statement.html"] = _page(statement.title, style, f'<main class="statement">{statement.html()}</main>')
    body = _header(evidence, runs) + "<main>" + claims_section(paper, verdicts)
    body += _group("tables", "Tables", tables) + _group("figures", "Figures", figures)
    body += (provenance_section(boards, classes) if boards else "") + cautions + "</main>"
    texts["index.html"] = _page(f"{paper.title}: reproduction", style, body)
    return contents | {name: text.encode() for name, text in texts.items()}


def _header(evidence: Evidence, runs: Sequence[StoredRun]) -> str:
    paper, studies = evidence.paper, sum(len(measured.seeds) for measured in evidence.measured.values())
    profiles = ", ".join(sorted({str(run.run["description"]["profile"]) for run in runs}))
    facts = f"{len(runs)} runs of ours" + (f" · profile {profiles}" if runs else "")
    facts += (f" · {studies} measurements" if studies else "") + f" · data from {paper.source}"
    links = [("claims", "Claims")] + [("tables", "Tables")] * bool(paper.tables or paper.settings)
    links += [("figures", "Figures")] * bool(paper.figures)
    links += [("provenance", "Runs"), ("cautions", "Warnings")] if runs else []
    shown = " ".join(f'<a href="#{anchor}">{text}</a>' for anchor, text in links)
    return (
        f"<header><h1>{escape(paper.title)}</h1><p>{escape(f'{paper.authors} · {paper.venue}, {paper.year}')}</p>"
        f"<p>{escape(facts)}</p><nav>{shown} <span>Reproduction statement: "
        '<a href="statement.html">html</a> <a href="statement.md">md</a> <a href="statement.tex">tex</a> · '
        'Numbers: <a href="summary.json">json</a></span></nav></header>'
    )


def _group(identifier: str, title: str, sections: Sequence[str]) -> str:
    return f'<h2 id="{identifier}">{title}</h2>{"".join(sections)}' if sections else ""


def _page(title: str, style: str, body: str) -> str:
    return Template(asset("paper.html")).substitute(title=escape(title), style=style, body=body)


def _summary(boards: tuple[Board, ...], verdicts: Sequence[Verdict]) -> str:
    content = {**json.loads(summary_json(boards)), "claims": claims_summary(verdicts)}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _table_files(name: str, table: Table, numbers: str | None = None) -> dict[str, str]:
    return {
        f"tables/{name}.csv": plain_csv(table) if numbers is None else numbers,
        f"tables/{name}.md": table.markdown(),
        f"tables/{name}.tex": with_symbols(table.latex()),
    }
