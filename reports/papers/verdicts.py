"""Verdicts on a paper's claims, computed from what is stored.

A part of a claim holds or fails when its own test, corrected by Holm's method in Tarone's form over all tests of the
paper's claims that verdicts rest on, gives p <= 0.05; which of both, its effect says.  Tests that could not decide
anything, such as those of one seed, weaken no other.  What is exact is decided by its sign.

A claim is reproduced when all its parts hold, contradicted when one fails, not run when none could be tested, and
undecided at this budget otherwise; but where nothing is open and no part fails, one that shows no change beyond
numerical error makes it "no change", and one on a bound that excludes nothing "vacuous".

Where one method is claimed above another and that is not decided, the two may still be shown to be equal within a
margin: the effect that the design decides (`design`), or a fifth of the second's mean if that is less.  These tests are
a family of their own, corrected among themselves, so that they change no verdict on an order: the chance that any two
methods are called equal that are further apart is at most 5 % too.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reports.papers.claims import Compared, compare_sides, parts_of
from reports.papers.departures import departures_of_runs, departures_of_study, merged
from reports.papers.design import Design, design_of, number_text, planned_tests
from reports.papers.evidence import Evidence
from reports.papers.family_of_tests import FamilyOfTests
from reports.papers.parts import (
    ALPHA,
    CONTRADICTED,
    EQUAL,
    NO_CHANGE,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    VACUOUS,
    Part,
)
from reports.papers.study_claims import study_parts
from reports.papers.training_length import TrainingLength, length_of_runs, length_of_study
from reports.statistics.multiplicity import holm
from reports.text.numbers import NONE, plural
from results.published_claims import Claim
from results.published_settings import Departure

#: of two opposite verdicts on one figure, where the paper's data do not say why
UNSAID = "other quantities or other runs are compared"


@dataclass(frozen=True)
class ClaimVerdict:
    claim: Claim
    word: str
    parts: tuple[Part, ...]
    reasons: tuple[str, ...]  # why this verdict
    not_comparable: tuple[str, ...]  # what keeps our numbers from being compared with the paper's
    digests: tuple[str, ...]  # of the configurations behind it
    departures: tuple[Departure, ...] = ()  # settings of the paper's that our runs do not have
    opposed: tuple[str, ...] = ()  # claims on the same figure with the opposite verdict, by id
    absent: tuple[str, ...] = ()  # algorithms and suites that it needs and that do not exist yet
    design: Design | None = None  # what so many seeds decide of it, where that is known
    lengths: tuple[TrainingLength, ...] = ()  # of the training behind it, beside the paper's
    compared: tuple[Compared, ...] = ()  # `parts`, each with the runs that speak to it
    equal_p: tuple[float | None, ...] = ()  # of each part's test of equality, after Holm's correction
    undone_by: int | None = None  # so many further tests of the paper that decide nothing leave it open
    to_come: int = 0  # tests of the paper that have no runs yet

    @property
    def least(self) -> Part | None:
        """The part that favours the claim least; None if none was tested."""
        judged = [part for part in self.parts if part.judged] or self.parts
        return min((part for part in judged if part.tested), key=lambda part: part.order, default=None)

    @property
    def effect(self) -> float | None:
        """That of `least`, if it means anything."""
        effect = None if self.least is None else self.least.effect
        return None if effect is None or math.isnan(effect) else effect

    @property
    def interval(self) -> tuple[float, float] | None:
        """That of `least`, if it has two finite ends."""
        interval = None if self.least is None else self.least.interval
        return None if interval is None or not all(map(math.isfinite, interval)) else interval

    @property
    def seeds(self) -> int | None:
        return None if self.least is None else self.least.seeds

    @property
    def p_value(self) -> float | None:
        """That of `least`, after Holm's correction where the verdict rests on it."""
        return None if self.least is None else self.least.p_value

    @property
    def trained(self) -> tuple[str, ...]:
        """`lengths` as tables show them, the longest first."""
        return tuple(map(str, sorted(self.lengths, key=lambda length: -length.ours)))

    @property
    def shown(self) -> tuple[str, str]:
        """Effect and units as tables show them."""
        if self.least is None or self.effect is None:
            return NONE, NONE
        return self.least.effect_text, self.least.units_text if self.least.unit else "exact"


def judge(evidence: Evidence) -> tuple[ClaimVerdict, ...]:
    """A verdict for each claim, in the paper's order.  Raises StoreError as `claims.compare_sides` does."""
    claims, planned = evidence.paper.claims, planned_tests(evidence)
    designs = [design_of(claim, evidence, planned) for claim in claims]
    found = [_found(claim, evidence, design) for claim, design in zip(claims, designs, strict=True)]
    judged = [part for each in found for part in (c.part for c in each) if part.raw_p is not None and part.judged]
    family = FamilyOfTests(judged, planned)
    close = [part for part in judged if part.equal_p is not None]
    equal = holm([part.equal_p or 0.0 for part in close], [part.smallest_p or 0.0 for part in close], ALPHA)
    by_close = dict(zip(map(id, close), equal, strict=True))
    verdicts = []
    for claim, compared, design in zip(claims, found, designs, strict=True):
        alike = tuple(by_close.get(id(each.part)) for each in compared)
        parts = [
            _or_equal(_decided(each.part, family.p_value(each.part), len(family)), equal_p, len(close))
            for each, equal_p in zip(compared, alike, strict=True)
        ]
        decided = tuple(replace(each, part=part) for each, part in zip(compared, parts, strict=True))
        verdict = _verdict(claim, parts, compared, evidence)
        undone = _undone_by(verdict.word, [each.part for each in compared], family)
        beside = replace(verdict, undone_by=undone, to_come=family.to_come)
        verdicts.append(replace(beside, design=design, compared=decided, equal_p=alike))
    return _opposed(verdicts)


def claims_summary(verdicts: Sequence[ClaimVerdict]) -> list[dict[str, Any]]:
    """The list "claims" of summary.json; numbers of the part that favours the claim least, digests of all its parts."""
    return [
        {
            "id": verdict.claim.id,
            "text": verdict.claim.sentence,
            "verdict": verdict.word,
            "effect": verdict.effect,
            "ci": None if verdict.interval is None else list(verdict.interval),
            "seeds": verdict.seeds,
            "p": verdict.p_value,
            "digests": list(verdict.digests),
        }
        for verdict in verdicts
    ]


def measured_text(claim: Claim) -> str:
    """What a claim on a measurement is of, with its article."""
    return f"the {claim.measurement.removeprefix('the ')}"


def word_of(parts: Iterable[Part]) -> str:
    """The verdict that these parts, of which all are judged, make together."""
    words = {part.word for part in parts}
    if CONTRADICTED in words:
        return CONTRADICTED
    if not words - {NOT_RUN}:
        return NOT_RUN
    if words & {UNDECIDED, NOT_RUN}:
        return UNDECIDED
    return next((word for word in (EQUAL, NO_CHANGE, VACUOUS) if word in words), REPRODUCED)


def _found(claim: Claim, evidence: Evidence, design: Design | None) -> list[Compared]:
    """The claim's parts, before the correction for how many tests there are."""
    if claim.relation != "measurement":
        margin = design.effect if design is not None and design.effect > 0 else None
        return [compare_sides(claim, first, second, evidence, margin) for first, second in parts_of(claim)]
    study = evidence.studies.get(claim.measured_by)
    if study is None:
        return []
    base = evidence.paper.suite(claim.suite).base if claim.suite else ""
    return [Compared(part) for part in study_parts(claim, base, study)]


def _decided(part: Part, corrected: float | None, family: int) -> Part:
    """The part with its word, where it varies by chance."""
    if part.word == NOT_RUN or not part.leaning or part.effect is None or math.isnan(part.effect):
        return part
    if part.raw_p is None:
        reason = f"{plural(part.units, part.unit)} {'holds' if part.units == 1 else 'hold'} no test"
        return replace(part, reason="; ".join(filter(None, [part.reason, reason])))
    if corrected is None:  # only shown
        word = part.leaning if part.raw_p <= ALPHA else UNDECIDED
        said = f"p = {part.raw_p:.2g}, shown beside what is judged"
        return replace(part, word=word, p_value=part.raw_p, reason="; ".join(filter(None, [part.reason, said])))
    said = f"p = {corrected:.2g} after Holm's correction over {plural(family, 'test')}"
    if part.smallest_p is not None and part.smallest_p > ALPHA:
        said += f"; {plural(part.units, part.unit)} can give no p-value below {part.smallest_p:.2g}"
    word = part.leaning if corrected <= ALPHA else UNDECIDED
    return replace(part, word=word, p_value=corrected, reason="; ".join(filter(None, [part.reason, said])))


def _undone_by(word: str, parts: Sequence[Part], family: FamilyOfTests) -> int | None:
    """Of the tests that are to come, how many that decide nothing would leave a decided claim open; None if not all."""
    if word not in (REPRODUCED, CONTRADICTED):
        return None

    def is_open(further: int) -> bool:
        judged = [_decided(part, family.p_value(part, further), len(family)) for part in parts if part.judged]
        return word_of(judged) != word

    least = bisect_left(range(family.to_come + 1), True, key=is_open)  # the more tests, the larger each p-value
    return least if least <= family.to_come else None


def _or_equal(part: Part, corrected: float | None, family: int) -> Part:
    """The part, where its order is open and the two are shown to lie within the margin."""
    if part.word != UNDECIDED or corrected is None or corrected > ALPHA:
        return part
    margin = number_text(part.margin or 0.0)
    said = f"less than {margin} apart, p = {corrected:.2g} after correction over {plural(family, 'test')} of that"
    return replace(part, word=EQUAL, reason="; ".join(filter(None, [part.reason, said])))


def _verdict(claim: Claim, parts: Sequence[Part], compared: Sequence[Compared], evidence: Evidence) -> ClaimVerdict:
    differences, departures, digests, lengths = list[str](), list[Departure](), list[str](), list[TrainingLength]()
    if claim.relation == "measurement":
        study = evidence.studies.get(claim.measured_by)
        if study is None:
            stored = f"; none of {claim.measured_by} is stored" if claim.measured_by else ""
            reason = f"no measurement of {measured_text(claim)} yet{stored}"
            return ClaimVerdict(claim, NOT_RUN, (), (reason,), (), ())
        differences, digests = list(study.differences()), [study.digest]
        departures = departures_of_study(evidence.paper, claim, study)
        lengths = length_of_study(evidence.paper, claim, study)
    for each in (each for each in compared if each.found is not None):
        assert each.found is not None
        differences += evidence.differences(evidence.paper.suite(claim.suite), each.found)
        departures += departures_of_runs(evidence.paper, claim, each.found, each.algorithms)
        digests += each.digests
        lengths.append(length_of_runs(evidence.paper, claim, each.found))
    judged = [part for part in parts if part.judged]
    reasons, said, behind = (tuple(dict.fromkeys(each)) for each in (_reasons(parts), differences, digests))
    absent = () if claim.relation == "measurement" else evidence.absent(claim.suite, (*claim.first, *claim.second))
    word, trained = word_of(judged), tuple(dict.fromkeys(lengths))
    return ClaimVerdict(
        claim, word, tuple(parts), reasons, said, behind, merged(departures), absent=absent, lengths=trained
    )


def _opposed(verdicts: Sequence[ClaimVerdict]) -> tuple[ClaimVerdict, ...]:
    """Each verdict that is the opposite of another one on the same figure says so, and why, in its first sentence."""
    opposite = {REPRODUCED: CONTRADICTED, CONTRADICTED: REPRODUCED}
    said = []
    for verdict in verdicts:
        others = tuple(
            other.claim.id
            for other in verdicts
            if other.claim.shares_figure(verdict.claim) and other.word == opposite.get(verdict.word)
        )
        if others:
            named = ", ".join(dict.fromkeys(_short(other) for other in verdicts if other.claim.id in others))
            have = "has" if len(others) == 1 else "have"
            place = f"{named} on the same {_kind(verdict.claim)} {have} the opposite verdict"
            first = f"Here {verdict.claim.apart or UNSAID}; {place}"
            verdict = replace(verdict, opposed=others, reasons=(first, *verdict.reasons))
        said.append(verdict)
    return tuple(said)


def _kind(claim: Claim) -> str:
    return claim.figure[0].partition(" ")[0].lower()


def _short(verdict: ClaimVerdict) -> str:
    """The claim's id without its paper and suite."""
    return verdict.claim.family.removeprefix(f"{verdict.claim.paper}.")


def _reasons(parts: Sequence[Part]) -> list[str]:
    """What was decided part by part, each reason once with the pairs that it holds for."""
    verbs = {
        REPRODUCED: "holds",
        CONTRADICTED: "fails",
        UNDECIDED: "undecided",
        EQUAL: "equal within margin",
        NO_CHANGE: "no change",
        VACUOUS: "vacuous",
    }
    by_reason: dict[tuple[bool, str, str], list[str]] = {}
    for part in parts:
        by_reason.setdefault((part.judged, part.word, part.reason), []).append(part.pair)
    said, missing = [], []
    for (judged, word, reason), pairs in by_reason.items():
        if word == NOT_RUN:
            missing.append(reason)
        else:
            said.append(f"{'' if judged else 'shown, not judged: '}{verbs[word]}: {', '.join(pairs)} ({reason})")
    return [*said, f"not run: {'; '.join(missing)}"] if missing else said
