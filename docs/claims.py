"""Writes docs/claims.md: every claim of every paper with its test and its verdict on the shipped results.

    python docs/claims.py [--check]

With --check nothing is written, and the exit code is 1 if the page is not what would be.
"""

from __future__ import annotations

import sys
from pathlib import Path

from algorithms.catalogue import algorithms
from benchmarks.commands.report import REFERENCE
from environments.catalogue import suites
from reports.papers.claims_document import claims_document
from reports.papers.page import paper_evidence
from reports.papers.verdicts import judge
from results.published import papers
from results.store import Store

PAGE = Path(__file__).with_suffix(".md")


def page() -> str:
    """The whole document.  Whether the code of a run is today's does not enter it, so that code changes no page."""
    store = Store(REFERENCE, read_only=True)
    runs, studies = store.finished(), store.studies()
    judged = []
    for paper in papers().values():
        own = paper_evidence(paper, [], runs, algorithms=algorithms(), suites=suites(), studies=studies)
        judged.append((paper, judge(own)))
    return claims_document(judged)


def main() -> int:
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
    if not current:
        print(f"{PAGE.name} is not what the shipped results say; run python docs/{Path(__file__).name}")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
