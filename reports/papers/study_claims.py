"""A claim on a study, test by test: what its rows say, and whether that decides.

An exact quantity is decided by its sign, with a margin of a millionth for rounding; what lies within the margin is no
change.  A sampled one is decided by a test of the differences between both sides, or of the logarithms of their ratios,
unit by unit: a unit is a seed, or one of the MDPs that a study draws independently, never a repeat within one network.
A statement of every case is judged at the case that favours it least.
A bound is vacuous where it is no smaller than what the study names as trivial.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reports.papers.decisions import CompareAt, Leaning, direction, within
from reports.papers.parts import CONTRADICTED, NO_CHANGE, NOT_RUN, REPRODUCED, UNDECIDED, VACUOUS, Part, pair_text
from reports.papers.study_evidence import ChosenStudy
from reports.statistics.mean_difference import Comparison, compare_to
from results.published_claims import Claim
from results.study_tests import StudyTest

if TYPE_CHECKING:
    import pandas as pd

#: of the larger side: what rounding may do to an exact quantity
MARGIN = 1e-6
UNITS = {"seeds": "seed", "mdps": "independent MDP", "draws": "random initialisation", "exact": ""}
#: verdicts on an exact quantity
_WORST_FIRST = (CONTRADICTED, NO_CHANGE, REPRODUCED)
#: what a study draws independently, in the plural
DRAWN = {"mdps": "MDPs", "draws": "initialisations"}

Unit = tuple[int, str]  # seed and, of what is drawn independently, which of its own


def study_parts(claim: Claim, base: str, study: ChosenStudy) -> list[Part]:
    """Every test of the claim with every pair of algorithms that it names.

    base: the claim's suite of ours without options, "" if it names none.
    """
    parts = []
    for test in claim.tests:
        rows, where = rows_of(test, base, study), f" on {test.suite.replace('{suite}', base)}" if test.suite else ""
        for first, second in pairs_of(claim, test):
            part = _decide(test, first, second, rows)
            missing = f"{part.reason}{where}" if part.word == NOT_RUN else part.reason
            parts.append(replace(part, pair=f"{part.pair}{where}", reason=missing, judged=test.judged))
    return parts


def sampled_tests(claim: Claim) -> int:
    """How many p-values the claim's verdict rests on once its study is carried out."""
    return sum(len(pairs_of(claim, test)) for test in claim.tests if test.judged and test.sampled != "exact")


def pairs_of(claim: Claim, test: StudyTest) -> list[tuple[str, str]]:
    """The algorithms that the test compares, the same twice where it has one side or two quantities of one."""
    firsts = (test.first,) if test.first else claim.first or ("",)
    if test.single or (test.against and not test.second):
        return [(first, first) for first in firsts]
    seconds = (test.second,) if test.second else claim.second
    return [(first, second) for first in firsts for second in seconds]


def rows_of(test: StudyTest, base: str, study: ChosenStudy) -> pd.DataFrame:
    """Those of exactly the test's suite, the claim's if it names none; where it is named without options and has none,
    of any of its options.  base: as of `study_parts`."""
    rows, suite = study.values, test.suite.replace("{suite}", base) or base
    if not suite or rows.empty:
        return rows
    own = rows["suite"] == suite
    return rows[own if own.any() else rows["suite"].str.partition("[")[0] == suite]


def _decide(test: StudyTest, first: str, second: str, rows: pd.DataFrame) -> Part:
    against = test.against or test.quantity
    sides = [(test.quantity, first)]
    if not test.single:
        sides.append((against, second))
    indices = [test.index if quantity == test.quantity else -1 for quantity, _ in sides]
    shown = [(f"magnitude of the {quantity}" if test.magnitude else quantity, name) for quantity, name in sides]
    names = [_name(*side, index) for side, index in zip(shown, indices, strict=True)]
    once = len(sides) > 1 and against == test.quantity and second != ""
    pair = pair_text(names[0], second if once else names[-1])
    found = list[dict[Unit, float]]()
    for (quantity, algorithm), name in zip(sides, names, strict=True):
        values = _units(test, quantity, algorithm, rows)
        if isinstance(values, str) or not values:
            reason = values if isinstance(values, str) else f"{name} was not measured"
            return Part(pair, NOT_RUN, reason)
        found.append(values)
    shared = sorted(set(found[0]).intersection(*found[1:]))
    if not shared:
        return Part(pair, NOT_RUN, f"{' and '.join(names)} have no unit in common")
    arrays = [np.array([values[key] for key in shared]) for values in found]
    seeds = len({seed for seed, _ in shared})
    if test.cannot_fail:
        effect = float(arrays[0].mean() if test.single else (arrays[0] - arrays[-1]).mean())
        return Part(pair, VACUOUS, test.cannot_fail, effect, None, seeds, "", seeds, bare=True)
    if test.sampled == "exact":
        cases = zip(*arrays, strict=True) if test.every else [[a.mean() for a in arrays]]
        judged = [_exact(test, pair, [float(side) for side in case], seeds) for case in cases]
        worst = min(judged, key=lambda part: (_WORST_FIRST.index(part.word), part.favour))
        if len(judged) > 1:
            worst = replace(worst, reason=f"the least favourable of {len(judged)} cases; {worst.reason}")
        return _vacuous(test, first, rows, arrays[-1]) or worst
    return _sampled(test, pair, arrays, seeds)


def _units(test: StudyTest, quantity: str, algorithm: str, rows: pd.DataFrame) -> dict[Unit, float] | str:
    """A value for each unit: means over rows; of `rises` the least difference; of `every` the rows as they are.

    A reason where there are no units.
    """
    own = rows[(rows["quantity"] == quantity) & (rows["algorithm"] == algorithm)]
    if test.index >= 0 and quantity == test.quantity:
        own = own[own["index"] == test.index]
    if test.last and len(own):
        own = own[own["x"] == own["x"].max()]
    if test.every:
        places = own["suite"] + "/" + own["task"] + "/" + own["index"].astype(str) + "/" + own["x"].astype(str)
        return dict(zip(zip(own["seed"].astype(int), places, strict=True), own["value"].astype(float), strict=True))
    if test.relation == "rises":
        return {
            (int(seed), ""): min(
                (float(np.diff(curve.sort_values("index")["value"]).min()) for _, curve in _curves(group)),
                default=math.nan,
            )
            for seed, group in own.groupby("seed")
        }
    if test.sampled in DRAWN:
        if (own["task"] == "").any():
            return f"{quantity} is no quantity of independently drawn {DRAWN[test.sampled]}: its rows name none"
        return {(int(seed), str(task)): float(g["value"].mean()) for (seed, task), g in own.groupby(["seed", "task"])}
    means = {(int(seed), ""): float(group["value"].mean()) for seed, group in own.groupby("seed")}
    return {unit: abs(mean) for unit, mean in means.items()} if test.magnitude else means


def _curves(rows: pd.DataFrame) -> list[tuple[object, pd.DataFrame]]:
    return [(key, curve) for key, curve in rows.groupby(["suite", "task", "x"]) if len(curve) > 1]


def _vacuous(test: StudyTest, algorithm: str, rows: pd.DataFrame, bounds: np.ndarray) -> Part | None:
    """The part, where the bound excludes nothing."""
    if not test.trivial:
        return None
    own = rows[(rows["quantity"] == test.trivial) & rows["algorithm"].isin([algorithm, ""])]
    bound = float(bounds.mean())
    if own.empty or bound < float(own["value"].mean()):
        return None
    limit, name = float(own["value"].mean()), test.against or test.quantity
    reason = f"the bound, {bound:.3g}, is no smaller than {test.trivial}, {limit:.3g}: nothing could exceed it"
    return Part(_name(name, algorithm, -1), VACUOUS, reason, bound, None, 1, "", 1, bare=True)


def _exact(test: StudyTest, pair: str, values: Sequence[float], seeds: int) -> Part:
    first, second = values[0], values[-1]
    if test.relation in ("ratio", "value"):
        effect = first if test.single else first / second
        holds = abs(effect - test.factor) <= test.tolerance
        reason = f"claimed {_band(test)}; nothing in it is left to chance"
        return _exact_part(
            pair, REPRODUCED if holds else CONTRADICTED, reason, effect, seeds, -abs(effect - test.factor)
        )
    if test.relation == "rises":
        # the least rise, along values that themselves are of the order of 1
        effect, margin = first, max(MARGIN, test.tolerance)
    else:
        against = test.factor if test.single else second
        effect, margin = first - against, max(MARGIN * max(abs(first), abs(against)), test.tolerance)
    favour = (-effect if test.relation in ("lower", "below") else effect) + test.margin * abs(second)
    word = REPRODUCED if favour > margin else CONTRADICTED if favour < -margin else NO_CHANGE
    near = _margin(test, margin)
    reason = "nothing in it is left to chance" if word != NO_CHANGE else f"the two differ by no more than {near}"
    if test.relation == "rises" and word == NO_CHANGE:
        reason = f"the least rise is within {near}, which is taken for none"
    return _exact_part(pair, word, reason, first if test.single and test.relation != "rises" else effect, seeds, favour)


def _margin(test: StudyTest, margin: float) -> str:
    """With its reason, where it is the test's own and not rounding."""
    return f"{margin:.2g}, {test.margin_from}" if test.tolerance == margin else f"{margin:.2g}"


def _exact_part(pair: str, word: str, reason: str, effect: float, seeds: int, favour: float) -> Part:
    return Part(pair, word, reason, effect, None, seeds, "", seeds, favour=favour, bare=True)


def _sampled(test: StudyTest, pair: str, values: Sequence[np.ndarray], seeds: int) -> Part:
    first, second = values[0], values[-1]
    unit, units = UNITS[test.sampled], len(first)
    ratio = not test.single and (test.relation == "ratio" or test.logarithm)
    if ratio and min(first.min(), second.min()) <= 0:
        reason = "a ratio of values that are not all positive"
        return Part(pair, UNDECIDED, reason, math.nan, None, seeds, unit, units)
    samples = first if test.single else np.log(first / second) if ratio else first - second

    def compare_at(value: float) -> Comparison:
        return compare_to(samples, math.log(value) if ratio else value, pair)

    none = compare_to(samples, 0.0, pair)
    effect, interval = none.effect, none.interval
    if ratio:
        effect = math.exp(effect)
        interval = None if interval is None else (math.exp(interval[0]), math.exp(interval[1]))
    leaning, claimed, favour = _leaning(test, compare_at, effect, 1.0 if ratio else 0.0, first, second)
    if interval is None:
        claimed = "; ".join(filter(None, [claimed, f"a test needs at least 2 {unit}s"]))
    return Part(
        pair,
        UNDECIDED,
        claimed,
        effect,
        interval,
        seeds,
        unit,
        units,
        leaning.word,
        leaning.p_value,
        leaning.smallest_p,
        favour=favour,
        between=test.relation in ("ratio", "value"),
        bare=interval is None,
        held=test.factor if test.relation in ("ratio", "value", "above", "below") else 1.0 if ratio else 0.0,
        band=(test.factor - test.tolerance, test.factor + test.tolerance)
        if test.relation in ("ratio", "value")
        else None,
    )


def _leaning(
    test: StudyTest, compare_at: CompareAt, effect: float, neutral: float, first: np.ndarray, second: np.ndarray
) -> tuple[Leaning, str, float]:
    """What the test leans to, what was claimed, and how far the effect is for it.  first, second: either side's units.

    A margin is a share of the second side and as uncertain as that is, so the first is held against the second and its
    share, unit by unit, and not against a fixed distance.
    """
    if test.relation in ("ratio", "value"):
        claimed = f"claimed {_band(test)}"
        low, high = test.factor - test.tolerance, test.factor + test.tolerance
        return within(compare_at, low, high), claimed, -abs(effect - test.factor)
    place = test.factor if test.relation in ("above", "below") else neutral
    up = test.relation in ("higher", "rises", "above")
    if test.margin:
        allowed = test.margin * math.copysign(1.0, float(second.mean())) * second
        claimed = f"claimed no {'lower' if up else 'higher'} by more than {float(allowed.mean()):.3g}, "
        claimed += f"{100 * test.margin:g} % of the second" + (f"; {test.margin_from}" if test.margin_from else "")
        short = compare_to(first - second + (allowed if up else -allowed), 0.0)
        return direction(short, up), claimed, (effect if up else -effect) + float(allowed.mean())
    claimed = f"claimed {test.relation} {place:g}" if test.relation in ("above", "below") else ""
    return direction(compare_at(place), up), claimed, effect - place if up else place - effect


def _band(test: StudyTest) -> str:
    return f"{test.factor:g} ± {test.tolerance:g}" + (f", {test.margin_from}" if test.margin_from else "")


def _name(quantity: str, algorithm: str, index: int) -> str:
    place = "" if index < 0 else f", k = {index}," if " k " in quantity else f" ({index})"
    return f"{quantity}{place} of {algorithm}" if algorithm else f"{quantity}{place.rstrip(',')}"
