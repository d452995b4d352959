"""A claim's effect as a picture of one line: the interval, what it is held against, and the margin."""

from __future__ import annotations

import math

from reports.papers.parts import Part

WIDTH, HEIGHT = 150, 18
_INSET = 5  # of the outermost mark from either edge


def picture_of(part: Part | None) -> str:
    """An SVG element in the colour of the text around it; "" where there is no effect that varies by chance.

    The thin line is what the effect is held against, the grey band the claimed ends or the margin of equality, the dot
    the effect.  Its axis is this claim's own, so that one seed alone has no place on it.  Numbers stand beside it: a
    screen reader passes over it.
    """
    if part is None or part.effect is None or part.held is None or not math.isfinite(part.effect):
        return ""
    if part.interval is None:
        return ""
    held = part.held
    band = part.band or ((-part.margin, part.margin) if part.margin else None)
    ends = part.interval
    reach = max((abs(each - held) for each in (part.effect, *ends, *(band or ())) if math.isfinite(each)), default=0.0)

    def at(value: float) -> float:
        """Between 0 and `WIDTH`; what is infinite at the edge."""
        if not math.isfinite(value):
            return 0.0 if value < 0 else float(WIDTH)
        return round(WIDTH / 2 + (WIDTH / 2 - _INSET) * (value - held) / (reach or 1.0), 1)

    marks = []
    if band is not None:
        low, high = (min(max(at(end), 0.0), float(WIDTH)) for end in band)
        marks.append(f'<rect class="band" x="{low}" y="2" width="{round(high - low, 1)}" height="{HEIGHT - 4}"/>')
    marks.append(f'<path class="held" d="M{at(held)} 0V{HEIGHT}"/>')
    marks.append(f'<path class="whisker" d="M{at(ends[0])} {HEIGHT // 2}H{at(ends[1])}"/>')
    marks.append(f'<circle cx="{at(part.effect)}" cy="{HEIGHT // 2}" r="3.5"/>')
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg class="interval" {box} aria-hidden="true" focusable="false">{"".join(marks)}</svg>'
