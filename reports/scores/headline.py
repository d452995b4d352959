"""What may be said in one breath of several boards: decided by their tests with all of the page's pairs as one family.

A board's own family errs on that board in at most 5 of 100 pages, so that a sentence over eight boards would err in up
to a third of them.  Here Holm's correction runs over the pairs of every board together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.pairwise import Pair, PairTests, adjust, open_ranks


@dataclass(frozen=True)
class Standing:
    """What the page's family decides of one board."""

    board: SuiteScores
    above: tuple[AlgorithmScores, ...]  # decided to be above the floor
    below: tuple[AlgorithmScores, ...]  # decided to be below it
    best: AlgorithmScores | None  # decided to be above everything else that is ranked


@dataclass(frozen=True)
class Headline:
    """pairs: how many there are; decided: how many the page's family decides; beyond: that no scores could decide."""

    standings: tuple[Standing, ...]
    pairs: int
    decided: int
    beyond: int
    sequential: int  # pairs that were decided, or not, look by look


def make_headline(boards: Iterable[SuiteScores], tests: dict[str, PairTests]) -> Headline:
    """tests: by the boards' names."""
    pairs = [pair for family in tests.values() for pair in family.pairs]
    winners = dict(zip(pairs, map(Pair.winner_at, pairs, adjust(pairs)), strict=True))
    return Headline(
        tuple(_standing(board, tests.get(board.name), winners) for board in boards),
        len(pairs),
        sum(winner is not None for winner in winners.values()),
        sum(not pair.attainable for pair in pairs),
        sum(pair.sequential for pair in pairs),
    )


def _standing(board: SuiteScores, tests: PairTests | None, winners: dict[Pair, AlgorithmScores | None]) -> Standing:
    if tests is None:
        return Standing(board, (), (), None)
    floor, learned = board.floor, board.learned
    ranks = open_ranks(board, {pair: pair.sign if winners[pair] is not None else 0 for pair in tests.pairs})
    against = {entry.label: winners[pair] for entry in learned if (pair := tests.between(entry, floor)) is not None}
    return Standing(
        board,
        tuple(entry for entry in learned if against.get(entry.label) is entry),
        tuple(entry for entry in learned if against.get(entry.label) is floor and floor is not None),
        next((entry for entry in learned if len(learned) > 1 and ranks[entry.label] == (1, 1)), None),
    )
