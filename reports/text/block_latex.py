"""A table with more columns than fit on a page, as LaTeX: blocks of columns below each other."""

from __future__ import annotations

from reports.text.table import BEGIN, END, Table, latex_text

#: columns beside the first in a block
_COLUMNS = 4
_FIRST, _OTHERS = 0.22, 0.175  # shares of the line, without the gaps


def block_latex(table: Table) -> str:
    """The first column stands again in each block.  A cell's second part, from its bracket on, stands below its first.

    Compiles alone and by \\input in a document that loads booktabs, without a line that is too long.
    """
    count = len(table.columns) - 1
    blocks = [_block(table, range(start, min(start + _COLUMNS, count + 1))) for start in range(1, count + 1, _COLUMNS)]
    head = [f"% {table.title}", *BEGIN, r"\begingroup\footnotesize\setlength{\tabcolsep}{2pt}\raggedright"]
    return "\n".join([*head, "\n\\par\\medskip\n".join(blocks), r"\par\endgroup", END]) + "\n"


def _block(table: Table, places: range) -> str:
    widths = [_FIRST, *[_OTHERS] * len(places)]
    columns = "".join(f"p{{{width}\\linewidth}}" for width in widths)
    lines = [rf"\noindent\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\toprule"]
    lines += [_row([table.columns[0], *(table.columns[place] for place in places)]), r"\midrule"]
    for row in table.rows:
        cells = [row[place] for place in places]
        if any(cell != "–" for cell in cells):
            lines.append(_row([row[0], *cells]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _row(cells: list[str]) -> str:
    return " & ".join(rf"\raggedright {_cell(cell)}" for cell in cells) + r" \tabularnewline"


def _cell(text: str) -> str:
    score, bracket, interval = text.partition(" [")
    shown = latex_text(score).replace("-", "-\\hspace{0pt}").replace("$-\\hspace{0pt}$", "$-$")
    return shown + (rf" {{\scriptsize {latex_text(bracket.strip() + interval)}}}" if bracket else "")
