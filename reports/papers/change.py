"""What a claim rests on, in words: how it is tested, and what would change its verdict."""

from __future__ import annotations

import math

from reports.papers.parts import CONTRADICTED, EQUAL, NO_CHANGE, NOT_RUN, REPRODUCED, UNDECIDED, VACUOUS, Part
from reports.papers.verdicts import ClaimVerdict, measured_text
from reports.statistics.worst_case import SMALLEST_P
from reports.text.numbers import NONE, plural
from results.published import Paper
from results.published_claims import Claim
from results.study_tests import StudyTest

#: what is compared, in words
_QUANTITIES = {
    "score": "the score on test tasks",
    "gain": "what further adaptation steps gain on test tasks",
    "learning-curve": "the mean over the learning curve",
    "learning-curve-end": "the end of the learning curve",
    "learning-curve-over-time": "the mean over the learning curve up to an equal processor time",
    "at-equal-meta-training": "the learning curves at equal steps of meta-training alone",
    "steps-to-level": "environment steps until nine tenths of the first one's progress",
    "meta-training-to-level": "steps of meta-training alone until nine tenths of the first one's progress",
    "seconds-per-step": "the processor's seconds for each environment step of training",
    "sampling-share": "the share of sampling in the time of training",
}
#: more seeds than that are no advice
_MANY = 200


def test_text(claim: Claim) -> str:
    """How the claim is tested, one sentence without its full stop."""
    if claim.relation == "measurement":
        if not claim.tests:
            return f"none yet, of {measured_text(claim)}"
        judged = "; ".join(_study_test(test, claim) for test in claim.tests if test.judged)
        return f"study {claim.measured_by}: {judged}"
    first, second = " and ".join(claim.first), " and ".join(claim.second)
    what = _QUANTITIES[claim.quantity]
    steps = f" after steps {', '.join(map(str, claim.steps))}" if claim.steps else ""
    if claim.relation == "rises" or not claim.second:
        relation = {
            "rises": "each step above the one before",
            "above": f"above {claim.factor}",
            "below": f"below {claim.factor}",
            "ratio": f"the later step {claim.factor} ± {claim.tolerance} times the earlier ({claim.margin_from})",
        }[claim.relation]
        return f"{what}{steps} of {first}: {relation}"
    relation = {
        "higher": "above",
        "ratio": f"{claim.factor} ± {claim.tolerance} times",
        "equivalent": f"within {100 * (claim.margin or 0):g} % of",
    }[claim.relation]
    each = ", each with each" if len(claim.first) * len(claim.second) > 1 else ""
    why = f" ({claim.margin_from})" if claim.margin_from else ""
    return f"{what}{steps}: {first} {relation} {second}{each}{why}"


def unit_text(verdict: ClaimVerdict) -> str:
    """What varies by chance in the parts that the verdict rests on, how many there are, and whether some are exact."""
    parts = _tested(verdict)
    units = ", ".join(dict.fromkeys(part.units_text for part in parts if part.unit))
    if units:
        return units if all(part.unit for part in parts) else f"{units}; other parts are exact"
    return parts[0].units_text if parts else NONE


def attainable_text(verdict: ClaimVerdict) -> str:
    """The smallest p-value that so many units could give, before Holm's correction, of the part where it is largest.

    A statistic of two units or more may be as large as one likes: tables of it end at `SMALLEST_P`.
    """
    sampled = [part for part in _tested(verdict) if part.unit]
    if any(part.smallest_p is None and part.units == 1 for part in sampled):
        return "none with 1"
    known = [part.smallest_p for part in sampled if part.smallest_p is not None]
    if not known:
        return NONE
    return "no limit" if max(known) <= SMALLEST_P else f"{max(known):.2g}"


def _tested(verdict: ClaimVerdict) -> list[Part]:
    """The parts that the verdict rests on, as far as something stored speaks to them."""
    return [part for part in verdict.parts if part.judged and part.tested]


def what_would_change(verdict: ClaimVerdict, paper: Paper) -> str:
    """One sentence without its full stop."""
    claim, part = verdict.claim, verdict.least
    if verdict.word == NOT_RUN:
        return claim.would_run or _command(verdict, paper)
    assert part is not None
    if verdict.word == VACUOUS:
        return claim.would_run or "a bound that excludes something: smaller constants, or another suite"
    if verdict.word == EQUAL:
        return f"more {part.unit}s than the design has, which could tell smaller differences from none"
    if verdict.word == NO_CHANGE:
        return "a change larger than what counts as none: another λ, or another suite"
    if verdict.word == UNDECIDED:
        missing = [each for each in verdict.parts if each.judged and each.word == NOT_RUN]
        judged = sum(each.judged for each in verdict.parts)
        some = f"runs for {len(missing)} of {plural(judged, 'part')}" if missing else ""
        left = [each for each in verdict.parts if each.judged and each.word == UNDECIDED]
        if some and not left:
            return f"{some}; the others are decided"
        return ", and ".join(filter(None, [some, more_units(min(left, key=lambda each: each.order, default=part))]))
    # what holds does not turn a contradiction round
    resting = [each for each in _tested(verdict) if verdict.word != CONTRADICTED or each.word == CONTRADICTED]
    units = list(dict.fromkeys(each.unit for each in resting if each.unit))
    exact = not all(each.unit for each in resting)
    study = "another configuration of the study or an error in it"
    if not units:
        held = "nothing is left to chance" if verdict.word != CONTRADICTED else "what fails is exact"
        return f"{study}, since {held}"
    if exact and verdict.word == CONTRADICTED:
        return f"{study}, since a part that fails is exact"
    turned = f"further {'s or '.join(units)}s that turn the effect round"
    if exact:
        turned += f", or, for the exact part, {study}"
    if verdict.undone_by is not None:
        tests = plural(verdict.undone_by, "further test")
        turned += f", or {tests} of the paper that could decide and do not, of {verdict.to_come} that have no runs yet"
    setting = f", or the paper's own setting ({plural(len(verdict.departures), 'departure')})"
    return turned + (setting if verdict.departures and verdict.word in (CONTRADICTED, REPRODUCED) else "")


def _study_test(test: StudyTest, claim: Claim) -> str:
    first = test.first or " and ".join(claim.first)
    against = test.against or test.second or " and ".join(claim.second)
    band = f"{test.factor:g} ± {test.tolerance:g}" + (f" ({test.margin_from})" if test.margin_from else "")
    relation = {
        "higher": f"above that of {against}" if not test.against else f"above the {against}",
        "lower": f"below that of {against}" if not test.against else f"below the {against}",
        "ratio": f"{band} times that of {against}",
        "value": f"is {band}",
        "above": f"above {test.factor:g}",
        "below": f"below {test.factor:g}",
        "rises": "never falls, and rises",
    }[test.relation]
    index = "" if test.index < 0 else f" (k = {test.index})"
    beyond = ""
    if test.sampled == "exact" and test.tolerance and test.relation not in ("ratio", "value"):
        beyond = f" by more than {test.tolerance:g} ({test.margin_from})"
    if test.margin:
        why = f" ({test.margin_from})" if test.margin_from else ""
        beyond = f", or short of it by less than {100 * test.margin:g} % of its size{why}"
    every = " in every case" if test.every else ""
    quantity = f"the magnitude of the {test.quantity}" if test.magnitude else test.quantity
    whose = f" of {first}" if first else ""  # what is no algorithm's own has none
    return f"{quantity}{index}{whose} {relation}{beyond}{_where(test)}{every}"


def _where(test: StudyTest) -> str:
    """The suite, where the test names one beside the claim's."""
    options = test.suite.removeprefix("{suite}").strip("[]")
    if not options:
        return ""
    return f" with {options}" if test.suite.startswith("{suite}") else f" on {test.suite}"


def _command(verdict: ClaimVerdict, paper: Paper) -> str:
    claim = verdict.claim
    if claim.measured_by:
        return f"metarl paper {paper.name} --only-studies"
    suite = paper.suite(claim.suite).suite
    first = f"{', '.join(verdict.absent)}, which no code of ours is yet; then " if verdict.absent else ""
    return f"{first}runs of {', '.join((*claim.first, *claim.second))}: metarl paper {paper.name} --suites '{suite}'"


def more_units(part: Part) -> str:
    """How many units would decide an effect of this size and spread; the correction for other tests asks for more."""
    if part.raw_p is None or part.interval is None or not part.effect or math.isnan(part.effect):
        return f"at least 3 {part.unit or 'seed'}s of each side"
    if part.leaning and part.raw_p <= 0.05:
        return f"a few more {part.unit}s: alone its p-value would do, among the paper's other tests it does not"
    low, high = part.interval
    half, away = (high - low) / 2, abs(part.favour)
    if part.between or not math.isfinite(half) or away == 0:
        return f"more {part.unit}s, which narrow the interval"
    needed = math.ceil(part.units * (half / away) ** 2) + 1
    if needed > _MANY:
        return f"more than {_MANY} {part.unit}s of each, if the effect is as small as here"
    return f"about {max(needed, part.units + 1)} {part.unit}s of each, if the effect is as here"
