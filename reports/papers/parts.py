"""One part of a claim, whether runs or a study speak to it: what was found and what that decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.text.numbers import NONE, decimals_for, number

REPRODUCED, CONTRADICTED = "reproduced", "contradicted"
UNDECIDED, NOT_RUN = "undecided at this budget", "not run"
WORDS = (REPRODUCED, CONTRADICTED, UNDECIDED, NOT_RUN)

Interval = tuple[float, float]


@dataclass(frozen=True)
class Part:
    """One comparison of a claim.

    effect: a difference, a ratio, a value or the least rise; NaN where it means nothing, None where nothing stored
    speaks to the part.  favour: of a claim's parts, the least is the one that the claim's verdict shows.
    """

    pair: str  # what is compared
    word: str  # of WORDS
    reason: str  # one sentence without its full stop
    effect: float | None = None
    interval: Interval | None = None  # 95 %
    seeds: int = 0
    p_value: float | None = None  # Holm's
    favour: tuple[float, float] = (0.0, 0.0)
    digits: int | None = None  # decimals of the effect; None: as many as its size asks for
    bare: bool = False  # shown without a word on its interval

    @property
    def tested(self) -> bool:
        """Whether the stored runs or studies speak to it."""
        return self.effect is not None

    @property
    def effect_text(self) -> str:
        """The effect with its interval."""
        if self.effect is None or math.isnan(self.effect):
            return NONE
        if self.bare:
            return f"{self.effect:.3g}".replace("-", "−")
        ends = self.interval or ()
        digits = decimals_for((self.effect, *ends)) if self.digits is None else self.digits
        spread = ", ".join(number(end, digits) for end in ends) or "no interval"
        return f"{number(self.effect, digits)} [{spread}]"


def pair_text(first: str, second: str) -> str:
    return first if first == second else f"{first} against {second}"
