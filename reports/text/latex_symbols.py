"""Characters that papers' settings and claims hold and pdflatex's standard fonts do not."""

from __future__ import annotations

from reports.tables.leaderboard import latex_text

_SYMBOLS = {
    "“": "``", "”": "''", "’": "'", "≤": r"$\le$", "√": r"$\surd$", "‖": r"$\Vert$", "²": r"$^2$",
    "₁": r"$_1$", "₂": r"$_2$", "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$",
    "ε": r"$\epsilon$", "η": r"$\eta$", "λ": r"$\lambda$",
}  # fmt: skip
_TRANSLATION = str.maketrans(_SYMBOLS)


def with_symbols(latex: str) -> str:
    """LaTeX in which these characters stand as commands."""
    return latex.translate(_TRANSLATION)


def escaped(text: str) -> str:
    """Plain text as LaTeX."""
    return with_symbols(latex_text(text))
