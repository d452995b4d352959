"""The sections of a paper's page: the claims, the tables and the figures, each beside what the paper prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from reports.figures.drawing import Drawing
from reports.papers.evidence import Evidence
from reports.papers.tables import FilledTable, PaperCell, ours_text
from reports.papers.verdicts import (
    CONTRADICTED,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    WORDS,
    PartVerdict,
    Verdict,
    effect_text,
    least_favourable,
    pair_text,
    was_tested,
)
from reports.tables.leaderboard import Table
from reports.text.numbers import NONE, number
from results.published import Paper, PaperFigure

_CLASSES = {REPRODUCED: "reproduced", CONTRADICTED: "contradicted", UNDECIDED: "undecided", NOT_RUN: "none"}


def claims_section(paper: Paper, verdicts: Sequence[Verdict]) -> str:
    counts = Counter(verdict.word for verdict in verdicts)
    said = ", ".join(f"<b>{counts[word]}</b> {_word(word)}" for word in WORDS if counts[word])
    rows = "".join(map(_claim, verdicts))
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
<div class="wide"><table class="claims"><thead><tr><th>Claim</th><th>Verdict</th><th>Effect [95 %]</th><th>Seeds</th>
<th>Why</th></tr></thead><tbody>{rows}</tbody></table></div>
<p class="files">Table: {_files("claims")}</p>
</section>"""


def table_section(filled: FilledTable, evidence: Evidence) -> str:
    """A printed table, ours below each number."""
    source, paper = filled.source, evidence.paper
    head = "".join(f"<th>{escape(paper.printed(name))}</th>" for name in source.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(paper.printed(name))}</th>{"".join(map(_cell, cells))}</tr>'
        for name, cells in zip(source.rows, filled.cells, strict=True)
    )
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
<div class="wide"><table class="printed"><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>
{_notes(notes)}<p class="files">Table: {_files(source.id)}</p></section>"""


def plain_section(identifier: str, table: Table, note: str) -> str:
    """A table of texts."""
    return f"""
<section id="{identifier}"><h3>{escape(table.title)}</h3>{_html(table)}{_notes([note] if note else [])}
<p class="files">Table: {_files(identifier)}</p></section>"""


def figure_section(figure: PaperFigure, drawing: Drawing | None, table: Table | None, missing: str) -> str:
    """A figure from our runs, and the numbers behind it; why there is none where nothing was run."""
    drawn = f'<p class="terms">Not run: {escape(missing)}.</p>'
    if drawing is not None:
        files = " ".join(f'<a href="figures/{drawing.name}.{kind}">{kind}</a>' for kind in ("svg", "png"))
        drawn = (
            f'<figure class="paperfigure">{drawing.inline()}<figcaption>{escape(drawing.caption)}. {files}</figcaption>'
            "</figure>"
        )
    notes = [figure.note] if figure.note else []
    if figure.axes:
        notes.append("The paper's values are not in its text. Its vertical axes run " + _axes(figure) + ".")
    numbers = "" if table is None else f"{_html(table)}<p class='files'>Table: {_files(figure.id)}</p>"
    return f"""
<section id="{figure.id}"><h3>{escape(figure.place)}. {escape(figure.title)}</h3>{drawn}{_notes(notes)}{numbers}
</section>"""


def _axes(figure: PaperFigure) -> str:
    ends = (f"from {number(low, 2)} to {number(high, 2)} on {name}" for name, (low, high) in figure.axes.items())
    return ", ".join(ends)


def _claim(verdict: Verdict) -> str:
    claim = verdict.claim
    effect, seeds = NONE, NONE
    least = least_favourable(verdict)
    if least is not None:
        effect, seeds = effect_text(least), str(least.seeds)
    printed = f" The paper: {claim.printed}." if claim.printed else ""
    return (
        f'<tr id="{escape(claim.id)}"><th scope="row">{escape(claim.sentence + printed)}'
        f"<small>{escape(claim.place)} · <code>{escape(claim.id)}</code></small></th>"
        f"<td>{_word(verdict.word)}</td><td>{effect}</td><td>{seeds}</td><td>{_why(verdict)}</td></tr>"
    )


def _why(verdict: Verdict) -> str:
    tested = [entry for entry in verdict.parts if was_tested(entry.part)]
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


def _part(entry: PartVerdict) -> str:
    part = entry.part
    if not was_tested(part):
        return ""
    corrected = "" if entry.p_value is None else f", p {entry.p_value:.2g}"
    return (
        f"<li>{escape(pair_text(part))}: {escape(effect_text(part))}, {part.seeds} seeds"
        f"{corrected}, {escape(entry.word)}</li>"
    )


def _cell(cell: PaperCell) -> str:
    gain = ""
    if cell.gain_ratio is not None:
        gain = f"<small>gain, ours / paper: {number(cell.gain_ratio, 2)}</small>"
    printed = escape(cell.printed.replace("-", "−"))
    return f'<td title="{escape(cell.missing)}"><b>{printed}</b><small>{escape(ours_text(cell))}</small>{gain}</td>'


def _word(word: str) -> str:
    return f'<span class="word {_CLASSES[word]}">{escape(word)}</span>'


def _html(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(text)}</td>" for text in row[1:])}</tr>'
        for row in table.rows
    )
    return f'<div class="wide"><table class="runs"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _notes(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(note[0].upper() + note[1:])}.</li>".replace("..<", ".<") for note in notes)
    return f'<ul class="note">{items}</ul>' if items else ""


def _files(name: str) -> str:
    return " ".join(f'<a href="tables/{name}.{kind}">{kind}</a>' for kind in ("csv", "md", "tex"))
