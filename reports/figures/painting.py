"""Paints a canvas's shapes as a picture: paths by matplotlib's renderer without its layout, texts by Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path as FilePath

import numpy as np
from matplotlib import get_data_path
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform
from PIL import Image, ImageDraw, ImageFont

from reports.figures.shapes import Shape

_FONTS = FilePath(get_data_path()) / "fonts" / "ttf"  # with matplotlib, so that figures are the same on every machine
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def paint(shapes: Sequence[Shape], width: float, height: float, scale: float) -> Image.Image:
    """On white, texts above all else; `scale` pixels for each unit of the shapes."""
    renderer = RendererAgg(round(width * scale), round(height * scale), 72 * scale)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
    for shape in (Shape("path", corners, "white", ""), *shapes):
        if shape.kind == "path":
            _path(renderer, shape, scale)
    picture = Image.fromarray(np.asarray(renderer.buffer_rgba())).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for shape in shapes:
        if shape.kind == "text":
            _text(picture, pen, shape, scale)
    return picture


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


def _text(picture: Image.Image, pen: ImageDraw.ImageDraw, shape: Shape, scale: float) -> None:
    font, anchor = _font(shape.size * scale, shape.bold), _ANCHORS[shape.anchor]
    ((x, y),) = (shape.points * scale).tolist()
    if not shape.turned:
        pen.text((x, y), shape.text, fill=shape.colour, font=font, anchor=anchor)
        return
    # written to the right from the middle of a mask, then turned about that middle
    reach = round(font.getlength(shape.text) + 2 * font.size)
    mask = Image.new("L", (2 * reach, 2 * reach))
    ImageDraw.Draw(mask).text((reach, reach), shape.text, fill=255, font=font, anchor=anchor)
    mask = mask.transpose(Image.Transpose.ROTATE_90)
    picture.paste(shape.colour, (round(x) - reach, round(y) - reach), mask)


@cache
def _font(pixels: float, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    # by Pillow alone: another library for it, where one is installed, would set other pictures
    return ImageFont.truetype(str(_FONTS / name), pixels, layout_engine=ImageFont.Layout.BASIC)
