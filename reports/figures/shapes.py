"""What a figure is made of: paths and texts, each with its colour and whose it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shape:
    """kind: "path" (closed where it is filled) or "text".  algorithm: whose it is, by which the page can hide it."""

    kind: str
    points: np.ndarray  # [point, 2]; where a path's begins anew, a row of NaN
    colour: str
    algorithm: str
    width: float = 0.0  # of a line; 0: filled
    opacity: float = 1.0
    dashes: tuple[float, ...] = ()
    text: str = ""
    size: float = 11
    anchor: str = "start"
    bold: bool = False
    turned: bool = False  # reads upwards
