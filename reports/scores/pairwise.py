"""What tests decide of a board's pairs: the family, its correction, and the ranks that decided pairs leave open.

One family a board: every pair of what is ranked, and each of these against the floor.  Two algorithms are compared by
their seeds' means over tasks (`compare_means`), with Holm's correction in Tarone's form over the family.  Where the
seeds came in batches until something was decided (`metarl leaderboard --until-decided`), the decisions made then stand
in the tests' place: a test of the last seeds alone would not count the earlier looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.statistics.mean_difference import Comparison, compare_means
from reports.statistics.multiplicity import holm
from reports.statistics.rank_sets import rank_sets
from results.decisions import SequentialDecisions

ALPHA = 0.05

Entries = tuple[AlgorithmScores, AlgorithmScores]


@dataclass(frozen=True, eq=False)
class Pair:
    """`first` stands higher on the board than `second`."""

    first: AlgorithmScores
    second: AlgorithmScores
    comparison: Comparison  # of the means, first minus second
    p_value: float  # before correction; 1 where a side has one seed
    smallest_p: float  # that any scores of so many seeds could give; 1 likewise
    sign: int  # 1 where the first's mean is the higher, -1 where the second's
    sequential: bool = False  # decided look by look
    adjusted: float = 1.0  # corrected for the family
    attainable: bool = False  # whether any scores of so many seeds could have decided it

    @property
    def winner(self) -> AlgorithmScores | None:
        """The entry with the higher mean where the test decides; None otherwise."""
        return self.winner_at(self.adjusted)

    def winner_at(self, adjusted: float) -> AlgorithmScores | None:
        """As `winner`, with a p-value that is adjusted for another family."""
        if adjusted > ALPHA or not self.sign:
            return None
        return self.first if self.sign > 0 else self.second

    @property
    def order(self) -> int:
        """1 where the first is decided to be higher, -1 where the second is, 0 where nothing is decided."""
        return 0 if self.winner is None else self.sign


@dataclass(frozen=True)
class PairTests:
    """The family of tests of one board."""

    board: SuiteScores
    pairs: tuple[Pair, ...]

    @property
    def decided(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.winner is not None)

    @property
    def unattainable(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if not pair.attainable)

    @cached_property
    def ranks(self) -> dict[str, tuple[int, int]]:
        """The best and the worst rank, by label, that the decided pairs leave open to what is ranked."""
        return open_ranks(self.board, {pair: pair.order for pair in self.pairs})

    def between(self, first: AlgorithmScores, second: AlgorithmScores | None) -> Pair | None:
        """The test of two entries, in either order; None where there is none."""
        return self._by_labels.get(frozenset((first.label, second.label))) if second is not None else None

    @cached_property
    def _by_labels(self) -> dict[frozenset[str], Pair]:
        return {frozenset((pair.first.label, pair.second.label)): pair for pair in self.pairs}


def compare_pairs(board: SuiteScores, decisions: Iterable[SequentialDecisions] = ()) -> PairTests | None:
    """The family of all pairs; None where nothing is to be compared.  decisions: see `results.decisions`."""
    return _family(board, combinations(board.tested, 2), decisions)


def compare_with(board: SuiteScores, own: AlgorithmScores) -> PairTests | None:
    """The family of one entry's pairs alone, which is what a comparison asks about."""
    others = [entry for entry in board.tested if entry is not own]
    order = {entry.label: place for place, entry in enumerate(board.entries)}
    pairs = [(own, other) if order[own.label] < order[other.label] else (other, own) for other in others]
    return _family(board, pairs if own in board.tested else (), ())


def open_ranks(board: SuiteScores, orders: Mapping[Pair, int]) -> dict[str, tuple[int, int]]:
    """The best and the worst rank, by label, that decided orders leave open to what is ranked on the board.

    orders: of each pair, as `Pair.order`.
    """
    names = [entry.label for entry in board.learned]
    decided = {(pair.first.label, pair.second.label): sign for pair, sign in orders.items()}
    try:
        return rank_sets(names, {key: sign for key, sign in decided.items() if {*key} <= {*names}})
    except ValueError:  # orders of earlier looks may contradict tests of later seeds: then none of them stands
        return dict.fromkeys(names, (1, len(names)))


def adjust(pairs: Sequence[Pair]) -> list[float]:
    """Holm's p-values over these pairs as one family, whatever their boards."""
    return holm([pair.p_value for pair in pairs], [pair.smallest_p for pair in pairs], ALPHA)


def _family(
    board: SuiteScores, entries: Iterable[Entries], decisions: Iterable[SequentialDecisions]
) -> PairTests | None:
    look_up = _sequential(board, decisions)
    pairs = [_pair(*both, look_up(*both)) for both in entries]
    if not pairs:
        return None
    smallest = holm([pair.smallest_p for pair in pairs], [pair.smallest_p for pair in pairs], ALPHA)
    # decisions look by look are corrected for their family already
    whole = all(pair.sequential for pair in pairs)
    adjusted = [pair.p_value for pair in pairs] if whole else adjust(pairs)
    return PairTests(
        board,
        tuple(
            replace(pair, adjusted=each, attainable=least <= ALPHA)
            for pair, each, least in zip(pairs, adjusted, smallest, strict=True)
        ),
    )


def _pair(first: AlgorithmScores, second: AlgorithmScores, decided: tuple[float, int] | None) -> Pair:
    # by digest, since a label changes when another configuration comes
    key = first.suite, first.algorithm, first.digest, second.algorithm, second.digest
    found = compare_means(first.scores[-1], second.scores[-1], *key)
    if decided is not None:
        return Pair(first, second, found, decided[0], 0.0, decided[1], sequential=True)
    p_value, smallest = found.p_value, found.smallest_p
    sign = (found.effect > 0) - (found.effect < 0)
    return Pair(first, second, found, 1.0 if p_value is None else p_value, 1.0 if smallest is None else smallest, sign)


def _sequential(
    board: SuiteScores, decisions: Iterable[SequentialDecisions]
) -> Callable[[AlgorithmScores, AlgorithmScores], tuple[float, int] | None]:
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
