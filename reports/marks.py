"""Small pieces of HTML that show an algorithm's name, colour and interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from reports.entries import Entry
from reports.numbers import finite_range, interval, number


def name_mark(label: str, css_class: str) -> str:
    """The algorithm's name behind its coloured marker; what sets its configuration apart may break into lines."""
    name, bracket, options = label.partition(" [")
    rest = f' <span class="options">{escape(bracket.strip() + options)}</span>' if bracket else ""
    return f'<span class="name {css_class}"><i class="dot"></i>{escape(name)}</span>{rest}'


def suite_name(suite: str) -> str:
    """The name, which may break into lines before its options."""
    return escape(suite).replace("[", "<wbr>[").replace(",", ",<wbr>")


@dataclass(frozen=True)
class Scale:
    """A suite's common axis: every interval after adaptation lies within it."""

    low: float
    high: float

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Scale:
        ends = [end for e in entries for end in (e.final.iqm, *(e.final.interval or ()))]
        low, high = finite_range(ends)
        return cls(low, high)

    def place(self, value: float) -> float:
        """Percent from the left; a margin of 3 on either side leaves room for markers."""
        return 3 + 94 * (value - self.low) / (self.high - self.low)

    def axis(self, decimals: int) -> str:
        low, high = number(self.low, decimals), number(self.high, decimals)
        return f'<div class="axis"><span>{low}</span><span>{high}</span></div>'


def strip(entry: Entry, scale: Scale, css_class: str, floor: Entry | None, decimals: int) -> str:
    """The entry's interquartile mean and interval on the suite's axis, over the floor's interval as a band."""
    final = entry.final
    band = ""
    if floor is not None and floor.final.interval is not None:
        band = f'<i class="band" style="{_span(scale, floor.final.interval)}"></i>'
    whisker = "" if final.interval is None else f'<i class="whisker" style="{_span(scale, final.interval)}"></i>'
    text = f"{entry.label}: {number(final.iqm, decimals)} {interval(final, decimals)}"
    return (
        f'<div class="strip {css_class}" title="{escape(text)}" role="img" aria-label="{escape(text)}">{band}{whisker}'
        f'<i class="dot" style="left:{scale.place(final.iqm):.1f}%"></i></div>'
    )


def _span(scale: Scale, ends: tuple[float, float]) -> str:
    left, right = scale.place(ends[0]), scale.place(ends[1])
    return f"left:{left:.1f}%;width:{max(right - left, 0.4):.1f}%"
