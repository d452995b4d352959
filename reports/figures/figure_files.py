"""A finished figure: its caption, its files, and how it stands within a page."""

from __future__ import annotations

from dataclasses import dataclass

from reports.figures.canvas import Canvas


@dataclass(frozen=True)
class Drawing:
    """`svg` and `png`: a file each.  `inline`: the SVG element within a page."""

    name: str
    caption: str
    svg: str
    png: bytes
    inline: str
    broad: bool = False  # takes the page's whole width


def finish_canvas(name: str, caption: str, canvas: Canvas, broad: bool = False) -> Drawing:
    return Drawing(name, caption, canvas.svg(), canvas.png(), canvas.inline(caption), broad)


def figure_files(*drawings: Drawing) -> dict[str, str | bytes]:
    """Their files by name."""
    svg = {f"figures/{drawing.name}.svg": drawing.svg for drawing in drawings}
    return svg | {f"figures/{drawing.name}.png": drawing.png for drawing in drawings}
