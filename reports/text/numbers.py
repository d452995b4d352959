"""Numbers as text: a true minus sign, as many decimals as a suite's scores need."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable

from reports.statistics.aggregate import Summary

NONE = "–"
#: letters of a slug before what tells it apart: two of them fit into one file name of 255
LONGEST = 96


def decimals_for(values: Iterable[float]) -> int:
    """Decimals that leave the largest of the values about four digits."""
    largest = max((abs(value) for value in values), default=0.0)
    return 0 if largest >= 1000 else 1 if largest >= 100 else 2 if largest >= 1 else 3


def number(value: float | None, decimals: int) -> str:
    if value is None:
        return NONE
    text = f"{value:,.{decimals}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")


def signed(value: float, decimals: int) -> str:
    """With its plus sign."""
    text = number(value, decimals)
    return text if text.startswith("−") else f"+{text}"


def plural(count: int | str, noun: str) -> str:
    return f"{count} {noun}{'' if str(count) == '1' else 's'}"


def span(values: Iterable[int], joint: str = "–") -> str:
    """The lowest and the highest value; one number where they are equal."""
    found = set(values)
    return joint.join(str(value) for value in sorted({min(found), max(found)}))


def interval(summary: Summary, decimals: int) -> str:
    if summary.interval is None:
        return "[no interval]"
    low, high = summary.interval
    return f"[{number(low, decimals)}, {number(high, decimals)}]"


def short_count(value: float) -> str:
    """1,500,000 as 1.5 M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}"


def duration(seconds: float) -> str:
    """Two units at most: 1 h 4 min, 3 min 20 s, 1.4 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def slug(name: str) -> str:
    """The name as a part of a file name and as an HTML id: unchanged if plain and short, else with what tells it from
    a like name."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:LONGEST].strip("-")
    return name if plain == name else f"{plain}-{zlib.crc32(name.encode()):08x}"


def finite_range(values: Iterable[float]) -> tuple[float, float]:
    """Lowest and highest value, a little apart even where they are one."""
    found = list(values)
    low, high = min(found), max(found)
    return (low, high) if high - low > 1e-12 * max(1.0, math.fabs(high)) else (low - 0.5, high + 0.5)
