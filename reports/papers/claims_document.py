"""All claims of all papers as one Markdown document: a line each, then the paper's words, our test and its unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from textwrap import fill

from reports.papers.allowed import allowed
from reports.papers.change import attainable_text, test_text, unit_text, what_would_change
from reports.papers.departures import settings_of_study
from reports.papers.design import UNKNOWN
from reports.papers.evidence import SEEDS
from reports.papers.parts import CONTRADICTED, EQUAL, NO_CHANGE, NOT_RUN, REPRODUCED, UNDECIDED, VACUOUS, WORDS
from reports.papers.verdicts import ClaimVerdict
from reports.statistics.power import POWER
from reports.text.numbers import NONE, short_count
from reports.text.table import markdown_row
from results.published import Paper

INTRODUCTION = """\
# Claims

Nothing here is written by hand: `python docs/claims.py` makes the page from `results/published/` and the shipped
results. How verdicts are reached is in [Papers and their claims](papers.md).

{findings}

Each paper has a line for each of its claims, which links to the details: the paper's own words and where they stand,
our test, the smallest p-value that so many units could give, what the runs allow to say beside the verdict, and what
would change it.

- **Effect** is of the part that favours the claim least, with its 95 % interval; p is after Holm's correction over the
  paper's other tests, for one reading: adding seeds and judging again until a claim is decided errs more often than in
  5 %.
- **Trained** is how long our runs are, beside the paper's.
- **{seeds} seeds decide** is the smallest effect that {seeds} seeds of each method decide with a chance of {power} % if
  all tests of the paper are run. It is computed from the spread between seeds in stored runs, which the details name:
  of quick ones, "(quick)", where no others have two seeds; where these are the runs that are judged, it is no forecast.
- "Departs" counts the settings in which our runs are not the paper's, listed below the table, the suite's options among
  them; “–” stands where the paper prints nothing from which a study could depart.
"""


WIDTH = 120  # characters of a line


def claims_document(judged: Iterable[tuple[Paper, Sequence[ClaimVerdict]]]) -> str:
    judged = list(judged)
    introduction = INTRODUCTION.format(findings=findings(judged), seeds=SEEDS, power=f"{100 * POWER:.0f}")
    return "\n".join([introduction, *_summary(judged), *(_paper(paper, verdicts) for paper, verdicts in judged)])


def findings(judged: Sequence[tuple[Paper, Sequence[ClaimVerdict]]]) -> str:
    """What the harness found so far, in two sentences that README repeats."""
    verdicts = [verdict for _, each in judged for verdict in each]
    counts = Counter(verdict.word for verdict in verdicts)
    decided = [
        f"{paper.name} {own[REPRODUCED]} and {own[CONTRADICTED]}"
        for paper, each in judged
        if (own := Counter(verdict.word for verdict in each))[REPRODUCED] + own[CONTRADICTED]
    ]
    forms = Counter(verdict.word for verdict in verdicts if verdict.claim.form == "as corrected")
    others = [f"{counts[word]} read “{word}”" for word in (EQUAL, NO_CHANGE, VACUOUS, UNDECIDED) if counts[word]]
    scores = [each for each in verdicts if each.claim.relation != "measurement" and each.word != NOT_RUN]
    settled = sum(each.word in (REPRODUCED, CONTRADICTED, EQUAL) for each in scores)
    enough = sum((each.seeds or 0) >= SEEDS for each in scores)
    lengths = [length for each in scores for length in each.lengths]
    ours = short_count(max((length.ours for length in lengths), default=0))
    printed = short_count(max((length.printed or 0 for length in lengths), default=0))
    quoted = sum(bool(each.claim.quote) for each in verdicts)
    found = (
        f"Of {len(verdicts)} claims on {len(judged)} papers, {quoted} of them in the papers' words, the shipped runs "
        f"and studies reproduce {counts[REPRODUCED]} and contradict {counts[CONTRADICTED]} ({', '.join(decided)}), "
        f"{forms[REPRODUCED]} and {forms[CONTRADICTED]} of these in a form that we corrected, {', '.join(others)}, and "
        f"{counts[NOT_RUN]} are not run yet. Of the {len(scores)} claims on scores that have runs, {settled} "
        f"{'is' if settled == 1 else 'are'} decided or shown equal and {enough} rest on {SEEDS} seeds or more; the "
        f"longest of these runs took {ours} environment steps, where the papers' printed budgets go up to {printed}."
    )
    return fill(found, WIDTH)


def _summary(judged: Sequence[tuple[Paper, Sequence[ClaimVerdict]]]) -> list[str]:
    lines = [markdown_row(("Paper", "Claims", *WORDS)), markdown_row(("---", *["---:"] * (len(WORDS) + 1)), False)]
    for paper, verdicts in judged:
        counts = Counter(verdict.word for verdict in verdicts)
        cells = (paper.name, str(len(verdicts)), *(str(counts[word]) for word in WORDS))
        lines.append(markdown_row(cells))
    return [*lines, ""]


def _paper(paper: Paper, verdicts: Sequence[ClaimVerdict]) -> str:
    lines = [f"## {paper.title}", "", f"{paper.authors}, {paper.venue}, {paper.year}. Source: {paper.source}.", ""]
    for study, why in paper.without_settings.items():
        lines += [f"No printed setting is about the study `{study}`: {why}.", ""]
    columns = ("Claim", "Verdict", "Effect [95 %]", "Units", "Trained", f"{SEEDS} seeds decide")
    lines += [markdown_row(columns), markdown_row(["---"] * len(columns), False)]
    lines += [_line(verdict) for verdict in verdicts]
    for family, group in groupby(verdicts, key=lambda verdict: (verdict.claim.family, verdict.claim.relation)):
        lines += ["", *_family(family[0], list(group), paper)]
    return "\n".join([*lines, ""])


def _line(verdict: ClaimVerdict) -> str:
    """A claim in one row; the link in it is the only markup."""
    claim = verdict.claim
    form = f" ({claim.form})" if claim.form else ""
    design = NONE if claim.relation == "measurement" else UNKNOWN
    cells = (
        verdict.word,
        *verdict.shown,
        verdict.trained[0] if verdict.trained else NONE,
        design if verdict.design is None else verdict.design.short,
    )
    (sentence,) = markdown_row((claim.sentence + form,)).strip("| ").splitlines()
    return f"| [{sentence}](#{claim.family}) {markdown_row(cells)}"


def _family(family: str, verdicts: Sequence[ClaimVerdict], paper: Paper) -> list[str]:
    claim = verdicts[0].claim
    form = f", {claim.form}" if claim.form else ""
    printed = dict.fromkeys(verdict.claim.printed for verdict in verdicts if verdict.claim.printed)
    lines = [f'<a id="{family}"></a>', "", f"### `{family}`: {claim.place}{form}", ""]
    lines += [f"> {claim.quote}", ""] if claim.quote else ["(Nothing is quoted; the note says why.)", ""]
    lines += _opposed(verdicts, paper)
    lines += [claim.general_sentence if len(verdicts) > 1 else claim.sentence]
    if printed and not claim.table:
        lines[-1] += f" Note: {'; '.join(printed)}."
    lines += ["", f"Test: {test_text(claim)}.", ""]
    columns = ("Suite", "Verdict", "Units", "p", "Attainable p", "Departs", "What would change it")
    lines += [markdown_row(columns), markdown_row(["---"] * len(columns), False)]
    for verdict in verdicts:
        p_value = None if verdict.least is None else verdict.least.p_value
        cells = (
            paper.printed(verdict.claim.suite) if verdict.claim.suite else NONE,
            verdict.word,
            unit_text(verdict),
            NONE if p_value is None else f"{p_value:.2g}",
            attainable_text(verdict),
            _departs(verdict, paper),
            what_would_change(verdict, paper),
        )
        lines.append(markdown_row(cells))
    lines.append("")
    for verdict in verdicts:
        where = f"{paper.printed(verdict.claim.suite)}: " if verdict.claim.suite else ""
        if (said := allowed(verdict)) and verdict.word != NOT_RUN:
            lines.append(f"- {where}{'; '.join(said)}.")
        elif verdict.design is not None:
            lines.append(f"- {where}{verdict.design.said()}.")
        if verdict.departures:
            lines.append(f"- {where}departs: {'; '.join(map(str, verdict.departures))}.")
    return lines if lines[-1] else lines[:-1]


def _opposed(verdicts: Sequence[ClaimVerdict], paper: Paper) -> list[str]:
    """Before all else: which claim on the same figure has the opposite verdict, on which suites, and why."""
    opposed = [verdict for verdict in verdicts if verdict.opposed]
    lines = []
    for reason in dict.fromkeys(verdict.reasons[0] for verdict in opposed):
        having = [paper.printed(verdict.claim.suite) for verdict in opposed if verdict.reasons[0] == reason]
        where = f"{'; '.join(having)}: " if len(having) < len(verdicts) else ""
        lines += [f"{where}{reason}.", ""]
    return lines


def _departs(verdict: ClaimVerdict, paper: Paper) -> str:
    """How many settings; none where nothing is stored or nothing that the paper prints could be compared."""
    claim = verdict.claim
    comparable = claim.relation != "measurement" or verdict.departures or settings_of_study(paper, claim)
    return str(len(verdict.departures)) if verdict.digests and comparable else NONE
