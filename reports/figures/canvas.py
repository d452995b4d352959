"""A figure as a list of shapes: written as SVG, for a page or by itself, and painted as PNG.

Much faster than matplotlib, whose layout takes half a second a figure; a report has dozens.  The same shapes give the
same bytes.  Coordinates are in pixels from the upper left.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from reports.figures.colours import INK, LIGHT
from reports.figures.painting import paint
from reports.figures.shapes import Shape
from reports.text.numbers import slug

_FONT = "DejaVu Sans, Verdana, sans-serif"


@dataclass
class Canvas:
    width: float
    height: float
    shapes: list[Shape] = field(default_factory=list)
    _algorithm: str = ""

    @contextmanager
    def of(self, algorithm: str) -> Iterator[None]:
        """What is drawn within belongs to the algorithm."""
        self._algorithm = algorithm
        yield
        self._algorithm = ""

    def line(
        self, points: Any, colour: str, width: float = 1.5, dashes: tuple[float, ...] = (), opacity: float = 1.0
    ) -> None:
        """points: [point, 2]."""
        self._add("path", points, colour, width=width, dashes=dashes, opacity=opacity)

    def area(self, points: Any, colour: str, opacity: float = 1.0) -> None:
        """points: [corner, 2]."""
        self._add("path", points, colour, opacity=opacity)

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """y: of the baseline.  style: size, anchor, bold, turned, colour."""
        self._add("text", [(x, y)], style.pop("colour", INK), text=text, **style)

    def _add(self, kind: str, points: Any, colour: str, **style: Any) -> None:
        places = np.asarray(points, dtype=np.float64)
        if len(places):
            self.shapes.append(Shape(kind, places, colour, self._algorithm, **style))

    def svg(self) -> str:
        """A file of its own."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {self._box()} width="{self.width:g}" height="{self.height:g}"'
        return f'<?xml version="1.0" encoding="utf-8"?>\n{head} font-family="{_FONT}">{self._body()}</svg>\n'

    def inline(self, label: str) -> str:
        """Part of a page, whose fonts and colours it takes.  label: what a screen reader says."""
        body = f'<svg {self._box()} role="img" aria-label="{escape(label)}">{self._body()}</svg>'
        for variable, colour in LIGHT.items():
            body = body.replace(f'"{colour}"', f'"var(--{variable})"')
        return body

    def png(self, scale: float = 2.0) -> bytes:
        """White behind, `scale` pixels for each of the canvas."""
        file = io.BytesIO()
        paint(self.shapes, self.width, self.height, scale).save(file, format="png", compress_level=2)
        return file.getvalue()

    def _box(self) -> str:
        return f'viewBox="0 0 {self.width:g} {self.height:g}" fill="{INK}"'

    def _body(self) -> str:
        """Neighbours of one algorithm share a group."""
        body, whose = [], ""
        for shape in self.shapes:
            if shape.algorithm != whose:
                body.append(
                    "</g>" * bool(whose) + f'<g data-algorithm="{slug(shape.algorithm)}">' * bool(shape.algorithm)
                )
                whose = shape.algorithm
            body.append(_text(shape) if shape.kind == "text" else _path(shape))
        return "".join(body) + "</g>" * bool(whose)


def _path(shape: Shape) -> str:
    opacity = "" if shape.opacity == 1 else f' opacity="{shape.opacity:g}"'
    if not shape.width:
        return f'<path d="{_outline(shape.points, "Z")}Z" fill="{shape.colour}"{opacity}/>'
    dashes = f' stroke-dasharray="{" ".join(f"{dash:g}" for dash in shape.dashes)}"' if shape.dashes else ""
    stroke = f'stroke="{shape.colour}" stroke-width="{shape.width:g}"'
    return f'<path d="{_outline(shape.points)}" fill="none" {stroke}{dashes}{opacity}/>'


def _outline(points: np.ndarray, joint: str = "") -> str:
    """In steps from the first point, a tenth of a pixel fine, without the sum of roundings.  joint: between parts."""
    if np.isnan(points).any():
        breaks = np.flatnonzero(np.isnan(points[:, 0]))
        return joint.join(_outline(part[~np.isnan(part[:, 0])]) for part in np.split(points, breaks))
    tenths = np.rint(points * 10).astype(int)
    steps = np.diff(tenths, axis=0)
    first = f"M{_tenth(tenths[0, 0])} {_tenth(tenths[0, 1])}"
    rest = " ".join(f"{_tenth(x)} {_tenth(y)}" for x, y in steps.tolist())
    return first + (f"l{rest}" if rest else "").replace(" -", "-")


def _tenth(value: int) -> str:
    sign, value = "-" if value < 0 else "", abs(int(value))
    return f"{sign}{value // 10}" + (f".{value % 10}" if value % 10 else "")


def _text(shape: Shape) -> str:
    ((x, y),) = shape.points.tolist()
    more = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
    more += ' font-weight="bold"' if shape.bold else ""
    more += f' transform="rotate(-90 {x:.1f} {y:.1f})"' if shape.turned else ""
    fill = "" if shape.colour == INK else f' fill="{shape.colour}"'
    style = f'font-size="{shape.size:g}"{fill}{more}'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(shape.text)}</text>'


def joined(parts: Iterable[np.ndarray | Sequence[tuple[float, float]]]) -> np.ndarray:
    """Several outlines, each [point, 2], as one path."""
    rows: list[np.ndarray] = []
    for part in parts:
        rows += [np.full((1, 2), np.nan)] * bool(rows) + [np.asarray(part, dtype=np.float64)]
    return np.concatenate(rows) if rows else np.empty((0, 2))
