"""The sections of a paper's page: the claims, the tables and the figures, each beside what the paper prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from reports.figures.drawing import Drawing
from reports.papers.evidence import Evidence
from reports.papers.parts import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED, WORDS, Part
from reports.papers.tables import FilledTable, PaperCell, ours_text
from reports.papers.verdicts import ClaimVerdict
from reports.sections.html import Cell, Row, figure_of, table, table_links
from reports.text.numbers import number
from reports.text.table import Table
from results.published import Paper, PaperFigure

_CLASSES = {REPRODUCED: "reproduced", CONTRADICTED: "contradicted", UNDECIDED: "undecided", NOT_RUN: "none"}


def claims_section(paper: Paper, verdicts: Sequence[ClaimVerdict]) -> str:
    counts = Counter(verdict.word for verdict in verdicts)
    said = ", ".join(f"<b>{counts[word]}</b> {_word(word)}" for word in WORDS if counts[word])
    notes = "".join(f"<li>{escape(sentence)}</li>" for sentence in paper.open)
    return f"""
<section id="claims"><h2>Claims</h2>
<p class="lead">Of {len(verdicts)} claims: {said}.</p>
<p class="note">A part of a claim is decided where a permutation test over seeds gives p ≤ 0.05 after Holm's correction
over all tested parts of this paper's claims. Effects are differences of interquartile means (ratios where a ratio is
claimed) with 95 % bootstrap intervals over seeds; a claim shows the part that favours it least. What is measured and
no score is decided by its own 95 % interval, or by its sign where nothing in it is left to chance. Undecided is not
refuted. Our runs are at other budgets than the paper's where the reasons say so.</p>
<details open><summary>What the paper leaves open</summary><ul class="caution">{notes}</ul></details>
{table("Claims", map(_claim, verdicts), "claims")}
<p class="files">Table: {table_links("claims")}</p>
</section>"""


def table_section(filled: FilledTable, evidence: Evidence) -> str:
    """A printed table, ours below each number."""
    source, paper = filled.source, evidence.paper
    heads = {name: escape(paper.printed(name)) for name in source.columns}
    rows = [
        Row({"": Cell(escape(paper.printed(name))), **dict(zip(heads, map(_cell, cells), strict=True))})
        for name, cells in zip(source.rows, filled.cells, strict=True)
    ]
    missing = Counter(cell.missing for row in filled.cells for cell in row if cell.missing)
    notes = [source.note] if source.note else []
    for name, found in filled.comparable.items():
        differences = "; ".join(evidence.differences(paper.suite(name), found))
        notes.append(f"{paper.printed(name)}: {differences}")
    notes += [f"Not run: {reason}" for reason in missing]
    return f"""
<section id="{source.id}"><h3>{escape(source.place)}. {escape(source.title)}</h3>
<p class="terms">Printed numbers in bold, ours below: mean ± standard deviation over seeds (± over tasks). Gains
are over {escape(paper.printed(source.baseline) or "no baseline")}.</p>
{table(source.title, rows, "printed", heads)}
{_notes(notes)}<p class="files">Table: {table_links(source.id)}</p></section>"""


def plain_section(identifier: str, texts: Table, note: str) -> str:
    """A table of texts."""
    return f"""
<section id="{identifier}"><h3>{escape(texts.title)}</h3>{_html(texts)}{_notes([note] if note else [])}
<p class="files">Table: {table_links(identifier)}</p></section>"""


def figure_section(figure: PaperFigure, drawing: Drawing | None, texts: Table | None, missing: str) -> str:
    """A figure from our runs, and the numbers behind it; why there is none where nothing was run."""
    drawn = f'<p class="terms">Not run: {escape(missing)}.</p>'
    if drawing is not None:
        drawn = figure_of(drawing, "paperfigure")
    notes = [figure.note] if figure.note else []
    if figure.axes:
        notes.append("The paper's values are not in its text. Its vertical axes run " + _axes(figure) + ".")
    numbers = "" if texts is None else f"{_html(texts)}<p class='files'>Table: {table_links(figure.id)}</p>"
    return f"""
<section id="{figure.id}"><h3>{escape(figure.place)}. {escape(figure.title)}</h3>{drawn}{_notes(notes)}{numbers}
</section>"""


def _axes(figure: PaperFigure) -> str:
    ends = (f"from {number(low, 2)} to {number(high, 2)} on {name}" for name, (low, high) in figure.axes.items())
    return ", ".join(ends)


def _claim(verdict: ClaimVerdict) -> Row:
    claim = verdict.claim
    printed = f" The paper: {claim.printed}." if claim.printed else ""
    sentence = (
        f"{escape(claim.sentence + printed)}<small>{escape(claim.place)} · <code>{escape(claim.id)}</code></small>"
    )
    effect, seeds = verdict.shown
    texts = {
        "Claim": sentence,
        "Verdict": _word(verdict.word),
        "Effect [95 %]": effect,
        "Seeds": seeds,
        "Why": _why(verdict),
    }
    return Row({head: Cell(text) for head, text in texts.items()}, anchor=claim.id)


def _why(verdict: ClaimVerdict) -> str:
    tested = [part for part in verdict.parts if part.tested]
    if not tested:
        return escape("; ".join(reason.removeprefix("not run: ") for reason in verdict.reasons))
    reasons = "".join(f"<div>{escape(reason)}</div>" for reason in verdict.reasons)
    parts = "".join(map(_part, tested))
    differences = "".join(f"<li>{escape(text)}</li>" for text in verdict.not_comparable)
    digests = ", ".join(digest[:12] for digest in verdict.digests)
    return (
        f"{reasons}<details><summary>numbers, differences, runs</summary><ul>{parts}{differences}"
        f"<li>runs {escape(digests)}</li></ul></details>"
    )


def _part(part: Part) -> str:
    corrected = "" if part.p_value is None else f", p {part.p_value:.2g}"
    text = f"{part.pair}: {part.effect_text}, {part.seeds} seeds{corrected}, {part.word}"
    return f"<li>{escape(text)}</li>"


def _cell(cell: PaperCell) -> Cell:
    gain = ""
    if cell.gain_ratio is not None:
        gain = f"<small>gain, ours / paper: {number(cell.gain_ratio, 2)}</small>"
    printed = escape(cell.printed.replace("-", "−"))
    return Cell(f"<b>{printed}</b><small>{escape(ours_text(cell))}</small>{gain}", title=cell.missing)


def _word(word: str) -> str:
    return f'<span class="word {_CLASSES[word]}">{escape(word)}</span>'


def _html(texts: Table) -> str:
    heads = [escape(name) for name in texts.columns]
    rows = (Row({head: Cell(escape(text)) for head, text in zip(heads, row, strict=True)}) for row in texts.rows)
    return table(texts.title, rows, "runs")


def _notes(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(note[0].upper() + note[1:])}.</li>".replace("..<", ".<") for note in notes)
    return f'<ul class="note">{items}</ul>' if items else ""
