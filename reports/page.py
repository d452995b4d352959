"""Writes a report folder: index.html, tables, figures and summary.json."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from html import escape
from importlib import import_module
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from reports.folder import write_folder
from reports.scores.cautions import FailedRun
from reports.sections.report import Report, Section, make_report
from reports.stylesheet import asset, page_style
from reports.summary import summary_json
from reports.text.numbers import plural

if TYPE_CHECKING:
    from reports.scores.tried import Tried
    from reports.scores.tuning import TunedMethod
    from results.decisions import SequentialDecisions
    from results.store import StoredRun

#: the page from top to bottom: each a file of `reports/sections` with a function `section(report) -> Section`
SECTIONS = (
    "verdict", "forest", "leaderboard", "sequential", "across", "simulation_gap", "suites", "tuning", "cost",
    "provenance", "cautions", "numbers",
)  # fmt: skip
#: in the page's head: ids of what may be on it, and what they are called
_NAVIGATION = {
    "verdict": "Verdict", "forest": "Seeds", "leaderboard": "Leaderboard", "sequential": "Look by look",
    "across": "Across suites", "suites": "Suites", "tuning": "Tuning", "provenance": "Runs", "cautions": "Warnings",
    "numbers": "Files",
}  # fmt: skip


def write_report(
    runs: Iterable[StoredRun],
    output: Path,
    *,
    reference: Iterable[StoredRun] = (),
    stale: Collection[str] = (),
    failed: Sequence[FailedRun] = (),
    title: str = "Leaderboard",
    left_out: Sequence[str] = (),
    tried: Tried | None = None,
    decisions: Iterable[SequentialDecisions] = (),
    focus: str = "",
    tuning: Iterable[TunedMethod] = (),
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Writes the report of these runs into the folder `output`, in place of a former report; returns its page.

    The same runs give the same bytes.  say: is given a line for each configuration without a score.
    Arguments and errors as `make_report`; StoreError also if the folder cannot be written, or holds something
    else than a report.
    """
    report = make_report(runs, reference, stale, failed, title, left_out, tried, decisions, focus, tuning)
    for refused in report.refused:
        say(f"no score: {refused.reason}")
    contents = _files(report)
    output = Path(output)
    write_folder(output, contents)
    return output / "index.html"


def _files(report: Report) -> dict[str, bytes]:
    """Every file's content by its name within the folder; the page last."""
    contents: dict[str, str | bytes] = {"summary.json": summary_json(report.boards, report.tests, report.efforts)}
    body = ""
    for name in SECTIONS:
        section: Section = import_module(f"reports.sections.{name}").section(report)
        contents |= section.files
        body += section.html
    contents["index.html"] = _page(report, body)
    return {name: text.encode() if isinstance(text, str) else text for name, text in contents.items()}


def _page(report: Report, body: str) -> str:
    facts = (
        plural(len({board.suite for board in report.boards}), "suite"),
        plural(len(report.boards), "board"),
        plural(len(report.styles), "algorithm"),
        plural(len(report.runs), "run"),
        "profile " + ", ".join(sorted({str(run.run["description"]["profile"]) for run in report.runs})),
    )
    links = (f'<a href="#{name}">{title}</a>' for name, title in _NAVIGATION.items() if f'id="{name}"' in body)
    return Template(asset("page.html")).substitute(
        sections="\n".join(links),
        title=escape(report.title),
        facts=escape(" · ".join(facts)),
        style=page_style(report.styles, report.classes),
        script=asset("page.js"),
        body=body,
    )
