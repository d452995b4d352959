"""What may be said in one breath of several boards: all of the page's pairs are one family.

A board's own family errs on that board in at most 5 of 100 pages, so that a sentence over eight boards would err in up
to a third of them.  Here all words together err in at most 5 of 100, however often the page is read between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.pairwise import PairTests, open_ranks, scores_of
from reports.statistics.headline import ALPHA, decide_headline

_Orders = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Standing:
    """What the page's family decides of one board."""

    board: SuiteScores
    above: tuple[AlgorithmScores, ...]  # decided to be above the floor
    below: tuple[AlgorithmScores, ...]  # decided to be below it
    best: AlgorithmScores | None  # decided to be above everything else that is ranked
    ranks: Mapping[str, tuple[int, int]]  # by label, that it leaves open


@dataclass(frozen=True)
class Headline:
    """How many pairs there are; that the page's family decides; that have too few seeds for a reading; that were
    decided, or not, look by look.
    """

    standings: tuple[Standing, ...]
    pairs: int
    decided: int
    untested: int
    sequential: int

    def of(self, board: SuiteScores) -> Standing | None:
        return next((standing for standing in self.standings if standing.board is board), None)


def make_headline(boards: Iterable[SuiteScores], tests: Mapping[str, PairTests]) -> Headline:
    """tests: by the boards' names.

    Boards that were decided look by look are families of their own beside that of all others, and each family gets an
    equal share of the error.
    """
    boards = tuple(boards)
    looked = {name for name, family in tests.items() if any(pair.sequential for pair in family.pairs)}
    plain = {board.name: scores_of(board) for board in boards if board.name in tests.keys() - looked}
    found, families = decide_headline(plain), len(looked) + bool(plain)
    p_values = {name: dict(own) for name, own in found.p_values.items()}
    signs: dict[str, _Orders] = {}
    for name, family in tests.items():
        signs[name] = {(pair.first.label, pair.second.label): pair.sign for pair in family.pairs}
        if name in looked:
            p_values[name] = {(pair.first.label, pair.second.label): pair.p_value for pair in family.pairs}
    orders = {
        name: {pair: sign for pair, sign in own.items() if families * p_values[name][pair] <= ALPHA}
        for name, own in signs.items()
    }
    every = [pair for family in tests.values() for pair in family.pairs]
    return Headline(
        tuple(_standing(board, orders.get(board.name, {})) for board in boards),
        len(every),
        sum(map(len, orders.values())),
        sum(not pair.tested for pair in every),
        sum(pair.sequential for pair in every),
    )


def _standing(board: SuiteScores, orders: _Orders) -> Standing:
    floor, learned = board.floor, board.learned
    against = dict.fromkeys((entry.label for entry in learned), 0)
    for (first, second), sign in orders.items():
        if floor is not None and floor.label in (first, second):
            other, own = (second, -sign) if first == floor.label else (first, sign)
            against[other] = own
    ranks = open_ranks(board, orders)
    return Standing(
        board,
        tuple(entry for entry in learned if against[entry.label] > 0),
        tuple(entry for entry in learned if against[entry.label] < 0),
        next((entry for entry in learned if len(learned) > 1 and ranks[entry.label] == (1, 1)), None),
        ranks,
    )
