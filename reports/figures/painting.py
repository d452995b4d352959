"""Paints a canvas's shapes as a picture, by matplotlib's renderer without its layout."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform
from PIL import Image

from reports.figures.shapes import Shape

_FONT = "DejaVu Sans"  # comes with matplotlib, so that figures are the same on every machine
_SHARE = {"start": 0.0, "middle": 0.5, "end": 1.0}


def paint(shapes: Iterable[Shape], width: float, height: float, scale: float) -> Image.Image:
    """On white; `scale` pixels for each unit of the shapes."""
    renderer = RendererAgg(round(width * scale), round(height * scale), 72 * scale)
    for shape in shapes:
        (_text if shape.kind == "text" else _path)(renderer, shape, scale)
    picture = Image.fromarray(np.asarray(renderer.buffer_rgba()))
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _path(renderer: RendererAgg, shape: Shape, scale: float) -> None:
    points = shape.points * scale
    points[:, 1] = renderer.height - points[:, 1]
    new = np.isnan(points[:, 0])
    starts = np.concatenate([[True], new[:-1]])[~new]
    codes = np.where(starts, Path.MOVETO, Path.LINETO)
    colour = to_rgba(shape.colour, shape.opacity)
    style = renderer.new_gc()
    style.set_foreground(colour, isRGBA=True)
    style.set_alpha(shape.opacity)
    style.set_linewidth(shape.width)  # the renderer scales it
    if shape.dashes:
        style.set_dashes(0, shape.dashes)
    fill = None if shape.width else colour
    renderer.draw_path(style, Path(points[~new], codes), IdentityTransform(), fill)
    style.restore()


def _text(renderer: RendererAgg, shape: Shape, scale: float) -> None:
    font = _font(shape.size, shape.bold)
    width, _, _ = renderer.get_text_width_height_descent(shape.text, font, ismath=False)
    back = width * _SHARE[shape.anchor]
    ((x, y),) = (shape.points * scale).tolist()
    style = renderer.new_gc()
    style.set_foreground(to_rgba(shape.colour), isRGBA=True)
    place = (x, y + back) if shape.turned else (x - back, y)
    renderer.draw_text(style, *place, shape.text, font, 90 if shape.turned else 0)
    style.restore()


@cache
def _font(size: float, bold: bool) -> FontProperties:
    return FontProperties(family=_FONT, size=size, weight="bold" if bold else "normal")
