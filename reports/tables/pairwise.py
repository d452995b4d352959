"""The pairwise tests as CSV, every number at full precision."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from reports.scores.pairwise import PairTests

_COLUMNS = (
    "suite",
    "first",
    "second",
    "difference_of_iqms",
    "low",
    "high",
    "difference_of_means",
    "seeds_first",
    "seeds_second",
    "p",
    "p_holm",
    "smallest_p",
    "smallest_p_holm",
    "higher",
    "seeds_needed",
)


def pairwise_csv(families: Iterable[PairTests]) -> str:
    """One row a pair; `higher` names the one that the test finds higher and is empty where it decides nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for family in families:
        for pair in family.pairs:
            low, high = pair.interval or (None, None)
            test, winner = pair.test, pair.winner
            writer.writerow(
                (
                    family.suite,
                    pair.first.label,
                    pair.second.label,
                    pair.first.final.iqm - pair.second.final.iqm,
                    low,
                    high,
                    test.effect,
                    *test.seeds,
                    test.p_value,
                    pair.adjusted,
                    test.smallest_p,
                    pair.smallest_adjusted,
                    winner.label if winner is not None else None,
                    family.seeds_needed,
                )
            )
    return text.getvalue()
