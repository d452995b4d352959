"""A paper's claims on its page: a line each, which opens on the tests behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from reports.papers.allowed import allowed
from reports.papers.change import attainable_text, test_text, what_would_change
from reports.papers.design import UNKNOWN
from reports.papers.evidence import SEEDS
from reports.papers.parts import (
    CONTRADICTED,
    EQUAL,
    NO_CHANGE,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    VACUOUS,
    Part,
)
from reports.papers.picture import picture_of
from reports.papers.verdicts import ClaimVerdict
from reports.text.numbers import NONE
from results.published import Paper

_CLASSES = {
    REPRODUCED: "reproduced",
    CONTRADICTED: "contradicted",
    EQUAL: "equal",
    NO_CHANGE: "empty",
    VACUOUS: "empty",
    UNDECIDED: "undecided",
    NOT_RUN: "none",
}
#: what the columns of a line are
HEADS = ("Claim", "Verdict", "Effect [95 %]", "Units", "Interval")


def claim_lines(verdicts: Sequence[ClaimVerdict], paper: Paper) -> str:
    """Every claim a line, by their places in the paper."""
    heads = "".join(f"<span>{head}</span>" for head in HEADS)
    lists = []
    for place, group in groupby(verdicts, key=lambda verdict: verdict.claim.place):
        lines = "".join(f"<li>{_line(verdict, paper)}</li>" for verdict in group)
        lists.append(f'<h3>{escape(place)}</h3><ul class="claims">{lines}</ul>')
    return f'<p class="claimheads" aria-hidden="true">{heads}</p>{"".join(lists)}'


def word_html(word: str, shown: str = "") -> str:
    """shown: the word in other words, where there is little room."""
    return f'<span class="word {_CLASSES[word]}">{escape(shown or word)}</span>'


def _line(verdict: ClaimVerdict, paper: Paper) -> str:
    claim = verdict.claim
    effect, units = verdict.shown
    form = f" <small>{escape(claim.form)}</small>" if claim.form else ""
    trained = f"<small>{escape(verdict.trained[0].partition(';')[0])}</small>" if verdict.trained else ""
    short = UNDECIDED.partition(" ")[0] if verdict.word == UNDECIDED else ""  # the budget stands below it
    design = ""
    if verdict.claim.relation != "measurement":
        design = UNKNOWN.partition(":")[0] if verdict.design is None else verdict.design.short
        design = f"<small>{SEEDS} seeds decide: {escape(design)}</small>"
    picture = picture_of(verdict.least)
    shown = effect if verdict.least is not None else NONE
    opposed = f'<p class="opposed">{escape(verdict.reasons[0])}.</p>' if verdict.opposed else ""
    return (
        f'<details id="{escape(claim.id)}"><summary><span class="claim">{escape(claim.sentence)}{form}</span>'
        f'<span>{word_html(verdict.word, short)}{trained}</span><span class="effect">{escape(shown)}{design}</span>'
        f'<span class="units">{escape(units)}</span><span class="{_CLASSES[verdict.word]}">{picture}</span></summary>'
        f"{_behind(verdict, paper)}</details>{opposed}"
    )


def _behind(verdict: ClaimVerdict, paper: Paper) -> str:
    """The tests behind the verdict, and all that must be known of them."""
    claim = verdict.claim
    quote = f"<q>{escape(claim.quote)}</q> " if claim.quote else ""
    printed = f" Printed: {escape(claim.printed)}." if claim.printed and not claim.table else ""
    tested = [part for part in verdict.parts if part.tested]
    facts = [
        ("Test", [test_text(claim)]),
        ("Found", [*verdict.reasons, *map(_part, tested)] if tested else verdict.reasons),
        ("Attainable p", [attainable_text(verdict)] if tested else []),
        ("What the runs allow", allowed(verdict)),
        ("Must be known", verdict.not_comparable),
        ("Departs in", map(str, verdict.departures)),
        ("Runs", [", ".join(digest[:12] for digest in verdict.digests)] if verdict.digests else []),
        ("What would change it", [what_would_change(verdict, paper)]),
    ]
    shown = "".join(_fact(name, list(texts)) for name, texts in facts)
    return f'<div class="behind"><p>{quote}<code>{escape(claim.id)}</code>{printed}</p><dl>{shown}</dl></div>'


def _fact(name: str, texts: Iterable[str]) -> str:
    values = "".join(f"<dd>{escape(text)}</dd>" for text in texts if text)
    return f"<dt>{name}</dt>{values}" if values else ""


def _part(part: Part) -> str:
    corrected = "" if part.p_value is None else f", p {part.p_value:.2g}"
    shown = "" if part.judged else ", shown and not judged"
    return f"{part.pair}: {part.effect_text}, {part.units_text}{corrected}, {part.word}{shown}"
