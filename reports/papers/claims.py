"""A claim's parts: each of its methods against each other one, tested on the stored runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reports.papers.evidence import LEAST_SEEDS, Comparable, Evidence, curve_means, scores_after
from reports.papers.parts import NOT_RUN, Part, pair_text
from reports.scores.entries import AlgorithmScores
from reports.scores.processor_time import means_over_equal_time
from reports.statistics.bootstrap import LEVEL, RESAMPLES, draw_counts, interquartile_mean, keyed_generator
from reports.statistics.difference import difference_interval
from reports.statistics.permutation import permutation_test
from results.published import Claim


@dataclass(frozen=True)
class Side:
    """One algorithm after one adaptation step, the last if None."""

    algorithm: str
    step: int | None

    def __str__(self) -> str:
        return self.algorithm if self.step is None else f"{self.algorithm} after step {self.step}"


@dataclass(frozen=True)
class Compared:
    """A part that the stored runs speak to."""

    pair: str
    found: Comparable
    effect: float  # difference of interquartile means, or the ratio of means
    interval: tuple[float, float] | None  # 95 % bootstrap over seeds; None with a single seed
    seeds: int  # of the side that has fewer
    p_value: float | None  # two-sided, not yet corrected; None for a ratio
    smallest_p: float | None  # that this many seeds can give
    rise: float  # the difference of means that the p-value is about
    digests: tuple[str, ...]
    unusable: str = ""  # why a ratio means nothing


def parts_of(claim: Claim) -> list[tuple[Side, Side]]:
    """The pairs of which the claim says something; none for a study."""
    if claim.relation == "measurement":
        return []
    if claim.relation == "rises":
        later = list(zip(claim.steps, claim.steps[1:], strict=False))
        return [(Side(name, after), Side(name, before)) for name in claim.first for before, after in later]
    if claim.relation == "ratio" and not claim.second:
        before, after = claim.steps
        return [(Side(name, after), Side(name, before)) for name in claim.first]
    steps: tuple[int | None, ...] = claim.steps or (None,)
    return [(Side(name, step), Side(other, step)) for name in claim.first for other in claim.second for step in steps]


def compare_sides(claim: Claim, first: Side, second: Side, evidence: Evidence) -> Compared | Part:
    """Compares the two sides on the most informative set of runs; a part that is not run, and why, if there is none.

    Raises StoreError for scores that are not finite.
    """
    suite, pair = evidence.paper.suite(claim.suite), pair_text(str(first), str(second))
    for side in (first, second):
        if not any(side.algorithm in found.entries for found in evidence.of(suite)):
            return Part(pair, NOT_RUN, evidence.missing(suite, side.algorithm))
    found = evidence.best(suite, {first.algorithm, second.algorithm}, max(first.step or 0, second.step or 0))
    if found is None or not {first.algorithm, second.algorithm} <= set(found.entries):
        return Part(pair, NOT_RUN, f"{first.algorithm} and {second.algorithm} have no runs of equal terms")
    values = _values(claim, found.entries, first, second)
    if isinstance(values, str):
        return Part(pair, NOT_RUN, values)
    return _compared(claim, first, second, found, *values)


def _values(
    claim: Claim, entries: Mapping[str, AlgorithmScores], first: Side, second: Side
) -> tuple[np.ndarray, np.ndarray] | str:
    """What the claim compares, [seed, task] of either side, or why there is nothing."""
    if claim.quantity == "learning-curve-over-time":
        return means_over_equal_time(entries[first.algorithm], entries[second.algorithm])
    values = []
    for side in (first, second):
        entry = entries[side.algorithm]
        scores = curve_means(entry) if claim.quantity == "learning-curve" else scores_after(entry, side.step)
        if scores is None:
            what = (
                "no learning curve is stored" if claim.quantity == "learning-curve" else f"step {side.step} was not run"
            )
            return f"{side.algorithm}: {what}"
        values.append(scores)
    return values[0], values[1]


def _compared(
    claim: Claim, first: Side, second: Side, found: Comparable, ours: np.ndarray, others: np.ndarray
) -> Compared:
    # names alone, so that neither other claims nor other algorithms move a draw
    key = (found.suite, str(first), str(second), claim.quantity)
    seeds, pair = min(len(ours), len(others)), pair_text(str(first), str(second))
    digests = tuple(dict.fromkeys(found.entries[side.algorithm].digest for side in (first, second)))
    rise = float(ours.mean(axis=1).mean() - others.mean(axis=1).mean())
    if claim.relation == "ratio":
        low = min(ours.mean(axis=1).min(), others.mean(axis=1).min())
        unusable = "" if low > 0 else "a ratio of returns that are not all positive means nothing"
        ratio = float(ours.mean() / others.mean()) if not unusable else float("nan")
        spread = _ratio_interval(ours, others, *key) if not unusable and seeds >= LEAST_SEEDS else None
        return Compared(pair, found, ratio, spread, seeds, None, None, rise, digests, unusable)
    test = permutation_test(ours.mean(axis=1), others.mean(axis=1), *key)
    return Compared(
        pair,
        found,
        effect=interquartile_mean(ours) - interquartile_mean(others),
        interval=difference_interval(ours, others, *key) if seeds >= LEAST_SEEDS else None,
        seeds=seeds,
        p_value=test.p_value,
        smallest_p=test.smallest_p,
        rise=test.effect,
        digests=digests,
    )


def _ratio_interval(first: np.ndarray, second: np.ndarray, *key: str) -> tuple[float, float]:
    """Percentile bootstrap of the ratio of means, whole seeds of either side resampled."""
    means = []
    for name, scores in (("first", first), ("second", second)):
        counts = draw_counts(len(scores), RESAMPLES, keyed_generator(*key, name))
        means.append(np.einsum("s,sr->r", scores.mean(axis=1), counts) / len(scores))
    low, high = np.quantile(means[0] / means[1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
