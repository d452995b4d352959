"""The sections of a paper's page: the claims, the tables and the figures, each beside what the paper prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from reports.figures.drawing import Drawing
from reports.papers.claim_lines import claim_lines, word_html
from reports.papers.claims import ALIKE
from reports.papers.evidence import SEEDS, Evidence
from reports.papers.parts import NOT_RUN, WORDS
from reports.papers.tables import FilledTable, PaperCell, ours_text
from reports.papers.verdicts import ClaimVerdict
from reports.sections.html import Cell, Row, figure_of, table, table_links
from reports.statistics.power import POWER
from reports.text.numbers import number, plural, short_count
from reports.text.table import Table
from results.published import Paper, PaperFigure

#: rows of a figure's numbers that are shown at once
_LONG = 30


def claims_section(paper: Paper, verdicts: Sequence[ClaimVerdict]) -> str:
    counts = Counter(verdict.word for verdict in verdicts)
    said = ", ".join(f"<b>{counts[word]}</b> {word_html(word)}" for word in WORDS if counts[word])
    notes = "".join(f"<li>{escape(sentence)}</li>" for sentence in paper.open)
    run = [verdict for verdict in verdicts if verdict.word != NOT_RUN]
    not_run = [verdict for verdict in verdicts if verdict.word == NOT_RUN]
    lines = claim_lines(run, paper) if run else ""
    if not_run:
        lines += (
            f"<details{'' if run else ' open'}><summary>Not run: {plural(len(not_run), 'claim')}, with what would "
            f"decide them</summary>{claim_lines(not_run, paper)}</details>"
        )
    tests = next((verdict.design.tests for verdict in verdicts if verdict.design is not None), 0)
    design = f" when all {tests} tests of the paper are run" if tests else ""
    return f"""
<section id="claims"><h2>Claims</h2>
<p class="lead">Of {len(verdicts)} claims: {said}.</p>
<p class="note">Every line opens on the tests behind it. Effects are differences of means over seeds (ratios where a
ratio is claimed) with the 95 % interval of the very test, of the part that favours the claim least. In the picture the
dot is the effect, the bar its interval, the thin line what it is held against, the grey band the claimed ends or the
margin; each has its own scale. Undecided is not refuted.</p>
<details><summary>How verdicts are reached</summary><p class="note">A part of a claim is decided where its own test over
seeds, or over MDPs drawn independently, gives p ≤ 0.05 after Holm's correction over all tests that this paper's
verdicts rest on. What is exact is decided by its sign. A bound that nothing could exceed is vacuous, and a change
within numerical error is none; neither counts as reproduced. Two methods are equal within margin where one was claimed
above the other, but their difference is shown to be smaller than the effect that {SEEDS} seeds decide, and smaller than
{100 * ALIKE:.0f} % of the second's mean. “{SEEDS} seeds decide” is the smallest effect that {SEEDS} seeds of each side
decide with a chance of {100 * POWER:.0f} %{design}. The 5 % are of one reading: seeds that are added until a claim is
decided make errors more frequent.</p></details>
<details><summary>What the paper leaves open</summary><ul class="caution">{notes}</ul></details>
{lines}
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
    if filled.study is not None:
        notes += filled.study.differences()
        notes += [f"{paper.printed(suite)}: {text}" for suite, text in _terms(filled).items()]
    notes += [f"Not run: {reason}" for reason in missing]
    return f"""
<section id="{source.id}"><h3>{escape(source.place)}. {escape(source.title)}</h3>
<p class="terms">Printed numbers in bold, ours below: mean ± standard deviation over seeds (± over tasks). Gains
are over {escape(paper.printed(source.baseline) or "no baseline")}.</p>
{table(source.title, rows, "printed", heads)}
{_notes(notes)}<p class="files">Table: {table_links(source.id)}</p></section>"""


def _terms(filled: FilledTable) -> dict[str, str]:
    """Of a study's cells, by the paper's suite, how much training they had and on what."""
    cells = [cell for row in filled.cells for cell in row if cell.ours is not None]
    return {
        cell.suite: f"our suite is {cell.terms[0]}, at most {short_count(cell.terms[1])} environment steps of training"
        for cell in cells
    }


def plain_section(identifier: str, texts: Table, note: str) -> str:
    """A table of texts."""
    return f"""
<section id="{identifier}"><h3>{escape(texts.title)}</h3>{_html(texts)}{_notes([note] if note else [])}
<p class="files">Table: {table_links(identifier)}</p></section>"""


def figure_section(
    figure: PaperFigure, drawing: Drawing | None, texts: Table | None, missing: str, beyond: Sequence[str] = ()
) -> str:
    """A figure from our runs, and the numbers behind it; why there is none where nothing was run.

    beyond: where ours leave the printed axes.
    """
    drawn = f'<p class="terms">Not run: {escape(missing)}.</p>'
    if drawing is not None:
        drawn = figure_of(drawing, "paperfigure")
    notes = [figure.note] if figure.note else []
    if figure.axes:
        notes.append("The paper's values are not in its text. Its vertical axes run " + _axes(figure) + ".")
    notes += beyond
    numbers = "" if texts is None else f"{_html(texts)}<p class='files'>Table: {table_links(figure.id)}</p>"
    if texts is not None and len(texts.rows) > _LONG:
        numbers = f"<details><summary>Its numbers: {plural(len(texts.rows), 'row')}</summary>{numbers}</details>"
    return f"""
<section id="{figure.id}"><h3>{escape(figure.place)}. {escape(figure.title)}</h3>{drawn}{_notes(notes)}{numbers}
</section>"""


def _axes(figure: PaperFigure) -> str:
    ends = (f"from {number(low, 2)} to {number(high, 2)} on {name}" for name, (low, high) in figure.axes.items())
    return ", ".join(ends)


def _cell(cell: PaperCell) -> Cell:
    gain = ""
    if cell.gain_ratio is not None:
        gain = f"<small>gain, ours / paper: {number(cell.gain_ratio, 2)}</small>"
    printed = escape(cell.printed.replace("-", "−"))
    return Cell(f"<b>{printed}</b><small>{escape(ours_text(cell))}</small>{gain}", title=cell.missing)


def _html(texts: Table) -> str:
    heads = [escape(name) for name in texts.columns]
    rows = (Row({head: Cell(escape(text)) for head, text in zip(heads, row, strict=True)}) for row in texts.rows)
    return table(texts.title, rows, "texts")


def _notes(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(note[0].upper() + note[1:])}.</li>".replace("..<", ".<") for note in notes)
    return f'<ul class="note">{items}</ul>' if items else ""
