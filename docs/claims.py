"""Writes docs/claims.md: every claim of every paper with its test and its verdict on the shipped results.

Its two sentences on what was found so far go into README too.

    python docs/claims.py [--check] [--write-designs PAPER ...]

With --check nothing is written, and the exit code is 1 if the page is not what would be.  With --write-designs, before
a paper's runs, what eight seeds can decide of its claims is written down first: of those of which nothing was yet.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from algorithms.catalogue import algorithms
from benchmarks.commands.report import REFERENCE
from environments.catalogue import suites
from reports.papers.claims_document import claims_document, findings
from reports.papers.design import planned_tests, written_design
from reports.papers.evidence import Evidence
from reports.papers.page import paper_evidence
from reports.papers.verdicts import ClaimVerdict, judge
from results.claim_designs import load_claim_designs, write_claim_designs
from results.published import Paper, papers
from results.store import Store

PAGE = Path(__file__).with_suffix(".md")
README = PAGE.parents[1] / "README.md"
#: what stands around the two sentences in README
BEGIN, END = "<!-- found: written by docs/claims.py -->\n", "\n<!-- end -->"

Judged = list[tuple[Paper, tuple[ClaimVerdict, ...]]]


def shipped_evidence() -> list[Evidence]:
    """By paper.  Whether the code of a run is today's does not enter, so that code changes no page."""
    store = Store(REFERENCE, read_only=True)
    runs, studies = store.finished(), store.studies()
    return [
        paper_evidence(paper, [], runs, algorithms=algorithms(), suites=suites(), studies=studies)
        for paper in papers().values()
    ]


def judged_claims() -> Judged:
    return [(evidence.paper, judge(evidence)) for evidence in shipped_evidence()]


def write_designs(names: Sequence[str], day: str) -> None:
    """Of the claims of these papers of which nothing is written down yet, what is known before their runs."""
    written = load_claim_designs()
    for evidence in (each for each in shipped_evidence() if each.paper.name in names):
        tests = planned_tests(evidence)
        found = {
            claim.id: written_design(claim, evidence, tests, day)
            for claim in evidence.paper.claims
            if claim.id not in written
        }
        written.update({claim: design for claim, design in found.items() if design is not None})
    write_claim_designs(written)


def pages(judged: Judged) -> dict[Path, str]:
    """The whole document, and README with its sentences.  Raises ValueError for a README without their place."""
    readme = README.read_text(encoding="utf-8")
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{README.name} has no place for what was found, between {BEGIN.strip()} and {END.strip()}")
    return {PAGE: claims_document(judged), README: f"{before}{begin}{findings(judged)}{end}{after}"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write-designs", nargs="+", default=[], choices=sorted(papers()), metavar="PAPER")
    arguments = parser.parse_args()
    if arguments.write_designs:
        write_designs(arguments.write_designs, datetime.now(UTC).date().isoformat())
    texts = pages(judged_claims())
    if not arguments.check:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path.name for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
    if stale:
        print(f"{', '.join(stale)}: not what the shipped results say; run python docs/{Path(__file__).name}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
