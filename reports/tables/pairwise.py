"""The pairwise tests as CSV, every number at full precision."""

from __future__ import annotations

from collections.abc import Iterable

from reports.scores.pairwise import PairTests
from reports.text.table import csv_lines

_COLUMNS = (
    "board", "suite", "first", "second", "first_digest", "second_digest", "difference_of_means", "low", "high",
    "seeds_first", "seeds_second", "p", "smallest_p", "p_holm", "attainable", "higher", "test",
)  # fmt: skip


def pairwise_csv(families: Iterable[PairTests]) -> str:
    """One row a pair; `higher` names the one that the test finds higher and is empty where it decides nothing."""
    rows = []
    for family in families:
        for pair in family.pairs:
            found, winner = pair.comparison, pair.winner
            whose = (pair.first.label, pair.second.label, pair.first.digest, pair.second.digest)
            rows.append(
                (
                    *(family.board.name, family.board.suite, *whose),
                    *(found.effect, *(found.interval or (None, None)), len(pair.first.seeds), len(pair.second.seeds)),
                    *(pair.p_value, pair.smallest_p, pair.adjusted, pair.attainable),
                    *(winner.label if winner is not None else None, "sequential" if pair.sequential else "fixed seeds"),
                )
            )
    return csv_lines(_COLUMNS, rows)
