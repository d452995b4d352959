"""The pairwise tests as CSV, every number at full precision."""

from __future__ import annotations

from collections.abc import Iterable

from reports.scores.pairwise import PairTests
from reports.text.table import csv_lines

_COLUMNS = (
    "board", "suite", "first", "second", "first_digest", "second_digest", "seeds_first", "seeds_second", "seeds_read",
    "difference_of_means", "low", "high", "p", "p_corrected", "higher", "test",
)  # fmt: skip


def pairwise_csv(families: Iterable[PairTests]) -> str:
    """One row a pair; `higher` names the one that the test finds higher and is empty where it decides nothing.

    p: before any correction, of the seeds that were read; p_corrected: for the family and for all readings or looks.
    """
    rows = []
    for family in families:
        for pair in family.pairs:
            found, winner = pair.comparison, pair.winner
            whose = (pair.first.label, pair.second.label, pair.first.digest, pair.second.digest)
            seeds = (len(pair.first.seeds), len(pair.second.seeds), pair.seeds_read)
            numbers: tuple[float | None, ...] = (None,) * 4
            if found is not None:
                numbers = (found.effect, *(found.interval or (None, None)), found.p_value)
            outcome = (pair.p_value if pair.tested else None, winner.label if winner is not None else None)
            test = "look by look" if pair.sequential else "planned readings"
            rows.append((family.board.name, family.board.suite, *whose, *seeds, *numbers, *outcome, test))
    return csv_lines(_COLUMNS, rows)
