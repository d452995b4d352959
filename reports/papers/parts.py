"""One part of a claim, whether runs or a study speak to it: what was found and what that decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.text.numbers import NONE, decimals_for, number, plural

REPRODUCED, CONTRADICTED = "reproduced", "contradicted"
#: a bound so wide that nothing could exceed it; a claimed change within numerical error
VACUOUS, NO_CHANGE = "vacuous", "no change"
#: a difference that was claimed is shown to be smaller than what the design was made to decide
EQUAL = "equal within margin"
UNDECIDED, NOT_RUN = "undecided at this budget", "not run"
WORDS = (REPRODUCED, CONTRADICTED, EQUAL, NO_CHANGE, VACUOUS, UNDECIDED, NOT_RUN)
#: how often a family of tests that are all of nothing may decide something
ALPHA = 0.05
#: from here on nobody reads all digits
HUGE = 1e9

Interval = tuple[float, float]


@dataclass(frozen=True)
class Moved:
    """How a difference of two methods went on along the last stretch of their learning curves, on validation tasks."""

    share: float  # of training
    change: float  # of the difference
    interval: Interval | None  # 95 %, of this test alone

    @property
    def shown(self) -> bool:
        """Whether the interval leaves out that it stood still."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Part:
    """One comparison of a claim.

    effect: a difference, a ratio, a value or the least rise; NaN where it means nothing, None where nothing stored
    speaks to the part.  A part that varies by chance has `raw_p`, that of its own two-sided test, and `leaning`, what
    it decides where the p-value corrected for the paper's other tests is small enough; its `word` is open until then.
    """

    pair: str  # what is compared
    word: str  # of WORDS
    reason: str  # one sentence without its full stop
    effect: float | None = None
    interval: Interval | None = None  # 95 %, of the same test as `raw_p`
    seeds: int = 0
    unit: str = "seed"  # what varies by chance, in the singular; "" where nothing does
    units: int = 0  # how many of them, of the side that has fewer
    leaning: str = ""
    raw_p: float | None = None
    smallest_p: float | None = None  # that so many units can give
    p_value: float | None = None  # Holm's
    judged: bool = True  # whether the claim's verdict rests on it
    favour: float = 0.0  # how far the effect is on the claim's side of what it is held against
    between: bool = False  # whether it is held against two ends
    digits: int | None = None  # decimals of the effect; None: as many as its size asks for
    bare: bool = False  # shown without a word on its interval
    margin: float | None = None  # within which a difference that was claimed counts as none
    equal_p: float | None = None  # of the test that it lies within
    moved: Moved | None = None
    held: float | None = None  # what the effect is held against, where a picture can show it
    band: Interval | None = None  # the ends between which it is claimed to lie

    @property
    def tested(self) -> bool:
        """Whether the stored runs or studies speak to it."""
        return self.effect is not None

    @property
    def order(self) -> tuple[float, float]:
        """The part with the least favours a claim least: one that fails before one that is open or says nothing."""
        if self.effect is None or math.isnan(self.effect):
            return (3.0, 0.0)
        places = {CONTRADICTED: 0.0, REPRODUCED: 2.0}
        return places.get(self.word, 1.0), self.favour

    @property
    def units_text(self) -> str:
        """How many of what, as in "3 seeds"."""
        return plural(self.units, self.unit) if self.unit else "nothing left to chance"

    @property
    def effect_text(self) -> str:
        """The effect with its interval."""
        if self.effect is None or math.isnan(self.effect):
            return NONE
        if self.bare:
            return f"{self.effect:.3g}".replace("-", "−")
        return with_interval(self.effect, self.interval, self.digits)


def with_interval(effect: float, interval: Interval | None, digits: int | None = None) -> str:
    """digits: decimals; None: as many as its size asks for."""
    low, high = end_texts(effect, interval, digits)
    return f"{_sized(effect, _decimals(effect, interval, digits))} [{f'{low}, {high}' if low else 'no interval'}]"


def end_texts(effect: float, interval: Interval | None, digits: int | None = None) -> tuple[str, str]:
    """Both ends as they stand beside the effect; empty where there is no interval."""
    if interval is None:
        return "", ""
    shown = _decimals(effect, interval, digits)
    return _end(interval[0], shown), _end(interval[1], shown)


def _decimals(effect: float, interval: Interval | None, digits: int | None) -> int:
    """digits, or as many as the values that are shown in full ask for."""
    return decimals_for(each for each in (effect, *(interval or ())) if abs(each) < HUGE) if digits is None else digits


def _end(value: float, digits: int) -> str:
    """Of an interval, which may have none on a side."""
    return _sized(value, digits) if math.isfinite(value) else "−∞" if value < 0 else "∞"


def _sized(value: float, digits: int) -> str:
    """A finite number; of what is huge, or would round to a zero that it is not, two digits and its power of ten."""
    if abs(value) < HUGE and (not value or round(value, digits)):
        return number(value, digits)
    return f"{'−' if value < 0 else ''}{abs(value):.2g}"


def pair_text(first: str, second: str) -> str:
    return first if not second or first == second else f"{first} against {second}"
