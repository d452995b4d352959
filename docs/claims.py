"""Writes docs/claims.md: every claim of every paper with its test and its verdict on the shipped results.

Its two sentences on what was found so far go into README too.

    python docs/claims.py [--check]

With --check nothing is written, and the exit code is 1 if the page is not what would be.
"""

from __future__ import annotations

import sys
from pathlib import Path

from algorithms.catalogue import algorithms
from benchmarks.commands.report import REFERENCE
from environments.catalogue import suites
from reports.papers.claims_document import claims_document, findings
from reports.papers.page import paper_evidence
from reports.papers.verdicts import ClaimVerdict, judge
from results.published import Paper, papers
from results.store import Store

PAGE = Path(__file__).with_suffix(".md")
README = PAGE.parents[1] / "README.md"
#: what stands around the two sentences in README
BEGIN, END = "<!-- found: written by docs/claims.py -->\n", "\n<!-- end -->"

Judged = list[tuple[Paper, tuple[ClaimVerdict, ...]]]


def judged_claims() -> Judged:
    """Of the shipped results.  Whether the code of a run is today's does not enter, so that code changes no page."""
    store = Store(REFERENCE, read_only=True)
    runs, studies = store.finished(), store.studies()
    judged: Judged = []
    for paper in papers().values():
        own = paper_evidence(paper, [], runs, algorithms=algorithms(), suites=suites(), studies=studies)
        judged.append((paper, judge(own)))
    return judged


def pages(judged: Judged) -> dict[Path, str]:
    """The whole document, and README with its sentences.  Raises ValueError for a README without their place."""
    readme = README.read_text(encoding="utf-8")
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{README.name} has no place for what was found, between {BEGIN.strip()} and {END.strip()}")
    return {PAGE: claims_document(judged), README: f"{before}{begin}{findings(judged)}{end}{after}"}


def main() -> int:
    texts = pages(judged_claims())
    if "--check" not in sys.argv[1:]:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path.name for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
    if stale:
        print(f"{', '.join(stale)}: not what the shipped results say; run python docs/{Path(__file__).name}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
