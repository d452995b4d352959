"""A claim on a study, test by test: what its rows say, and whether that decides.

An exact quantity is decided by its sign, with a margin of a millionth for rounding.  A sampled one is decided by the
95 % interval of the mean over seeds (or over a study's own repeats) by Student's t, which with few of them is
wide: of the difference of the two sides, which share seeds and repeats, or of the logarithm of their ratio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import t as student

from reports.papers.parts import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED, Interval, Part, pair_text
from reports.papers.study_evidence import ChosenStudy
from reports.statistics.bootstrap import LEVEL
from results.published import Claim
from results.study_tests import StudyTest

if TYPE_CHECKING:
    import pandas as pd

#: of the larger side: what rounding may do to an exact quantity
MARGIN = 1e-6


def study_parts(claim: Claim, base: str, study: ChosenStudy) -> list[Part]:
    """Every test of the claim with every pair of algorithms that it names.

    base: the claim's suite of ours without options, "" if it names none.
    """
    parts = []
    for test in claim.tests:
        rows = _rows(study, test.suite.replace("{suite}", base) or base)
        for first, second in _pairs(claim, test):
            parts.append(_decide(test, first, second, rows))
    return parts


def _pairs(claim: Claim, test: StudyTest) -> list[tuple[str, str]]:
    firsts = (test.first,) if test.first else claim.first or ("",)
    if test.relation in ("value", "rises") or (test.against and not test.second):
        return [(first, first) for first in firsts]
    seconds = (test.second,) if test.second else claim.second
    return [(first, second) for first in firsts for second in seconds]


def _rows(study: ChosenStudy, suite: str) -> pd.DataFrame:
    """Those of exactly this suite; of its other options where there are none."""
    rows = study.values
    if not suite:
        return rows
    own = rows["suite"] == suite
    return rows[own if own.any() else rows["suite"].str.partition("[")[0] == suite]


def _decide(test: StudyTest, first: str, second: str, rows: pd.DataFrame) -> Part:
    against = test.against or test.quantity
    sides = [(test.quantity, first)]
    if test.relation not in ("value", "rises"):
        sides.append((against, second))
    indices = [test.index if quantity == test.quantity else -1 for quantity, _ in sides]
    names = [_name(*side, index) for side, index in zip(sides, indices, strict=True)]
    once = len(sides) > 1 and against == test.quantity and second != ""
    pair = pair_text(names[0], second if once else names[-1])
    units = [_units(test, quantity, algorithm, rows) for quantity, algorithm in sides]
    for values, name in zip(units, names, strict=False):
        if not values:
            return Part(pair, NOT_RUN, f"{name} was not measured")
    shared = sorted(set.intersection(*(set(values) for values in units)))
    seeds = len({seed for seed, _ in shared})
    arrays = [np.array([values[key] for key in shared]) for values in units]
    if test.sampled == "exact":
        return _exact(test, pair, [float(array.mean()) for array in arrays], seeds)
    return _sampled(test, pair, arrays, seeds)


def _units(test: StudyTest, quantity: str, algorithm: str, rows: pd.DataFrame) -> dict[tuple[int, int], float]:
    """A value for each seed, or for each of its repeats: means over rows; of `rises` the least difference."""
    own = rows[(rows["quantity"] == quantity) & (rows["algorithm"] == algorithm)]
    if test.index >= 0 and quantity == test.quantity:
        own = own[own["index"] == test.index]
    if test.last and len(own):
        own = own[own["x"] == own["x"].max()]
    if test.relation == "rises":
        return {
            (int(seed), 0): min(
                (float(np.diff(curve.sort_values("index")["value"]).min()) for _, curve in _curves(group)),
                default=math.nan,
            )
            for seed, group in own.groupby("seed")
        }
    if test.sampled == "repeats":
        return {(int(s), int(i)): float(g["value"].mean()) for (s, i), g in own.groupby(["seed", "index"])}
    return {(int(seed), 0): float(group["value"].mean()) for seed, group in own.groupby("seed")}


def _curves(rows: pd.DataFrame) -> list[tuple[object, pd.DataFrame]]:
    return [(key, curve) for key, curve in rows.groupby(["suite", "task", "x"]) if len(curve) > 1]


def _exact(test: StudyTest, pair: str, values: Sequence[float], seeds: int) -> Part:
    first, second = values[0], values[-1]
    if test.relation in ("ratio", "value"):
        effect = first if test.relation == "value" else first / second
        answer = REPRODUCED if abs(effect - test.factor) <= test.tolerance else CONTRADICTED
        reason = f"claimed {_band(test)}; nothing in it is left to chance"
        return _part(pair, answer, reason, effect, None, seeds, -abs(effect - test.factor))
    if test.relation == "rises":
        effect, margin = first, MARGIN
    else:
        effect, margin = first - second, max(MARGIN * max(abs(first), abs(second)), test.tolerance)
    favour = -effect if test.relation == "lower" else effect
    holds = favour >= -margin if test.relation == "rises" else favour > margin
    answer = REPRODUCED if holds else CONTRADICTED if favour < -margin else UNDECIDED
    reason = (
        "nothing in it is left to chance" if answer != UNDECIDED else f"the two differ by no more than {margin:.2g}"
    )
    return _part(pair, answer, reason, effect, None, seeds, favour)


def _sampled(test: StudyTest, pair: str, values: Sequence[np.ndarray], seeds: int) -> Part:
    first, second = values[0], values[-1]
    what = "repeats" if test.sampled == "repeats" else "seeds"
    ratio = test.relation == "ratio" or (test.logarithm and test.relation in ("higher", "lower"))
    if ratio and min(first.min(), second.min()) <= 0:
        return _part(pair, UNDECIDED, "a ratio of values that are not all positive", math.nan, None, seeds)
    single = test.relation in ("value", "rises")
    samples = first if single else np.log(first / second) if ratio else first - second
    centre = float(samples.mean())
    spread = _interval(samples)
    effect = math.exp(centre) if ratio else centre
    interval = None if spread is None else (math.exp(spread[0]), math.exp(spread[1])) if ratio else spread
    neutral = 1.0 if ratio else 0.0
    favour = {"higher": centre, "rises": centre, "lower": -centre}.get(test.relation, -abs(effect - test.factor))
    if interval is None:
        return _part(pair, UNDECIDED, f"an interval needs at least 2 {what}", effect, None, seeds, favour)
    low, high = interval
    shown = f"95 % interval over {len(samples)} {what}"
    if test.relation in ("ratio", "value"):
        bounds = (test.factor - test.tolerance, test.factor + test.tolerance)
        inside, outside = bounds[0] <= low and high <= bounds[1], high < bounds[0] or low > bounds[1]
        answer = REPRODUCED if inside else CONTRADICTED if outside else UNDECIDED
        where = "within" if inside else "outside" if outside else "partly within"
        return _part(pair, answer, f"claimed {_band(test)}; {shown} {where}", effect, interval, seeds, favour)
    up = test.relation in ("higher", "rises")
    above, below = low > neutral, high < neutral
    answer = REPRODUCED if (above if up else below) else CONTRADICTED if (below if up else above) else UNDECIDED
    said = f"{shown} of the ratio" if ratio else shown
    where = f"includes {neutral:g}" if answer == UNDECIDED else f"is {'above' if above else 'below'} {neutral:g}"
    return _part(pair, answer, f"{said} {where}", effect, interval, seeds, favour)


def _part(
    pair: str, word: str, reason: str, effect: float, interval: Interval | None, seeds: int, favour: float = 0.0
) -> Part:
    # of several the one that favours the claim least: one that fails before one that is open
    order = (CONTRADICTED, UNDECIDED, REPRODUCED).index(word)
    return Part(pair, word, reason, effect, interval, seeds, favour=(order, favour), bare=interval is None)


def _interval(samples: np.ndarray) -> Interval | None:
    """Student's t interval of the mean; None for a single sample."""
    if samples.size < 2:
        return None
    half = float(student.ppf((1 + LEVEL) / 2, samples.size - 1) * samples.std(ddof=1) / math.sqrt(samples.size))
    return float(samples.mean()) - half, float(samples.mean()) + half


def _band(test: StudyTest) -> str:
    return f"{test.factor:g} ± {test.tolerance:g}"


def _name(quantity: str, algorithm: str, index: int) -> str:
    place = "" if index < 0 else f", k = {index}," if " k " in quantity else f" ({index})"
    return f"{quantity}{place} of {algorithm}" if algorithm else f"{quantity}{place.rstrip(',')}"
