"""At which numbers of seeds a page decides, since reading it again after each added seed decides falsely more often.

Decisions are made at the planned numbers of seeds alone, with the first seeds of either side, and each of them spends
an equal share of the error.  The first are seeds 0, 1, ... whenever they come: a number is read once all of these are
there, so that a late one among them never has it read a second time on other data.  So the chance that any reading of a
store, at whatever time, decides a true hypothesis falsely is at most the whole (Bonferroni); between two of these
numbers a further seed moves intervals and no decision.
"""

from __future__ import annotations

import numpy as np

#: seeds of each side; the last is read again at no other number, however many seeds come
READINGS = (3, 5, 10, 20)


def seeds_read(*seeds: int) -> int | None:
    """The last reading that all sides have the seeds for; None before the first."""
    return max((reading for reading in READINGS if reading <= min(seeds)), default=None)


def next_reading(*seeds: int) -> int | None:
    """How many seeds of each side the next decision takes; None after the last."""
    return min((reading for reading in READINGS if reading > min(seeds)), default=None)


def as_read(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The scores [seed, ...] of both sides, by seed from 0 on without a gap, at their last reading; None before it."""
    seeds = seeds_read(len(first), len(second))
    return None if seeds is None else (first[:seeds], second[:seeds])
