"""What tests decide of a board's pairs, and the ranks that decided pairs leave open.

One family a board: every pair of what is ranked, and each of these against the floor.  They are decided as the headline
is (`reports.statistics.headline`), at planned numbers of seeds, so that reading a store again after each added seed
decides nothing more falsely.  Where the seeds came in batches until something was decided (`metarl leaderboard
--until-decided`), the decisions made then stand in the tests' place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.statistics.headline import ALPHA, Headline, decide_headline
from reports.statistics.mean_difference import Comparison
from reports.statistics.rank_sets import rank_sets
from reports.statistics.readings import seeds_read
from results.decisions import SequentialDecisions


@dataclass(frozen=True, eq=False)
class Pair:
    """`first` stands higher on the board than `second`."""

    first: AlgorithmScores
    second: AlgorithmScores
    comparison: Comparison | None  # of the means, first minus second, with the seeds that were read; None before that
    p_value: float  # corrected for the family and for all readings, or for all looks
    sign: int  # 1 where the first's mean is the higher, -1 where the second's
    sequential: bool = False  # decided look by look

    @property
    def winner(self) -> AlgorithmScores | None:
        """The entry with the higher mean where the test decides; None otherwise."""
        return (self.first if self.order > 0 else self.second) if self.order else None

    @property
    def order(self) -> int:
        """1 where the first is decided to be higher, -1 where the second is, 0 where nothing is decided."""
        return self.sign if self.p_value <= ALPHA else 0

    @property
    def tested(self) -> bool:
        """Whether there are the seeds for a first reading."""
        return self.comparison is not None or self.sequential

    @property
    def seeds_read(self) -> int | None:
        return seeds_read(self.first.leading, self.second.leading)


@dataclass(frozen=True)
class PairTests:
    """The family of tests of one board."""

    board: SuiteScores
    pairs: tuple[Pair, ...]

    @property
    def decided(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.winner is not None)

    @property
    def untested(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if not pair.tested)

    @cached_property
    def ranks(self) -> dict[str, tuple[int, int]]:
        """The best and the worst rank, by label, that the decided pairs leave open to what is ranked."""
        return open_ranks(self.board, {(pair.first.label, pair.second.label): pair.order for pair in self.pairs})

    def between(self, first: AlgorithmScores, second: AlgorithmScores | None) -> Pair | None:
        """The test of two entries, in either order; None where there is none."""
        return self._by_labels.get(frozenset((first.label, second.label))) if second is not None else None

    @cached_property
    def _by_labels(self) -> dict[frozenset[str], Pair]:
        return {frozenset((pair.first.label, pair.second.label)): pair for pair in self.pairs}


def compare_pairs(board: SuiteScores, decisions: Iterable[SequentialDecisions] = ()) -> PairTests | None:
    """The family of all pairs; None where nothing is to be compared.  decisions: see `results.decisions`."""
    return _family(board, _sequential(board, decisions))


def compare_with(cells: Sequence[tuple[SuiteScores, AlgorithmScores]]) -> list[PairTests | None]:
    """The pairs of these entries with the others of their boards: one family, whatever the number of boards.

    That is what a comparison asks about, and its words on all boards together err in at most 5 of 100 pages.
    """
    asked = {f"{board.name}, {own.label}": (board, own, _asked(board, own)) for board, own in cells}
    found = decide_headline(
        {key: scores_of(board) for key, (board, _, _) in asked.items()},
        {key: [(a.label, b.label) for a, b in pairs] for key, (_, _, pairs) in asked.items()},
    )
    return [
        PairTests(board, tuple(_pair(found, key, *pair) for pair in pairs)) if pairs else None
        for key, (board, _, pairs) in asked.items()
    ]


def scores_of(board: SuiteScores) -> dict[str, np.ndarray]:
    """By label what the tests may read: scores [seed, task] after the last step, of what is tested, up to a gap."""
    return {entry.label: entry.scores[-1][: entry.leading] for entry in board.tested}


def open_ranks(board: SuiteScores, orders: Mapping[tuple[str, str], int]) -> dict[str, tuple[int, int]]:
    """The best and the worst rank, by label, that decided orders of labels leave open to what is ranked."""
    names = [entry.label for entry in board.learned]
    try:
        return rank_sets(names, {pair: sign for pair, sign in orders.items() if {*pair} <= {*names}})
    except ValueError:  # orders of earlier looks may contradict tests of later seeds: then none of them stands
        return dict.fromkeys(names, (1, len(names)))


_LookUp = Callable[[AlgorithmScores, AlgorithmScores], tuple[float, int] | None]


def _asked(board: SuiteScores, own: AlgorithmScores | None = None) -> list[tuple[AlgorithmScores, AlgorithmScores]]:
    """own: whose pairs; None: all pairs."""
    tested = board.tested
    return [
        (first, second)
        for place, first in enumerate(tested)
        for second in tested[place + 1 :]
        if own is None or own in (first, second)
    ]


def _pair(found: Headline, key: str, first: AlgorithmScores, second: AlgorithmScores) -> Pair:
    """As it was decided; key: under which its board is in the family."""
    labels = first.label, second.label
    compared = found.comparisons[key][labels]
    effect = compared.effect if compared is not None else 0.0
    return Pair(first, second, compared, found.p_values[key][labels], int(effect > 0) - int(effect < 0))


def _family(board: SuiteScores, look_up: _LookUp) -> PairTests | None:
    asked = _asked(board)
    if not asked:
        return None
    found = decide_headline({board.name: scores_of(board)}, {board.name: [(a.label, b.label) for a, b in asked]})
    pairs = []
    for first, second in asked:
        plain, looked = _pair(found, board.name, first, second), look_up(first, second)
        pairs.append(plain if looked is None else Pair(first, second, plain.comparison, *looked, sequential=True))
    if any(pair.sequential for pair in pairs) and not all(pair.sequential for pair in pairs):
        # two families, each of which may err: each gets half of the error
        pairs = [Pair(p.first, p.second, p.comparison, min(1.0, 2 * p.p_value), p.sign, p.sequential) for p in pairs]
    return PairTests(board, tuple(pairs))


def _sequential(board: SuiteScores, decisions: Iterable[SequentialDecisions]) -> _LookUp:
    """Looks up a pair's p-value and sign among the decisions that were made of the very runs on the board."""
    labels = {run.digest: entry.label for entry in board.entries for run in entry.runs}
    found: dict[tuple[str | None, str | None], tuple[float, int]] = {}
    for record in decisions:
        names = {name: labels.get(digest) for name, digest in record["algorithms"].items()}
        for pair in record["pairs"]:
            first, second = names[pair["first"]], names[pair["second"]]
            sign = {"first higher": 1, "second higher": -1}.get(pair["outcome"], 0)
            found[first, second], found[second, first] = (pair["p"], sign), (pair["p"], -sign)
    return lambda first, second: found.get((first.label, second.label))
