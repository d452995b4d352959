"""Writes the folder of `metarl paper`: the page, tables, figures, summary.json and the reproduction statement."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from reports.figures.colours import styles_for
from reports.figures.figure_files import figure_files
from reports.folder import write_folder
from reports.papers.axes import beyond_axes
from reports.papers.draw_figure import draw_figure
from reports.papers.evidence import SEEDS, Evidence, gather
from reports.papers.parts_csv import designs_csv, parts_csv
from reports.papers.runs_behind import runs_behind
from reports.papers.sections import claims_section, figure_section, plain_section, table_section
from reports.papers.statement import make_statement
from reports.papers.study_evidence import choose_studies
from reports.papers.tables import fill_table, settings_table, table_csv, wide_table
from reports.papers.verdicts import ClaimVerdict, claims_summary, judge
from reports.scores.boards import FLOOR, SuiteScores, make_boards
from reports.scores.cautions import FailedRun, collect_cautions
from reports.scores.entries import collect_entries
from reports.scores.tuning import in_order
from reports.sections import cautions, provenance
from reports.sections import tuning as tuning_section
from reports.sections.report import Report, Section
from reports.stylesheet import asset, page_style
from reports.summary import summary_json
from reports.text.numbers import plural
from reports.text.table import Table, table_files
from results.claim_designs import load_claim_designs
from results.files import json_text
from results.published import Paper

if TYPE_CHECKING:
    from reports.scores.tuning import TunedMethod
    from results.store import StoredRun, StoredStudy

#: shown beside a paper's own methods wherever they are stored
REFERENCES = (FLOOR, "oracle")
#: below the claims' own table, whose cells are texts
_NUMBERS = (
    '<p class="files">Numbers: <a href="tables/parts.csv">every part of a claim, its test and its runs</a>, '
    f'<a href="tables/designs.csv">what {SEEDS} seeds decide</a></p>'
)


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
    studies: Iterable[StoredStudy] = (),
    left_out: Sequence[str] = (),
    repeat: Callable[[Sequence[StoredRun]], Sequence[str]] = lambda runs: (),
    tuning: Iterable[TunedMethod] = (),
) -> Path:
    """Writes the paper's page into the folder `output`, in place of a former report; returns it.

    reference: shipped results.  stale: digests of configurations whose code, software or data were others then.
    left_out: cells that are not run, since the algorithm does not fit the suite, a line each.
    repeat: the commands that plan exactly the runs that it is given, and what is said of those that none plans.
    tuning: what was tried to tune methods; what no run took its values from is left out.
    algorithms, suites: names that exist, so that the page can tell what is not run from what cannot be.
    The same runs give the same bytes; no run at all gives a page on which every claim reads "not run".
    Raises StoreError if the folder cannot be written or holds something else than a report.
    """
    evidence = paper_evidence(paper, runs, reference, stale, algorithms, suites, studies)
    refused = evidence.refused
    boards = make_boards(entry for found in evidence.sets for entry in found.entries.values())
    styles = styles_for({a.id for a in paper.algorithms} | {e.algorithm for b in boards for e in b.entries})
    warnings = collect_cautions(boards, refused, stale, failed, left_out)
    report = Report(
        f"{paper.title}: reproduction", boards, refused, warnings, frozenset(stale), styles,
        tuning=_taken(tuning, boards),
    )  # fmt: skip
    output = Path(output)
    write_folder(output, _files(report, evidence, judge(evidence), repeat))
    return output / "index.html"


def paper_evidence(
    paper: Paper,
    runs: Iterable[StoredRun],
    reference: Iterable[StoredRun] = (),
    stale: Collection[str] = (),
    algorithms: Collection[str] | None = None,
    suites: Collection[str] | None = None,
    studies: Iterable[StoredStudy] = (),
) -> Evidence:
    """What of these speaks to the paper; arguments as of `write_paper`."""
    mine, shipped = (_relevant(paper, group) for group in (runs, reference))
    entries, refused = collect_entries(mine, shipped)
    chosen = choose_studies(studies, stale)
    return gather(paper, entries, refused, stale, algorithms, suites, chosen, load_claim_designs())


def claims_table(verdicts: Sequence[ClaimVerdict]) -> Table:
    """One row a claim."""
    columns = ("Claim", "Place", "Form", "Statement", "Verdict", "Effect [95 %]", "Units", "Departures")
    rows = (
        (v.claim.id, v.claim.place, v.claim.form, v.claim.sentence, v.word, *v.shown, str(len(v.departures)))
        for v in verdicts
    )
    return Table("Claims and verdicts", columns, tuple(rows))


def _relevant(paper: Paper, runs: Iterable[StoredRun]) -> list[StoredRun]:
    bases = {suite.base for suite in paper.suites}
    names = {algorithm.id for algorithm in paper.algorithms} | set(REFERENCES)
    return [run for run in runs if run.suite.partition("[")[0] in bases and run.algorithm in names]


def _taken(tuning: Iterable[TunedMethod], boards: Iterable[SuiteScores]) -> tuple[TunedMethod, ...]:
    """Those whose values runs that are shown took, as these record."""
    runs = (run for board in boards for entry in board.entries for run in entry.runs)
    recorded = {(run.run["description"].get("tuning") or {}).get("digest") for run in runs}
    return in_order(each for each in tuning if each.digest in recorded)


def _files(
    report: Report,
    evidence: Evidence,
    verdicts: tuple[ClaimVerdict, ...],
    repeat: Callable[[Sequence[StoredRun]], Sequence[str]],
) -> dict[str, bytes]:
    """Every file's content by its name within the folder; the page last."""
    paper = evidence.paper
    shown = (run for board in report.boards for entry in board.entries for run in entry.runs)
    runs = list({run.path: run for run in shown}.values())  # a floor stands on several boards
    statement = make_statement(evidence, verdicts, runs, repeat(runs))
    contents: dict[str, str | bytes] = {"summary.json": _summary(report.boards, verdicts)}
    contents |= table_files("claims", claims_table(verdicts))
    contents |= {"tables/parts.csv": parts_csv(evidence, verdicts), "tables/designs.csv": designs_csv(verdicts)}
    tables, figures = [], []
    printed = [fill_table(table, evidence) for table in paper.tables]
    for filled in printed:
        contents |= table_files(filled.source.id, wide_table(filled, paper), table_csv(filled))
        tables.append(table_section(filled, evidence))
    behind = runs_behind(evidence, printed, verdicts)
    for settings in paper.settings:
        table = settings_table(settings, paper, behind)
        contents |= table_files(settings.id, table)
        tables.append(plain_section(settings.id, table, settings.note))
    for figure in paper.figures:
        numbers, drawing = draw_figure(figure, evidence, report.styles)
        if numbers is not None:
            contents |= table_files(figure.id, numbers)
        if drawing is not None:
            contents |= figure_files(drawing)
        missing = f"no measurement of the {figure.measurement} yet" if figure.measurement else "nothing of it is stored"
        figures.append(figure_section(figure, drawing, numbers, missing, beyond_axes(figure, evidence)))
    style = page_style(report.styles, report.classes)
    contents |= {"statement.md": statement.markdown(), "statement.tex": statement.latex()}
    contents["statement.html"] = _page(statement.title, style, f'<main class="statement">{statement.html()}</main>')
    body = _header(evidence, runs, bool(report.tuning)) + "<main>" + claims_section(paper, verdicts) + _NUMBERS
    body += _group("tables", "Tables", tables) + _group("figures", "Figures", figures)
    for section in (
        tuning_section.section(report, "tables"),
        provenance.section(report) if report.boards else Section(),
    ):
        contents |= section.files
        body += section.html
    body += (cautions.section(report).html if report.boards or report.cautions else "") + "</main>"
    contents["index.html"] = _page(report.title, style, body)
    return {name: text.encode() if isinstance(text, str) else text for name, text in contents.items()}


def _header(evidence: Evidence, runs: Sequence[StoredRun], tuned: bool) -> str:
    paper, studies = evidence.paper, sum(len(study.seeds) for study in evidence.studies.values())
    profiles = ", ".join(sorted({str(run.run["description"]["profile"]) for run in runs}))
    facts = f"{len(runs)} runs of ours" + (f" · profile {profiles}" if runs else "")
    facts += (f" · {plural(studies, 'study run')}" if studies else "") + f" · data from {paper.source}"
    links = [("claims", "Claims")] + [("tables", "Tables")] * bool(paper.tables or paper.settings)
    links += [("figures", "Figures")] * bool(paper.figures)
    links += [("tuning", "Tuning")] * tuned
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


def _summary(boards: tuple[SuiteScores, ...], verdicts: Sequence[ClaimVerdict]) -> str:
    content = {**json.loads(summary_json(boards)), "claims": claims_summary(verdicts)}
    return json_text(content)
