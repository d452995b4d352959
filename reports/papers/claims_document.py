"""All claims of all papers as one Markdown document: the paper's words, our test, its unit, the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from reports.papers.change import attainable_text, test_text, unit_text, what_would_change
from reports.papers.parts import WORDS
from reports.papers.verdicts import ClaimVerdict
from reports.text.numbers import NONE
from reports.text.table import markdown_row
from results.published import Paper

INTRODUCTION = """\
# Claims

For every claim of every paper: its own words and where they stand, our test, the unit that varies by chance, the
smallest p-value that so many units could give, the verdict, and what would change it. Nothing here is written by hand:
`python docs/claims.py` makes the page from `results/published/` and the shipped results. How verdicts are reached is in
[Papers and their claims](papers.md).

Effects are of the part that favours the claim least, each with its 95 % interval; p is after Holm's correction over
the paper's other tests, for one reading: adding seeds and judging again until a claim is decided errs more often than
in 5 %. "Departs" counts the settings in which our runs are not the paper's, listed below the table.
"""


def claims_document(judged: Iterable[tuple[Paper, Sequence[ClaimVerdict]]]) -> str:
    judged = list(judged)
    return "\n".join([INTRODUCTION, *_summary(judged), *(_paper(paper, verdicts) for paper, verdicts in judged)])


def _summary(judged: Sequence[tuple[Paper, Sequence[ClaimVerdict]]]) -> list[str]:
    lines = [markdown_row(("Paper", "Claims", *WORDS)), markdown_row(("---", *["---:"] * (len(WORDS) + 1)), False)]
    for paper, verdicts in judged:
        counts = Counter(verdict.word for verdict in verdicts)
        cells = (paper.name, str(len(verdicts)), *(str(counts[word]) for word in WORDS))
        lines.append(markdown_row(cells))
    return [*lines, ""]


def _paper(paper: Paper, verdicts: Sequence[ClaimVerdict]) -> str:
    lines = [f"## {paper.title}", "", f"{paper.authors}, {paper.venue}, {paper.year}. Source: {paper.source}.", ""]
    for family, group in groupby(verdicts, key=lambda verdict: (verdict.claim.family, verdict.claim.relation)):
        lines += _family(family[0], list(group), paper)
    return "\n".join(lines)


def _family(family: str, verdicts: Sequence[ClaimVerdict], paper: Paper) -> list[str]:
    claim = verdicts[0].claim
    form = f", {claim.form}" if claim.form else ""
    printed = dict.fromkeys(verdict.claim.printed for verdict in verdicts if verdict.claim.printed)
    lines = [f"### `{family}`: {claim.place}{form}", ""]
    lines += [f"> {claim.quote}", ""] if claim.quote else ["(No sentence of the paper's says it.)", ""]
    lines += [claim.general_sentence if len(verdicts) > 1 else claim.sentence]
    if printed and not claim.table:
        lines[-1] += f" Printed: {'; '.join(printed)}."
    lines += ["", f"Test: {test_text(claim)}.", ""]
    columns = ("Suite", "Verdict", "Effect [95 %]", "Unit", "p", "Attainable p", "Departs", "What would change it")
    lines += [markdown_row(columns), markdown_row(["---"] * len(columns), False)]
    for verdict in verdicts:
        p_value = None if verdict.least is None else verdict.least.p_value
        cells = (
            paper.printed(verdict.claim.suite) if verdict.claim.suite else NONE,
            verdict.word,
            verdict.shown[0],
            unit_text(verdict),
            NONE if p_value is None else f"{p_value:.2g}",
            attainable_text(verdict),
            str(len(verdict.departures)) if verdict.digests else NONE,
            what_would_change(verdict, paper),
        )
        lines.append(markdown_row(cells))
    lines.append("")
    for verdict in verdicts:
        where = f"{paper.printed(verdict.claim.suite)}: " if verdict.claim.suite else ""
        if verdict.opposed:
            lines.append(f"- {where}{verdict.reasons[0]}.")
        if verdict.departures:
            lines.append(f"- {where}departs: {'; '.join(map(str, verdict.departures))}.")
    return [*lines, ""] if lines[-1] else lines
