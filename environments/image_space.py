"""A space of observations that begin with a picture."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np


class ImageBox(gymnasium.spaces.Box):
    """Vectors of a picture's numbers in [0, 1], row by row, three colours a pixel, and after them `others` more.

    `image`: the picture's height, width and colours.
    """

    def __init__(self, image: tuple[int, int, int], others: int) -> None:
        pixels = int(np.prod(image))
        low, high = np.zeros(pixels + others), np.ones(pixels + others)
        low[pixels:], high[pixels:] = -np.inf, np.inf
        super().__init__(low, high, dtype=np.float64)
        self.image, self.others = image, others

    def __repr__(self) -> str:
        return f"ImageBox({self.image}, {self.others})"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, ImageBox) and (self.image, self.others) == (other.image, other.others)

    __hash__ = None  # type: ignore[assignment]  # as a Box
