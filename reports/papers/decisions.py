"""What a test of one part leans to, from comparisons that share their estimand with the interval shown.

A direction is decided by one comparison with nothing.  That a quantity lies within two ends is decided by comparing it
with both: it is shown to lie within where it is above the lower and below the upper one, each at the level, and
outside where it is beyond one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq

from reports.papers.parts import CONTRADICTED, REPRODUCED, Interval
from reports.statistics.mean_difference import Comparison

#: compares what is tested with a value; the comparison's effect is positive where it lies above
CompareAt = Callable[[float], Comparison]


@dataclass(frozen=True)
class Leaning:
    """`word`: what is decided where the p-value, corrected for other tests, is small enough."""

    word: str
    p_value: float | None  # two-sided; None where a side has one unit
    smallest_p: float | None


def direction(found: Comparison, up: bool = True) -> Leaning:
    """Whether the effect is above nothing (or below, if not `up`)."""
    holds = found.effect > 0 if up else found.effect < 0
    return Leaning(REPRODUCED if holds else CONTRADICTED, found.p_value, found.smallest_p)


def within(compare_at: CompareAt, low: float, high: float) -> Leaning:
    """Whether what `compare_at` compares lies between the two ends."""
    below, above = compare_at(low), compare_at(high)
    if below.p_value is None or above.p_value is None or below.smallest_p is None or above.smallest_p is None:
        return Leaning(REPRODUCED if below.effect > 0 > above.effect else CONTRADICTED, None, None)
    smallest = max(below.smallest_p, above.smallest_p)
    if below.effect > 0 > above.effect:
        return Leaning(REPRODUCED, max(below.p_value, above.p_value), smallest)
    return Leaning(CONTRADICTED, below.p_value if below.effect <= 0 else above.p_value, smallest)


def values_not_excluded(compare_at: CompareAt, estimate: float) -> Interval | None:
    """The values with which the comparison's interval includes no difference: those that its test does not exclude.

    None where a side has one unit, and an infinite end where no value on that side is excluded.
    """
    found = compare_at(estimate)
    if found.interval is None:
        return None
    ends = []
    for side, sign in ((0, -1.0), (1, 1.0)):  # a value far below leaves the whole interval above nothing

        def end_at(value: float, side: int = side) -> float:
            interval = compare_at(value).interval
            assert interval is not None
            return interval[side]

        ends.append(_root(end_at, estimate, sign))
    return ends[0], ends[1]


def _root(end_at: Callable[[float], float], estimate: float, sign: float) -> float:
    """Where the end, which falls with the value, is nothing: beyond `estimate` on the side of `sign`."""
    if end_at(estimate) == 0:
        return estimate
    step = 0.05 * max(abs(estimate), 1e-6)
    for _ in range(24):
        far = estimate + sign * step
        if end_at(far) * sign <= 0:
            return float(brentq(end_at, min(far, estimate), max(far, estimate), xtol=1e-9 * max(abs(far), 1.0)))
        step *= 2
    return sign * math.inf
