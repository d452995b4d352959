"""What eight seeds of each method can decide of a claim on scores, from the spread between seeds in stored runs.

The effect is what a claim's own test, with Holm's correction over all tests of its paper, decides with a chance of 0.8.
It rests on spreads alone and on no difference.  Before a campaign it is written down (`results/claim_designs.json`), so
that what the campaign finds does not enter; where the runs behind it are those that are judged, it is no forecast, and
says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import numpy as np

from reports.papers.claims import Side, parts_of, side_values
from reports.papers.evidence import SEEDS, Comparable, Evidence
from reports.papers.sample_efficiency import COMPARED
from reports.papers.study_claims import sampled_tests
from reports.scores.boards import FLOOR
from reports.scores.entries import AlgorithmScores
from reports.statistics.power import POWER, decidable_effect, first_level
from reports.statistics.worst_case import Samples
from reports.text.numbers import decimals_for, number, plural, short_count, span
from results.claim_designs import ClaimDesign
from results.published_claims import Claim

#: of a quick run returns and spreads are not those of a longer one
QUICK = ("quick", "smoke")
UNKNOWN = "unknown: no runs"

_Pairs = Sequence[tuple[Side, Side | None]]
#: by method, its values [seed] and the mean that a ratio is of
_Samples = dict[str, tuple[np.ndarray, float]]


@dataclass(frozen=True)
class Spread:
    """The standard deviation over seeds, pooled over methods, of what a claim compares."""

    value: float
    size: float  # of the mean that a ratio is of; 0 where it is none
    found: Comparable
    seeds: dict[str, int]  # by method

    @property
    def freedom(self) -> int:
        return sum(seeds - 1 for seeds in self.seeds.values())


@dataclass(frozen=True)
class Design:
    """effect: the least distance from what the claim is held against (0, a factor, the nearer end of a margin) that
    `SEEDS` seeds of each side decide with the chance `POWER`; of several parts, that which decides each of them.
    """

    effect: float
    alone: float  # were the claim's part the paper's only test
    spread: float  # between seeds
    tests: int  # of the paper, when all of them are run
    origin: str  # the runs that it rests on
    quick: bool
    digests: frozenset[str]  # of these runs' configurations
    written: str = ""  # the day on which it was written down; none: it is of what is stored now
    gone: bool = False  # whether no run that it rests on is stored any more

    @property
    def short(self) -> str:
        """The effect as tables show it."""
        return number_text(self.effect) + (" (quick)" if self.quick else "")

    def said(self, judged: Iterable[str] = ()) -> str:
        """One sentence without its full stop.  judged: configurations that the verdict rests on, by digest."""
        own = " (these very runs are judged, so it is no forecast)" if self.digests & set(judged) else ""
        gone = ", of runs that are stored no longer" if self.gone else ""
        written = f"; so written down on {self.written}{gone}" if self.written else ""
        return (
            f"{SEEDS} seeds of each side decide an effect of {number_text(self.effect)} with a chance of "
            f"{100 * POWER:.0f} % if {plural(self.tests, 'test')} of the paper are run, of {number_text(self.alone)} "
            f"were it the only one: the spread between seeds is {number_text(self.spread)} in {self.origin}{own}"
            f"{written}"
        )


def number_text(value: float) -> str:
    """With the decimals of its size; of what is very small, two digits."""
    return f"{value:.2g}" if 0 < value < 0.01 else number(value, decimals_for([value]))


def planned_tests(evidence: Evidence) -> int:
    """The p-values that the paper's verdicts rest on when everything that exists is run with two seeds or more."""
    count = 0
    for claim in evidence.paper.claims:
        if claim.relation == "measurement":
            count += sampled_tests(claim)
        else:
            count += sum(not evidence.absent(claim.suite, _names(pair)) for pair in parts_of(claim))
    return count


def design_of(claim: Claim, evidence: Evidence, tests: int) -> Design | None:
    """What was written down of the claim before its runs, or else what the stored ones say now (`design_now`)."""
    written = evidence.designs.get(claim.id)
    if written is None:
        return design_now(claim, evidence, tests)
    stored = {entry.digest for each in evidence.sets for entry in each.entries.values()}
    values: dict[str, Any] = {**written, "digests": frozenset(written["digests"])}
    return Design(**values, gone=not stored & values["digests"])


def written_design(claim: Claim, evidence: Evidence, tests: int, day: str) -> ClaimDesign | None:
    """What to write down of the claim on that day; None where nothing is known."""
    found = design_now(claim, evidence, tests)
    if found is None:
        return None
    kept = {name: value for name, value in asdict(found).items() if name != "gone"}
    return cast(ClaimDesign, {**kept, "digests": sorted(found.digests), "written": day})


def design_now(claim: Claim, evidence: Evidence, tests: int) -> Design | None:
    """None for a claim on a study, and where no method on the suite has two seeds.

    Standard runs are preferred to others, and quick ones come last: where a quick run's spread stands, no longer runs
    could be tested either.
    """
    pairs = parts_of(claim)
    found = [_spread(claim, pairs, each) for each in evidence.of(evidence.paper.suite(claim.suite))] if pairs else []
    spread = max(
        (each for each in found if each is not None),
        key=lambda each: (
            not _quick(each.found),
            "standard" in each.found.profiles,
            len({*claim.first, *claim.second} & set(each.found.entries)),
            each.found.suite == evidence.paper.suite(claim.suite).suite,
            each.found.budget,
            each.freedom,
            each.found.suite,
        ),
        default=None,
    )
    if spread is None:
        return None
    samples: Samples = "two" if pairs[0][1] is not None and not _paired(pairs[0]) else "one"
    effects = [
        spread.value / (spread.size or 1.0) * decidable_effect(SEEDS, level, samples)
        for level in (first_level(tests), first_level(1))
    ]
    runs, seeds = spread.found, spread.seeds
    origin = (
        f"{span(seeds.values())} seeds each of {', '.join(seeds)} on {runs.suite}, {short_count(runs.budget)} steps, "
        f"profile {runs.profiles}"
    )
    digests = frozenset(runs.entries[name].digest for name in seeds)
    return Design(effects[0], effects[1], spread.value, tests, origin, _quick(runs), digests)


def _spread(claim: Claim, pairs: _Pairs, found: Comparable) -> Spread | None:
    """The largest over the claim's adaptation steps or, of what two methods have together, over its pairs, since the
    effect has to decide all of its parts."""
    if claim.quantity in COMPARED:
        samples = [_compared(claim, found, first, second) for first, second in pairs]
    else:
        by_step = {(_at(first), _at(second)): (first, second) for first, second in pairs}
        samples = [_alone(claim, found, first, second) for first, second in by_step.values()]
    spreads = list[Spread]()
    for by_method in samples:
        several = {name: (values, size) for name, (values, size) in by_method.items() if len(values) > 1}
        if several:
            squares = sum(float(((values - values.mean()) ** 2).sum()) for values, _ in several.values())
            seeds = {name: len(values) for name, (values, _) in several.items()}
            ratio = claim.relation == "ratio"
            size = float(np.mean([abs(size) for _, size in several.values()])) if ratio else 0.0
            spreads.append(Spread((squares / sum(n - 1 for n in seeds.values())) ** 0.5, size, found, seeds))
    return max(spreads, key=lambda each: each.value, default=None)


def _compared(claim: Claim, found: Comparable, first: Side, second: Side | None) -> _Samples:
    """Both sides' values; none unless both are there, since each one's depend on the other's."""
    entries = [found.entries.get(side.algorithm) for side in (first, second) if side is not None]
    if len(entries) < 2 or entries[0] is None or entries[1] is None:
        return {}
    both = COMPARED[claim.quantity](entries[0], entries[1])
    if isinstance(both, str):
        return {}
    factor = _factor(claim)
    sides = zip((entries[0], entries[1]), both, strict=True)
    return {e.algorithm: (values * max(1.0, factor), float(values.mean())) for e, values in sides if _counts(e)}


def _alone(claim: Claim, found: Comparable, first: Side, second: Side | None) -> _Samples:
    """The values of every method that learns."""
    values = {name: _values(claim, entry, first, second) for name, entry in found.entries.items() if _counts(entry)}
    return {name: each for name, each in values.items() if each is not None}


def _values(claim: Claim, entry: AlgorithmScores, first: Side, second: Side | None) -> tuple[np.ndarray, float] | None:
    """What the claim's test takes the spread of [seed], and the mean that a ratio is of."""
    if claim.quantity == "learning-curve-over-time":  # which depends on the other side; its spread is nearly this
        claim = replace(claim, quantity="learning-curve")
    values = side_values(claim, entry, Side(entry.algorithm, first.step))
    if isinstance(values, str):
        return None
    factor = _factor(claim)
    if second is None or not _paired((first, second)):
        return values * max(1.0, factor), float(values.mean())
    others = side_values(claim, entry, Side(entry.algorithm, second.step))
    return None if isinstance(others, str) else (values - factor * others, float(others.mean()))


def _factor(claim: Claim) -> float:
    """By which a ratio's test takes the second side."""
    return claim.factor or 1.0 if claim.relation == "ratio" else 1.0


def _counts(entry: AlgorithmScores) -> bool:
    """Whether it is a method that learns, whose seeds differ as those of a claim do."""
    return entry.trained and not entry.reference and not entry.scripted and entry.algorithm != FLOOR


def _paired(pair: tuple[Side, Side | None]) -> bool:
    first, second = pair
    return second is not None and first.algorithm == second.algorithm


def _at(side: Side | None) -> int | None:
    return None if side is None else side.step


def _names(pair: tuple[Side, Side | None]) -> tuple[str, ...]:
    return tuple(side.algorithm for side in pair if side is not None)


def _quick(found: Comparable) -> bool:
    return any(profile in QUICK for profile in found.profiles.split(", "))
