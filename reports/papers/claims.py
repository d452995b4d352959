"""A claim's parts: each of its methods against each other one, tested on the stored runs.

Two methods are compared by their seeds' means over tasks, as unrelated samples; two steps of one method by the
differences within its seeds.  Effect, interval and p-value of a part are of one test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from reports.papers.decisions import CompareAt, Leaning, direction, values_not_excluded, within
from reports.papers.evidence import Comparable, Evidence, curve_values, scores_after
from reports.papers.last_move import last_move
from reports.papers.parts import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED, Interval, Part, pair_text
from reports.papers.sample_efficiency import COMPARED, IN_STEPS
from reports.papers.times import one_processor, spread_of, times_of
from reports.scores.entries import AlgorithmScores
from reports.scores.processor_time import means_over_equal_time
from reports.statistics.mean_difference import Comparison, compare_means, compare_to
from results.published_claims import Claim

#: of the second method's mean: a difference that is larger is not called none, however little the design decides
ALIKE = 0.2
#: quantities that are times
TIMES = ("seconds-per-step", "sampling-share")


@dataclass(frozen=True)
class Side:
    """One algorithm after one adaptation step, the last if None."""

    algorithm: str
    step: int | None = None

    def __str__(self) -> str:
        return self.algorithm if self.step is None else f"{self.algorithm} after step {self.step}"


@dataclass(frozen=True)
class Compared:
    """A part, and the runs that speak to it; none where nothing stored does."""

    part: Part
    found: Comparable | None = None
    algorithms: tuple[str, ...] = ()

    @property
    def digests(self) -> tuple[str, ...]:
        entries = {} if self.found is None else self.found.entries
        return tuple(dict.fromkeys(entries[name].digest for name in self.algorithms))


def parts_of(claim: Claim) -> list[tuple[Side, Side | None]]:
    """The pairs of which the claim says something, or single sides; none for a study."""
    if claim.relation == "measurement":
        return []
    if claim.relation == "rises":
        later = list(zip(claim.steps, claim.steps[1:], strict=False))
        return [(Side(name, after), Side(name, before)) for name in claim.first for before, after in later]
    if claim.relation == "ratio" and not claim.second:
        before, after = claim.steps
        return [(Side(name, after), Side(name, before)) for name in claim.first]
    steps: tuple[int | None, ...] = claim.steps or (None,)
    if claim.quantity == "gain":
        steps = (None,)
    if not claim.second:
        return [(Side(name, step), None) for name in claim.first for step in steps]
    return [(Side(name, step), Side(other, step)) for name in claim.first for other in claim.second for step in steps]


def compare_sides(
    claim: Claim, first: Side, second: Side | None, evidence: Evidence, margin: float | None = None
) -> Compared:
    """Compares the two sides on the most informative set of runs; a part that is not run, and why, if there is none.

    margin: the effect that the design decides; a smaller difference counts as none, if it is less than `ALIKE` too.
    Raises StoreError for scores that are not finite.
    """
    suite, pair = evidence.paper.suite(claim.suite), pair_text(str(first), "" if second is None else str(second))
    names = tuple(dict.fromkeys(side.algorithm for side in (first, second) if side is not None))
    for name in names:
        if not any(name in found.entries for found in evidence.of(suite)):
            return Compared(Part(pair, NOT_RUN, evidence.missing(suite, name)))
    steps = [side.step or 0 for side in (first, second) if side is not None]
    found = evidence.best(suite, set(names), max(*steps, *(claim.steps if claim.quantity == "gain" else (0,)), 0))
    if found is None or not set(names) <= set(found.entries):
        return Compared(Part(pair, NOT_RUN, f"{' and '.join(names)} have no runs of equal terms"))
    values = _values(claim, found.entries, first, second)
    if isinstance(values, str):
        return Compared(Part(pair, NOT_RUN, values))
    part = _tested(claim, pair, first, second, found, *values, margin=margin)
    scores = claim.quantity not in (*TIMES, *IN_STEPS)  # of which it says how a difference went on
    moved = last_move(*(found.entries[name] for name in names)) if scores else None
    return Compared(replace(part, moved=moved), found, names)


def _values(
    claim: Claim, entries: Mapping[str, AlgorithmScores], first: Side, second: Side | None
) -> tuple[np.ndarray, np.ndarray | None] | str:
    """What the claim compares, [seed] of either side, or why there is nothing."""
    sides = [side for side in (first, second) if side is not None]
    if claim.quantity == "learning-curve-over-time" and second is not None:
        over_time = means_over_equal_time(entries[first.algorithm], entries[second.algorithm])
        return over_time if isinstance(over_time, str) else (over_time[0].mean(axis=1), over_time[1].mean(axis=1))
    if claim.quantity in COMPARED and second is not None:
        return COMPARED[claim.quantity](entries[first.algorithm], entries[second.algorithm])
    if claim.quantity == "seconds-per-step" and one_processor([entries[side.algorithm] for side in sides]) is None:
        return "their runs were made on processors of different kinds"
    values = []
    for side in sides:
        found = side_values(claim, entries[side.algorithm], side)
        if isinstance(found, str):
            return found
        values.append(found)
    return values[0], values[1] if second is not None else None


def side_values(claim: Claim, entry: AlgorithmScores, side: Side) -> np.ndarray | str:
    """[seed], means over tasks, of what the claim compares; a reason in place of them."""
    if claim.quantity in TIMES:
        return times_of(claim.quantity, entry)
    if claim.quantity in ("learning-curve", "learning-curve-end"):
        curves = curve_values(entry, whole=claim.quantity == "learning-curve")
        return f"{side.algorithm}: no learning curve is stored" if curves is None else curves.mean(axis=1)
    if claim.quantity == "gain":
        before, after = (scores_after(entry, step) for step in claim.steps)
        if before is None or after is None:
            return f"{side.algorithm}: step {max(claim.steps)} was not run"
        return after.mean(axis=1) - before.mean(axis=1)
    scores = scores_after(entry, side.step)
    return f"{side.algorithm}: step {side.step} was not run" if scores is None else scores.mean(axis=1)


def _tested(
    claim: Claim,
    pair: str,
    first: Side,
    second: Side | None,
    found: Comparable,
    ours: np.ndarray,
    others: np.ndarray | None,
    margin: float | None = None,
) -> Part:
    units = len(ours) if others is None else min(len(ours), len(others))
    if claim.relation == "ratio" and others is not None and min(ours.min(), others.min()) <= 0:
        reason = "a ratio of returns that are not all positive means nothing"
        return Part(pair, UNDECIDED, reason, math.nan, None, units, units=units)
    paired = second is not None and first.algorithm == second.algorithm
    key = (found.suite, pair, claim.quantity)
    compare_at = _comparing(claim.relation == "ratio", paired, ours, others, key)
    if claim.relation == "ratio":
        assert others is not None
        effect = float(ours.mean() / others.mean())
        interval = values_not_excluded(compare_at, effect)
    else:
        none = compare_at(0.0)
        effect, interval = none.effect, _bounded(none.interval, claim, found, second)
    times_at = _comparing(True, paired, ours, others, key)
    leaning, claimed, favour = _leaning(claim, compare_at, times_at, effect, others)
    if claim.nothing_below and leaning.word == CONTRADICTED and effect < (claim.factor or 0.0):
        leaning, claimed = replace(leaning, word=UNDECIDED), f"{claimed}; {claim.nothing_below}"
    margin, equal_p = _equality(claim, compare_at, times_at, others, margin)
    said = [claimed]
    if claim.quantity in TIMES:
        entries = [found.entries[side.algorithm] for side in (first, second) if side is not None]
        spread = ", ".join(spread_of(claim.quantity, entry) for entry in entries)
        said.append(f"on {one_processor(entries) or 'processors of several kinds'}, {spread}")
    return Part(
        pair,
        UNDECIDED,
        "; ".join(filter(None, said)),
        effect,
        interval,
        units,
        units=units,
        leaning=leaning.word,
        raw_p=leaning.p_value,
        smallest_p=leaning.smallest_p,
        favour=favour,
        between=claim.relation in ("ratio", "equivalent"),
        digits=2 if claim.factor is not None else 9 if claim.quantity == "seconds-per-step" else None,
        margin=margin,
        equal_p=equal_p,
        held=_held(claim),
        band=_band(claim, others),
    )


def _comparing(
    ratio: bool, paired: bool, ours: np.ndarray, others: np.ndarray | None, key: tuple[str, ...]
) -> CompareAt:
    """Compares ours with so many times the others, or with the others and so much more."""

    def compare_at(value: float) -> Comparison:
        if others is None:
            return compare_to(ours, value, *key)
        shifted = others * value if ratio else others + value
        return compare_to(ours - shifted, 0.0, *key) if paired else compare_means(ours, shifted, *key)

    return compare_at


def _equality(
    claim: Claim, compare_at: CompareAt, times_at: CompareAt, others: np.ndarray | None, margin: float | None
) -> tuple[float | None, float | None]:
    """The margin of a difference that is claimed, and the p-value of the test that it is less; None where none is.

    margin: what the design was made to decide.  The difference must also be less than `ALIKE` of the others.
    """
    size = 0.0 if others is None or claim.relation != "higher" else ALIKE * abs(float(others.mean()))
    if not margin or not size:
        return None, None
    assert others is not None
    both = within(compare_at, -margin, margin), within_share(times_at, others, ALIKE)
    if any(each.p_value is None for each in both):
        return min(margin, size), None
    return min(margin, size), max(each.p_value or 0.0 if each.word == REPRODUCED else 1.0 for each in both)


def within_share(times_at: CompareAt, others: np.ndarray, share: float) -> Leaning:
    """Whether ours lie within a share of the others' mean, which is as uncertain as they are: ours are held against
    1 - share and 1 + share times the others and not against a fixed distance.

    times_at: compares ours with so many times the others.
    """
    sign = math.copysign(1.0, float(others.mean()))
    return within(lambda each: times_at(1.0 + sign * each), -share, share)


def _bounded(interval: Interval | None, claim: Claim, found: Comparable, second: Side | None) -> Interval | None:
    """The part of an interval of success shares that is possible: one of a share, a gain or differences of these."""
    shares = {run.metric for entry in found.entries.values() for run in entry.runs} == {"success"}
    if interval is None or not shares or claim.quantity in (*TIMES, *IN_STEPS):
        return interval
    gain = claim.quantity == "gain"
    high = 1.0 + (gain and second is not None)
    return max(interval[0], 0.0 if second is None and not gain else -high), min(interval[1], high)


def _held(claim: Claim) -> float:
    """What the effect is held against."""
    return claim.factor or 0.0 if claim.relation in ("ratio", "above", "below") else 0.0


def _band(claim: Claim, others: np.ndarray | None) -> Interval | None:
    """The two ends between which the effect is claimed to lie."""
    if claim.relation == "ratio":
        return (claim.factor or 0.0) - (claim.tolerance or 0.0), (claim.factor or 0.0) + (claim.tolerance or 0.0)
    if claim.relation == "equivalent" and others is not None:
        margin = (claim.margin or 0.0) * abs(float(others.mean()))
        return -margin, margin
    return None


def _leaning(
    claim: Claim, compare_at: CompareAt, times_at: CompareAt, effect: float, others: np.ndarray | None
) -> tuple[Leaning, str, float]:
    """What the test leans to; what was claimed, as far as the pair does not say so; how far the effect is for it.

    times_at: compares ours with so many times the others.
    """
    factor = claim.factor or 0.0
    if claim.relation == "ratio":
        tolerance = claim.tolerance or 0.0
        claimed = f"claimed {factor:g} ± {tolerance:g}, {claim.margin_from}"
        return within(compare_at, factor - tolerance, factor + tolerance), claimed, -abs(effect - factor)
    if claim.relation == "equivalent":
        assert others is not None
        margin = (claim.margin or 0.0) * abs(float(others.mean()))
        claimed = f"claimed within ± {margin:.3g}, {100 * (claim.margin or 0):g} % of the second; {claim.margin_from}"
        return within_share(times_at, others, claim.margin or 0.0), claimed, -abs(effect)
    if claim.relation in ("above", "below"):
        up = claim.relation == "above"
        favour = effect - factor if up else factor - effect
        return direction(compare_at(factor), up), f"claimed {claim.relation} {factor:g}", favour
    return direction(compare_at(0.0)), "", effect
