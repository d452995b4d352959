"""The numbers behind a paper's claims as CSV, at full precision: every part with its test and its runs, and designs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from reports.papers.claims import Compared, Side, parts_of
from reports.papers.evidence import SEEDS, Evidence
from reports.papers.parts import Part
from reports.papers.verdicts import ClaimVerdict
from reports.statistics.power import POWER
from reports.text.table import csv_lines
from results.identity import folder_name
from results.published_claims import Claim

if TYPE_CHECKING:
    from results.store import Stored

_PARTS = (
    "claim", "suite", "quantity", "compared", "first", "first_step", "second", "second_step", "verdict", "judged",
    "effect", "low", "high", "p", "p_corrected", "smallest_p", "units", "unit", "held_against", "claimed_low",
    "claimed_high", "margin", "p_equal", "p_equal_corrected", "last_share", "last_change", "last_low", "last_high",
    "training_steps", "digests", "folders",
)  # fmt: skip
_DESIGNS = (
    "claim", "seeds", "chance", "effect", "effect_alone", "spread", "tests", "quick", "written", "origin", "digests",
)  # fmt: skip


def parts_csv(evidence: Evidence, verdicts: Iterable[ClaimVerdict]) -> str:
    """One row a part; empty where there is no such number.

    p: of the part's own test; p_corrected: among the paper's tests, of what is judged.  smallest_p: that so many units
    can give.  margin: within which a claimed difference counts as none, with the p-values of that test.  last_*: how
    much the difference changed over that last share of training.  digests: of the configurations that were compared, by
    which `runs.csv` has the runs; folders: where a results folder holds these; each separated by spaces.  The sides of
    a study's tests stand in `compared` alone.
    """
    rows = []
    for verdict in verdicts:
        for sides, each, equal_p in zip(_sides(verdict), verdict.compared, verdict.equal_p, strict=True):
            claim, part, stored = verdict.claim, each.part, _stored(verdict.claim, each, evidence)
            place = (claim.id, _suite(claim, each, evidence), _quantity(claim), part.pair, *sides)
            digests = dict.fromkeys(digest for found in stored for digest in (found.shown_with, found.digest) if digest)
            folders = dict.fromkeys("/".join((one.home, *folder_name(one.identity).parts[:-1])) for one in stored)
            behind = (_training_steps(verdict, each), " ".join(digests), " ".join(folders))
            rows.append((*place, part.word, part.judged, *_numbers(part, equal_p), *_last_move(part), *behind))
    return csv_lines(_PARTS, rows)


def designs_csv(verdicts: Iterable[ClaimVerdict]) -> str:
    """One row a claim of which it is known what so many seeds decide.

    effect: decided with that chance when all tests of the paper are run; effect_alone: were it the only one.  digests:
    of the runs that the spread between seeds is of.
    """
    rows = []
    for verdict, design in ((each, each.design) for each in verdicts if each.design is not None):
        numbers = (SEEDS, POWER, design.effect, design.alone, design.spread, design.tests)
        behind = (design.quick, design.written, design.origin, " ".join(sorted(design.digests)))
        rows.append((verdict.claim.id, *numbers, *behind))
    return csv_lines(_DESIGNS, rows)


def _sides(verdict: ClaimVerdict) -> Iterator[tuple[str | int | None, ...]]:
    """Method and adaptation step of either side, part by part."""
    if verdict.claim.relation == "measurement":
        yield from ((None,) * 4 for _ in verdict.compared)
    for first, second in parts_of(verdict.claim):
        yield (*_side(first), *_side(second))


def _side(side: Side | None) -> tuple[str | None, int | None]:
    return (None, None) if side is None else (side.algorithm, side.step)


def _stored(claim: Claim, compared: Compared, evidence: Evidence) -> Sequence[Stored]:
    """The runs, or the study's, that speak to the part."""
    if claim.relation == "measurement":
        return evidence.studies[claim.measured_by].entries if compared.part.tested else ()
    entries = {} if compared.found is None else compared.found.entries
    return [run for name in compared.algorithms for run in entries[name].runs]


def _suite(claim: Claim, compared: Compared, evidence: Evidence) -> str:
    """That of the runs; the paper's where there are none."""
    if compared.found is not None:
        return compared.found.suite
    return evidence.paper.suite(claim.suite).suite if claim.suite else ""


def _quantity(claim: Claim) -> str:
    if claim.relation == "measurement":
        return claim.measurement
    return f"gain from step {claim.steps[0]} to {claim.steps[1]}" if claim.quantity == "gain" else claim.quantity


def _numbers(part: Part, equal_p: float | None) -> tuple[float | int | str | None, ...]:
    effect = None if part.effect is None or math.isnan(part.effect) else part.effect
    units = (part.units, part.unit) if part.unit else (None, "exact")
    tests = (part.raw_p, part.p_value if part.judged else None, part.smallest_p, *units)
    equality = (part.margin, part.equal_p, equal_p)
    return (effect, *_ends(part.interval), *tests, part.held, *_ends(part.band), *equality)


def _last_move(part: Part) -> tuple[float | None, ...]:
    moved = part.moved
    return (None,) * 4 if moved is None else (moved.share, moved.change, *_ends(moved.interval))


def _training_steps(verdict: ClaimVerdict, compared: Compared) -> int | None:
    """Environment steps of the training behind the part."""
    if compared.found is not None:
        return compared.found.budget
    return verdict.lengths[0].ours if compared.part.tested and verdict.lengths else None


def _ends(interval: tuple[float, float] | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else interval
