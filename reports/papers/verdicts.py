"""Verdicts on a paper's claims, computed from stored runs: reproduced, contradicted, undecided, or not run.

A part of a claim (one method against another) holds when the permutation test of the two, corrected by Holm's method
over all parts of the paper's claims that were run, gives p <= 0.05 and the difference has the claimed sign; it fails
when p <= 0.05 and the sign is the other one.  A ratio holds when its 95 % interval lies within the tolerance and fails
when it lies outside, either only from 10 seeds on, below which that interval covers less than it says.

A claim is reproduced when all its parts hold, contradicted when one fails, not run when none could be tested, and
undecided at this budget otherwise.

Claims on studies are tested by `study_claims`, and stand outside Holm's family.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.papers.claims import Compared, compare_sides, parts_of
from reports.papers.evidence import Evidence
from reports.papers.parts import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED, Part
from reports.papers.study_claims import study_parts
from reports.scores.cautions import ENOUGH_SEEDS
from reports.statistics.permutation import holm, seeds_needed
from reports.text.numbers import NONE, plural
from results.published import Claim

ALPHA = 0.05


@dataclass(frozen=True)
class ClaimVerdict:
    claim: Claim
    word: str
    parts: tuple[Part, ...]
    reasons: tuple[str, ...]  # why this verdict
    not_comparable: tuple[str, ...]  # what keeps our numbers from being compared with the paper's
    digests: tuple[str, ...]  # of the configurations behind it

    @property
    def least(self) -> Part | None:
        """The part that favours the claim least; None if none was tested."""
        return min((part for part in self.parts if part.tested), key=lambda part: part.favour, default=None)

    @property
    def effect(self) -> float | None:
        """That of `least`, if it means anything."""
        effect = None if self.least is None else self.least.effect
        return None if effect is None or math.isnan(effect) else effect

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.least is None else self.least.interval

    @property
    def seeds(self) -> int | None:
        return None if self.least is None else self.least.seeds

    @property
    def shown(self) -> tuple[str, str]:
        """Effect and seeds as tables show them."""
        if self.least is None or self.effect is None:
            return NONE, NONE
        return self.least.effect_text, str(self.seeds)


def judge(evidence: Evidence) -> tuple[ClaimVerdict, ...]:
    """A verdict for each claim, in the paper's order.  Raises StoreError as `claims.compare_sides` does."""
    compared = [
        [compare_sides(claim, first, second, evidence) for first, second in parts_of(claim)]
        for claim in evidence.paper.claims
    ]
    family = [part for parts in compared for part in parts if isinstance(part, Compared) and part.p_value is not None]
    corrected = dict(zip(map(id, family), holm([part.p_value or 0.0 for part in family]), strict=True))
    verdicts = []
    for claim, found in zip(evidence.paper.claims, compared, strict=True):
        if claim.relation == "measurement":
            verdicts.append(_study_verdict(claim, evidence))
            continue
        parts = [_judge_part(claim, part, corrected.get(id(part)), len(family)) for part in found]
        tested = [part for part in found if isinstance(part, Compared)]
        suite = evidence.paper.suite(claim.suite)
        differences = [text for part in tested for text in evidence.differences(suite, part.found)]
        digests = [digest for part in tested for digest in part.digests]
        verdicts.append(_verdict(claim, parts, differences, digests))
    return tuple(verdicts)


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


def _study_verdict(claim: Claim, evidence: Evidence) -> ClaimVerdict:
    study = evidence.studies.get(claim.measured_by)
    if study is None:
        stored = f"; none of {claim.measured_by} is stored" if claim.measured_by else ""
        return ClaimVerdict(claim, NOT_RUN, (), (f"no measurement of the {claim.measurement} yet{stored}",), (), ())
    base = evidence.paper.suite(claim.suite).base if claim.suite else ""
    return _verdict(claim, study_parts(claim, base, study), study.differences(), [study.digest])


def _verdict(claim: Claim, parts: Sequence[Part], differences: Sequence[str], digests: Sequence[str]) -> ClaimVerdict:
    words = {part.word for part in parts}
    if CONTRADICTED in words:
        word = CONTRADICTED
    elif not any(part.tested for part in parts):
        word = NOT_RUN
    else:
        word = REPRODUCED if words == {REPRODUCED} else UNDECIDED
    texts = (tuple(dict.fromkeys(each)) for each in (_reasons(parts), differences, digests))
    return ClaimVerdict(claim, word, tuple(parts), *texts)


def _judge_part(claim: Claim, part: Compared | Part, corrected: float | None, family: int) -> Part:
    if isinstance(part, Part):
        return part
    word, reason = _judge_ratio(claim, part) if corrected is None else _judge_difference(part, corrected, family)
    favour = part.effect if claim.factor is None else -abs(part.effect - claim.factor)
    return Part(
        part.pair,
        word,
        reason,
        part.effect,
        part.interval,
        part.seeds,
        corrected,
        favour=(1.0, part.seeds) if math.isnan(part.effect) else (0.0, favour),
        digits=2 if corrected is None else None,
    )


def _judge_difference(part: Compared, corrected: float, family: int) -> tuple[str, str]:
    decided = f"p = {corrected:.2g} after Holm's correction over {plural(family, 'test')}"
    if corrected <= ALPHA:
        # a difference of interquartile means of the other sign says that a few tasks decide
        agrees = part.rise * part.effect > 0
        return (REPRODUCED if part.rise > 0 else CONTRADICTED) if agrees else UNDECIDED, decided
    if part.smallest_p is None or part.smallest_p <= ALPHA / family:
        return UNDECIDED, decided
    return UNDECIDED, (
        f"{plural(part.seeds, 'seed')} can give no p-value below {part.smallest_p:.2g}, and the first of {family} "
        f"tests must reach {ALPHA / family:.2g}: at least {seeds_needed(family, ALPHA)} seeds of each are needed"
    )


def _judge_ratio(claim: Claim, part: Compared) -> tuple[str, str]:
    if part.unusable:
        return UNDECIDED, part.unusable
    factor, tolerance = claim.factor or 0.0, claim.tolerance or 0.0
    band = (factor - tolerance, factor + tolerance)
    shown = f"claimed {factor:g} ± {tolerance:g}"
    if part.interval is None or part.seeds < ENOUGH_SEEDS:
        return UNDECIDED, f"{shown}; an interval decides from {ENOUGH_SEEDS} seeds on, here are {part.seeds}"
    if band[0] <= part.interval[0] and part.interval[1] <= band[1]:
        return REPRODUCED, f"{shown}; the interval lies within"
    if part.interval[1] < band[0] or part.interval[0] > band[1]:
        return CONTRADICTED, f"{shown}; the interval lies outside"
    return UNDECIDED, f"{shown}; the interval lies partly within"


def _reasons(parts: Sequence[Part]) -> list[str]:
    """What was decided part by part, each reason once with the pairs that it holds for."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        by_reason.setdefault((part.word, part.reason), []).append(part.pair)
    verbs = {REPRODUCED: "holds", CONTRADICTED: "fails", UNDECIDED: "undecided"}
    said = [f"{verbs[word]}: {', '.join(p)} ({why})" for (word, why), p in by_reason.items() if word in verbs]
    missing = [reason for word, reason in by_reason if word == NOT_RUN]
    return [*said, f"not run: {'; '.join(missing)}"] if missing else said
