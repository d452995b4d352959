"""Verdicts on a paper's claims, computed from stored runs: reproduced, contradicted, undecided, or not run.

A part of a claim (one method against another) holds when the permutation test of the two, corrected by Holm's method
over all parts of the paper's claims that were run, gives p <= 0.05 and the difference has the claimed sign; it fails
when p <= 0.05 and the sign is the other one.  A ratio holds when its 95 % interval lies within the tolerance and fails
when it lies outside, either only from 10 seeds on, below which that interval covers less than it says.

A claim is reproduced when all its parts hold, contradicted when one fails, not run when none could be tested, and
undecided at this budget otherwise.

Claims on measurements are tested by `measured_claims`, and stand outside Holm's family.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from reports.papers.claims import Compared, NotCompared, compare_sides, parts_of
from reports.papers.evidence import Evidence
from reports.papers.study_claims import ABSENT, FAILS, HOLDS, OPEN, MeasuredPart, measure_claim
from reports.scores.cautions import ENOUGH_SEEDS
from reports.statistics.permutation import holm, seeds_needed
from reports.text.numbers import decimals_for, number, plural
from results.published import Claim

ALPHA = 0.05
REPRODUCED, CONTRADICTED = "reproduced", "contradicted"
UNDECIDED, NOT_RUN = "undecided at this budget", "not run"
Tested = Compared | MeasuredPart
_WORD_OF = {HOLDS: "reproduced", FAILS: "contradicted", OPEN: "undecided at this budget", ABSENT: "not run"}
WORDS = (REPRODUCED, CONTRADICTED, UNDECIDED, NOT_RUN)


@dataclass(frozen=True)
class PartVerdict:
    part: Compared | NotCompared | MeasuredPart
    word: str
    p_value: float | None  # Holm's
    reason: str  # one sentence without its full stop


@dataclass(frozen=True)
class ClaimVerdict:
    """`effect`, `interval` and `seeds` are those of the part that favours the claim least; None if none was tested."""

    claim: Claim
    word: str
    parts: tuple[PartVerdict, ...]
    effect: float | None
    interval: tuple[float, float] | None
    seeds: int | None
    reasons: tuple[str, ...]  # why this verdict
    not_comparable: tuple[str, ...]  # what keeps our numbers from being compared with the paper's
    digests: tuple[str, ...]  # of the configurations behind it


def judge(evidence: Evidence) -> tuple[ClaimVerdict, ...]:
    """A verdict for each claim, in the paper's order.  Raises StoreError as `claims.compare_sides` does."""
    tested = [
        [compare_sides(claim, first, second, evidence) for first, second in parts_of(claim)]
        for claim in evidence.paper.claims
    ]
    family = [part for parts in tested for part in parts if isinstance(part, Compared) and part.p_value is not None]
    corrected = dict(zip(map(id, family), holm([part.p_value or 0.0 for part in family]), strict=True))
    return tuple(
        _verdict(
            claim,
            tuple(_judge_part(claim, part, corrected.get(id(part)), len(family)) for part in parts),
            evidence,
        )
        for claim, parts in zip(evidence.paper.claims, tested, strict=True)
    )


def claims_summary(verdicts: Sequence[ClaimVerdict]) -> list[dict[str, Any]]:
    """The list "claims" of summary.json."""
    return [
        {
            "id": verdict.claim.id,
            "text": verdict.claim.sentence,
            "verdict": verdict.word,
            "effect": verdict.effect,
            "ci": None if verdict.interval is None else list(verdict.interval),
            "seeds": verdict.seeds,
        }
        for verdict in verdicts
    ]


def was_tested(part: Compared | NotCompared | MeasuredPart) -> TypeGuard[Tested]:
    """Whether the stored runs or measurements speak to it."""
    return isinstance(part, Compared) or (isinstance(part, MeasuredPart) and part.answer != ABSENT)


def least_favourable(verdict: ClaimVerdict) -> Tested | None:
    """The part whose effect the verdict shows."""
    parts = [entry.part for entry in verdict.parts if was_tested(entry.part)]
    return next((part for part in parts if part.effect == verdict.effect), None)


def pair_text(part: Compared | NotCompared | MeasuredPart) -> str:
    """What a part compares."""
    first, second = str(part.first), str(part.second)
    return first if first == second else f"{first} against {second}"


def effect_text(part: Tested) -> str:
    """The effect with its interval."""
    if math.isnan(part.effect):
        return "–"
    if isinstance(part, MeasuredPart) and part.interval is None:
        return f"{part.effect:.3g}".replace("-", "−")
    ratio = isinstance(part, Compared) and part.p_value is None
    decimals = 2 if ratio else decimals_for((part.effect, *(part.interval or ())))
    if part.interval is None:
        return f"{number(part.effect, decimals)} [no interval]"
    low, high = part.interval
    return f"{number(part.effect, decimals)} [{number(low, decimals)}, {number(high, decimals)}]"


def _judge_part(claim: Claim, part: Compared | NotCompared, corrected: float | None, family: int) -> PartVerdict:
    if isinstance(part, NotCompared):
        return PartVerdict(part, NOT_RUN, None, part.reason)
    if corrected is None:
        return PartVerdict(part, *_judge_ratio(claim, part))
    over = f"after Holm's correction over {plural(family, 'test')}"
    if corrected <= ALPHA:
        # a difference of interquartile means of the other sign says that a few tasks decide
        agrees = part.rise * part.effect > 0
        word = (REPRODUCED if part.rise > 0 else CONTRADICTED) if agrees else UNDECIDED
        return PartVerdict(part, word, corrected, f"p = {corrected:.2g} {over}")
    if part.smallest_p is not None and part.smallest_p > ALPHA / family:
        reason = (
            f"{plural(part.seeds, 'seed')} can give no p-value below {part.smallest_p:.2g}, and the first of {family} "
            f"tests must reach {ALPHA / family:.2g}: at least {seeds_needed(family, ALPHA)} seeds of each are needed"
        )
    else:
        reason = f"p = {corrected:.2g} {over}"
    return PartVerdict(part, UNDECIDED, corrected, reason)


def _judge_ratio(claim: Claim, part: Compared) -> tuple[str, None, str]:
    if part.unusable:
        return UNDECIDED, None, part.unusable
    factor, tolerance = claim.factor or 0.0, claim.tolerance or 0.0
    band = (factor - tolerance, factor + tolerance)
    shown = f"claimed {factor:g} ± {tolerance:g}"
    if part.interval is None or part.seeds < ENOUGH_SEEDS:
        return UNDECIDED, None, f"{shown}; an interval decides from {ENOUGH_SEEDS} seeds on, here are {part.seeds}"
    if band[0] <= part.interval[0] and part.interval[1] <= band[1]:
        return REPRODUCED, None, f"{shown}; the interval lies within"
    if part.interval[1] < band[0] or part.interval[0] > band[1]:
        return CONTRADICTED, None, f"{shown}; the interval lies outside"
    return UNDECIDED, None, f"{shown}; the interval lies partly within"


def _verdict(claim: Claim, parts: tuple[PartVerdict, ...], evidence: Evidence) -> ClaimVerdict:
    if claim.relation == "measurement":
        return _measured_verdict(claim, evidence)
    tested = [(entry, entry.part) for entry in parts if isinstance(entry.part, Compared)]
    words = {entry.word for entry in parts}
    if CONTRADICTED in words:
        word = CONTRADICTED
    elif not tested:
        word = NOT_RUN
    else:
        word = REPRODUCED if words == {REPRODUCED} else UNDECIDED
    usable = [part for _, part in tested if not math.isnan(part.effect)]
    least = min(usable, key=lambda part: _favour(claim, part), default=None)
    suite = evidence.paper.suite(claim.suite)
    differences = [text for _, part in tested for text in evidence.differences(suite, part.found)]
    return ClaimVerdict(
        claim,
        word,
        parts,
        None if least is None else least.effect,
        None if least is None else least.interval,
        None if not tested else min(part.seeds for part in ([least] if least else [part for _, part in tested])),
        tuple(dict.fromkeys(_reasons(parts))),
        tuple(dict.fromkeys(differences)),
        tuple(dict.fromkeys(digest for _, part in tested for digest in part.digests)),
    )


def _measured_verdict(claim: Claim, evidence: Evidence) -> ClaimVerdict:
    measured = evidence.measured.get(claim.measured_by)
    if measured is None:
        stored = f"; none of {claim.measured_by} is stored" if claim.measured_by else ""
        reason = f"no measurement of the {claim.measurement} yet{stored}"
        return ClaimVerdict(claim, NOT_RUN, (), None, None, None, (reason,), (), ())
    base = evidence.paper.suite(claim.suite).base if claim.suite else ""
    found = measure_claim(claim, base, measured)
    parts = tuple(PartVerdict(part, _WORD_OF[part.answer], None, part.reason) for part in found)
    words = {entry.word for entry in parts}
    tested = [part for part in found if part.answer != ABSENT]
    word = NOT_RUN if not tested else UNDECIDED
    if CONTRADICTED in words or words == {REPRODUCED}:
        word = CONTRADICTED if CONTRADICTED in words else REPRODUCED
    # of several the one that favours the claim least: one that fails before one that is open
    order = {FAILS: 0, OPEN: 1, HOLDS: 2}
    least = min(tested, key=lambda part: (order[part.answer], part.favour), default=None)
    return ClaimVerdict(
        claim,
        word,
        parts,
        None if least is None or math.isnan(least.effect) else least.effect,
        None if least is None else least.interval,
        None if least is None else least.seeds,
        tuple(dict.fromkeys(_reasons(parts))),
        measured.differences(),
        (measured.digest,),
    )


def _favour(claim: Claim, part: Compared) -> float:
    return part.effect if claim.factor is None else -abs(part.effect - claim.factor)


def _reasons(parts: Sequence[PartVerdict]) -> list[str]:
    """What was decided part by part, each reason once with the pairs that it holds for."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for entry in parts:
        pair = pair_text(entry.part)
        by_reason.setdefault((entry.word, entry.reason), []).append(pair)
    verbs = {REPRODUCED: "holds", CONTRADICTED: "fails", UNDECIDED: "undecided"}
    said = [f"{verbs[word]}: {', '.join(p)} ({why})" for (word, why), p in by_reason.items() if word in verbs]
    missing = [reason for word, reason in by_reason if word == NOT_RUN]
    return [*said, f"not run: {'; '.join(missing)}"] if missing else said
