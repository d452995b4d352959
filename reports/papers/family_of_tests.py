"""All tests of a paper that its verdicts rest on, corrected together; and with those that have no runs yet."""

from __future__ import annotations

from collections.abc import Sequence

from reports.papers.parts import ALPHA, Part
from reports.statistics.multiplicity import holm


class FamilyOfTests:
    """Parts that vary by chance and are judged, by Holm's method in Tarone's form.

    planned: how many tests there are once every claim has its runs.
    """

    def __init__(self, parts: Sequence[Part], planned: int) -> None:
        self.parts = parts
        self.to_come = max(0, planned - len(parts))
        self._corrected: dict[int, dict[int, float]] = {}

    def __len__(self) -> int:
        return len(self.parts)

    def p_value(self, part: Part, further: int = 0) -> float | None:
        """The part's after correction, None if it is not of the family.

        further: with so many tests more that decide nothing, though they could have.
        """
        if further not in self._corrected:
            raw = [each.raw_p or 0.0 for each in self.parts] + [1.0] * further
            smallest = [each.smallest_p or 0.0 for each in self.parts] + [0.0] * further
            adjusted = holm(raw, smallest, ALPHA)[: len(self.parts)]
            self._corrected[further] = dict(zip(map(id, self.parts), adjusted, strict=True))
        return self._corrected[further].get(id(part))
