"""Refuses scores from which no number could be worked out, naming whose they are and the seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from results.files import StoreError

AXES = ("seed", "task")


def finite_scores(scores: ArrayLike, axes: int, *key: str) -> np.ndarray:
    """The scores as float64, [seed] or [seed, task] by `axes`.

    key: names whose scores these are.  Raises StoreError naming them, with the place of the first score that is no
    finite number (places are counted from 0 in the array's own order), and for an array that is empty or of another
    shape.
    """
    values = np.asarray(scores, dtype=np.float64)
    name = "/".join(key)
    if values.ndim != axes:
        raise StoreError(f"{name}: scores must be [{', '.join(AXES[:axes])}], got an array of shape {values.shape}")
    if values.size == 0:
        raise StoreError(f"{name} holds no score (shape {values.shape}); at least one seed is needed")
    wrong = np.argwhere(~np.isfinite(values))
    if wrong.size:
        where = ", ".join(f"{axis} {place}" for axis, place in zip(AXES, wrong[0], strict=False))
        value = values[tuple(wrong[0])]
        raise StoreError(f"{name} has a score of {value} for {where}; run it again, or leave it out of the report")
    return values
