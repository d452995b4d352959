"""What the stored runs allow to say of a claim beside its verdict: what is excluded, whether it was still moving."""

from __future__ import annotations

import math

from reports.papers.parts import EQUAL, NOT_RUN, UNDECIDED, Moved, Part, end_texts, with_interval
from reports.papers.verdicts import ClaimVerdict
from reports.text.numbers import plural


def allowed(verdict: ClaimVerdict) -> list[str]:
    """Sentences without their full stop, of the part that favours the claim least."""
    part = verdict.least
    said = list[str]()
    if part is not None and verdict.word in (UNDECIDED, EQUAL):
        said.append(excluded_text(part))
    if part is not None and part.moved is not None and part.moved.interval is not None:
        said.append(moved_text(part.moved, part.effect))
    if part is not None and said:
        said[0] = f"{part.pair}: {said[0]}"
    if verdict.trained:
        said.append(f"trained for {' and '.join(verdict.trained)}")
    if verdict.design is not None:
        said.append(verdict.design.said(verdict.digests))
    elif verdict.claim.relation != "measurement":
        said.append("what eight seeds would decide is unknown: no stored runs on this suite have two seeds of a method")
    return said


def excluded_text(part: Part) -> str:
    """What its interval leaves out, as one comparison."""
    low, high = part.interval or (-math.inf, math.inf)
    if part.word == NOT_RUN or part.effect is None or not (math.isfinite(low) or math.isfinite(high)):
        return f"{plural(part.units, part.unit or 'seed')} {'excludes' if part.units == 1 else 'exclude'} nothing"
    ends = end_texts(part.effect, part.interval, part.digits)
    sides = zip(("below", "above"), ends, (low, high), strict=True)
    beyond = [f"{word} {end}" for word, end, value in sides if math.isfinite(value)]
    return f"an effect {' or '.join(beyond)} is excluded (at 95 %, this comparison alone)"


def moved_text(moved: Moved, effect: float | None) -> str:
    """Whether the difference went on changing at the end of the learning curves, of more than one seed."""
    found = f"in the last {100 * moved.share:.0f} % of training the difference on validation tasks changed by "
    found += with_interval(moved.change, moved.interval)
    if not moved.shown:
        return f"{found}: no movement is shown, and none within these ends excluded"
    towards = effect is not None and (moved.change > 0) == (effect > 0)
    return f"{found}: it was still {'growing' if towards else 'turning the other way'}"
