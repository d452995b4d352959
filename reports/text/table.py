"""Tables of texts as LaTeX, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from results.files import printable

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "[": r"{[}",  # bare, it would be taken for the argument of the row's end before it
    "]": r"{]}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "–": "--",
    "·": r"$\cdot$",
    # of papers' settings and claims, and not in pdflatex's standard fonts
    "“": "``", "”": "''", "’": "'", "≤": r"$\le$", "Δ": r"$\Delta$", "√": r"$\surd$", "‖": r"$\Vert$", "²": r"$^2$",
    "₁": r"$_1$", "₂": r"$_2$", "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$",
    "ε": r"$\epsilon$", "η": r"$\eta$", "ζ": r"$\zeta$", "λ": r"$\lambda$", "θ": r"$\theta$", "φ": r"$\phi$",
    "∞": r"$\infty$", "…": r"\dots{}",
}  # fmt: skip
#: what makes a table a document of its own, and nothing within one
BEGIN = (
    r"% Compiles alone; to \input it, load booktabs in the preamble.",
    r"\expandafter\ifx\csname @classoptionslist\endcsname\relax",
    r"  \documentclass{article}\usepackage[margin=1cm,papersize={50cm,40cm}]{geometry}\usepackage{booktabs}",
    r"  \pagestyle{empty}\begin{document}\noindent\small\def\tableend{\end{document}}%",
    r"\else\def\tableend{}\fi",
)
END = r"\tableend"
#: what no spreadsheet takes for a formula, though it begins with a sign: numbers, with an interval or a unit
_NUMBER = re.compile(r"[+\-−]?[\d.,:;%±\-−–() \[\]e+]*|-|\+|--?")
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|"})


@dataclass(frozen=True)
class Table:
    """Text cells.  `title` says what the numbers are."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def latex(self) -> str:
        """A booktabs tabular that compiles alone and by \\input in a document that loads booktabs."""
        lines = [
            f"% {printable(self.title)}",
            *BEGIN,
            rf"\begin{{tabular}}{{l{'r' * (len(self.columns) - 1)}}}",
            r"\toprule",
            " & ".join(map(latex_text, self.columns)) + r" \\",
            r"\midrule",
            *(" & ".join(map(latex_text, row)) + r" \\" for row in self.rows),
            r"\bottomrule",
            r"\end{tabular}",
            END,
        ]
        return "\n".join(lines) + "\n"

    def markdown(self) -> str:
        lines = [
            f"{self.title.translate(_MARKDOWN)}",
            "",
            markdown_row(self.columns),
            markdown_row(["---", *["---:"] * (len(self.columns) - 1)], escape=False),
            *map(markdown_row, self.rows),
        ]
        return "\n".join(lines) + "\n"


def latex_text(text: str) -> str:
    """Plain text as LaTeX: what LaTeX would act on escaped, symbols that its fonts lack as commands."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def table_files(name: str, table: Table, numbers: str | None = None) -> dict[str, str]:
    """As CSV, Markdown and LaTeX, by file name.  numbers: the CSV at full precision; None: the cells' texts."""
    return {
        f"tables/{name}.csv": csv_lines(table.columns, table.rows) if numbers is None else numbers,
        f"tables/{name}.md": table.markdown(),
        f"tables/{name}.tex": table.latex(),
    }


def csv_lines(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_csv_cell, columns))
    writer.writerows([map(_csv_cell, row) for row in rows])
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    """A spreadsheet would compute a text that begins so, whoever wrote it; a number may begin with a sign."""
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value
    return value if _NUMBER.fullmatch(value) else f"'{value}"


def markdown_row(cells: Iterable[str], escape: bool = True) -> str:
    return "| " + " | ".join(cell.translate(_MARKDOWN) if escape else cell for cell in cells) + " |"
