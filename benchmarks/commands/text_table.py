"""Rows of text in columns, as every command prints them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from results.files import printable


def text_table(rows: Iterable[Iterable[Any]]) -> list[str]:
    """Rows of text in columns, indented by two spaces."""
    texts = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in texts]
