"""The pairwise tests as CSV, every number at full precision."""

from __future__ import annotations

from collections.abc import Iterable

from reports.scores.pairwise import PairTests
from reports.text.table import csv_lines

_COLUMNS = (
    "suite", "first", "second", "difference_of_iqms", "low", "high", "difference_of_means", "seeds_first",
    "seeds_second", "p", "p_holm", "smallest_p", "smallest_p_holm", "higher", "seeds_needed",
)  # fmt: skip


def pairwise_csv(families: Iterable[PairTests]) -> str:
    """One row a pair; `higher` names the one that the test finds higher and is empty where it decides nothing."""
    rows = []
    for family in families:
        for pair in family.pairs:
            test, winner = pair.test, pair.winner
            difference = pair.first.final.iqm - pair.second.final.iqm
            p_values = (test.p_value, pair.adjusted, test.smallest_p, pair.smallest_adjusted)
            rows.append(
                (
                    *(family.suite, pair.first.label, pair.second.label),
                    *(difference, *(pair.interval or (None, None)), test.effect, *test.seeds, *p_values),
                    *(winner.label if winner is not None else None, family.seeds_needed),
                )
            )
    return csv_lines(_COLUMNS, rows)
