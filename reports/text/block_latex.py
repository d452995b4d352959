"""A table as LaTeX that fits the line: cells break, and columns that have no room stand in a block below."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.text.numbers import NONE
from reports.text.table import BEGIN, END, Table, latex_text

_LINE = 345.0  # points, of a page of LaTeX's article; a wider line gives every column more
_LETTER, _GAP = 4.6, 4.0
_FIRST = 15  # letters of the first column, as far as its cells are so long


def block_latex(table: Table) -> str:
    """The first column stands again in each block.  A cell's second part, from its bracket on, is set smaller.

    Compiles alone and by \\input in a document that loads booktabs, without a line that is too long.
    """
    shares = [_share(table, place) for place in range(len(table.columns))]
    blocks: list[list[int]] = [[]]
    for place in range(1, len(shares)):
        if blocks[-1] and shares[0] + sum(shares[other] for other in (*blocks[-1], place)) > 1:
            blocks.append([])
        blocks[-1].append(place)
    head = [f"% {table.title}", *BEGIN, r"\begingroup\footnotesize\setlength{\tabcolsep}{2pt}\raggedright"]
    body = "\n\\par\\medskip\n".join(_block(table, places, shares) for places in blocks)
    return "\n".join([*head, body, r"\par\endgroup", END]) + "\n"


def _share(table: Table, place: int) -> float:
    """Of the line, what the column's longest part without a break takes."""
    cells = [table.columns[place], *(row[place] for row in table.rows)]
    longest = max(len(part) for cell in cells for part in re.split(r"[ -]", cell))
    if place == 0:
        longest = max(longest, min(_FIRST, max(map(len, cells))))
    return (longest * _LETTER + 2 * _GAP) / _LINE


def _block(table: Table, places: Sequence[int], shares: Sequence[float]) -> str:
    widths = [shares[place] - 2 * _GAP / _LINE / 2 for place in (0, *places)]
    columns = "".join(f"p{{{width:.3f}\\linewidth}}" for width in widths)
    lines = [rf"\noindent\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\toprule"]
    lines += [_row([table.columns[0], *(table.columns[place] for place in places)]), r"\midrule"]
    for row in table.rows:
        cells = [row[place] for place in places]
        if any(cell != NONE for cell in cells):
            lines.append(_row([row[0], *cells]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _row(cells: Sequence[str]) -> str:
    return " & ".join(rf"\raggedright {_cell(cell)}" for cell in cells) + r" \tabularnewline"


def _cell(text: str) -> str:
    score, bracket, rest = text.partition(" [")
    # a hyphen alone breaks no word that holds another
    shown = re.sub(r"(?<=\w)-(?=\w)", r"-\\hspace{0pt}", latex_text(score))
    return shown + (rf" {{\scriptsize {latex_text(bracket.strip() + rest)}}}" if bracket else "")
