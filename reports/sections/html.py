"""Small pieces of HTML that show an algorithm's name, colour and interval."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from html import escape

from reports.figures.drawing import Drawing
from reports.scores.boards import Board
from reports.scores.entries import Entry
from reports.scores.record import access_labels
from reports.text.numbers import finite_range, interval, number, slug


def name_mark(label: str, css_class: str) -> str:
    """The algorithm's name behind its coloured marker; what sets its configuration apart may break into lines."""
    name, bracket, options = label.partition(" [")
    rest = f' <span class="options">{escape(bracket.strip() + options)}</span>' if bracket else ""
    return f'<span class="name {css_class}"><i class="dot"></i>{escape(name)}</span>{rest}'


def suite_name(suite: str) -> str:
    """The name, which may break into lines before its options."""
    return escape(suite).replace("[", "<wbr>[").replace(",", ",<wbr>")


def suite_anchor(suite: str) -> str:
    """The HTML id of a suite's section."""
    return f"suite-{slug(suite)}"


def badges(board: Board, entry: Entry, stale: Collection[str]) -> str:
    """What must be known wherever an entry's score stands: its access, its origin, and if it may not be compared."""
    quiet = [*access_labels(entry), *(["shipped result"] if entry.reference_seeds else [])]
    marks = "".join(f' <span class="badge">{escape(label)}</span>' for label in quiet)
    for term, values in board.departures.get(entry.label, {}).items():
        marks += f' <span class="badge warn" title="{escape(values)}">not comparable: other {term}</span>'
    return marks + (' <span class="badge warn">stale</span>' if entry.digest in stale else "")


def figure_of(drawing: Drawing) -> str:
    """The figure with its caption and files; a broad one keeps its size and scrolls on a narrow screen."""
    files = " ".join(f'<a href="figures/{drawing.name}.{kind}">{kind}</a>' for kind in ("svg", "png"))
    image = drawing.inline()
    if drawing.broad:
        label = escape(drawing.caption)
        image = f'<div class="wide" tabindex="0" role="region" aria-label="Figure. {label}">{image}</div>'
    css_class = ' class="broad"' if drawing.broad else ""
    return f"<figure{css_class}>{image}<figcaption>{escape(drawing.caption)}. {files}</figcaption></figure>"


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
