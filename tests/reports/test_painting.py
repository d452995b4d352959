"""The painted picture of a figure's shapes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from reports.figures.canvas import Canvas

SIZE = 100


def inked(canvas: Canvas) -> np.ndarray:
    """Where the picture is not white, [row, column], two pixels for each of the canvas."""
    return np.asarray(Image.open(io.BytesIO(canvas.png()))).min(axis=2) < 128


def ends(canvas: Canvas) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of all ink, in the canvas's pixels."""
    rows, columns = np.nonzero(inked(canvas))
    left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    return left / 2, right / 2, top / 2, bottom / 2


def written(**style: object) -> Canvas:
    canvas = Canvas(SIZE, SIZE)
    canvas.text(50, 50, "HEH", size=12, **style)
    return canvas


@pytest.mark.parametrize(("anchor", "share"), [("start", 0.0), ("middle", 0.5), ("end", 1.0)])
def test_a_text_stands_on_its_baseline_at_its_anchor(anchor: str, share: float) -> None:
    left, right, top, bottom = ends(written(anchor=anchor))
    assert bottom == pytest.approx(50, abs=1)
    assert bottom - top == pytest.approx(0.73 * 12, abs=1)  # the height of capitals
    assert left + share * (right - left) == pytest.approx(50, abs=1.5)


@pytest.mark.parametrize(("anchor", "share"), [("start", 0.0), ("middle", 0.5), ("end", 1.0)])
def test_a_turned_text_reads_upwards_about_its_anchor(anchor: str, share: float) -> None:
    flat, turned = written(anchor=anchor), written(anchor=anchor, turned=True)
    _, right, top, bottom = ends(turned)
    assert right == pytest.approx(50, abs=1)
    assert bottom - share * (bottom - top) == pytest.approx(50, abs=1.5)
    wide = ends(flat)
    assert bottom - top == pytest.approx(wide[1] - wide[0], abs=1)
    rows, columns = (np.flatnonzero(inked(turned).any(axis=axis)) for axis in (1, 0))
    letters = inked(turned)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    rows, columns = (np.flatnonzero(inked(flat).any(axis=axis)) for axis in (1, 0))
    upright = inked(flat)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert letters.shape == upright.T.shape
    assert (np.rot90(upright) == letters).mean() > 0.9


def test_shapes_are_painted_on_white_where_they_stand() -> None:
    canvas = Canvas(SIZE, SIZE)
    canvas.area([(10, 20), (30, 20), (30, 60), (10, 60)], "#204060")
    assert ends(canvas) == pytest.approx((10, 30, 20, 60), abs=0.5)
    picture = np.asarray(Image.open(io.BytesIO(canvas.png())))
    assert picture[80, 40].tolist() == [0x20, 0x40, 0x60]
    assert picture[0, 0].tolist() == [255, 255, 255]
