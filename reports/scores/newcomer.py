"""What is decided of one algorithm: whom it is above and below, its own pairs on all boards being the family."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.pairwise import Pair, PairTests, compare_with


@dataclass(frozen=True)
class Newcomer:
    """An algorithm on one board.

    tests: of its pairs there; None where nothing is to be compared.  family: how many pairs it has on all boards.
    """

    board: SuiteScores
    own: AlgorithmScores
    tests: PairTests | None
    family: int

    @property
    def pairs(self) -> dict[str, Pair]:
        """By the other's digest."""
        return {self.other(pair).digest: pair for pair in (self.tests.pairs if self.tests else ())}

    def other(self, pair: Pair) -> AlgorithmScores:
        return pair.second if pair.first is self.own else pair.first

    def sentence(self) -> str:
        """Whom it is decided to be above and below, and what is open."""
        words: dict[str, list[str]] = {"above": [], "below": [], "not decided against": []}
        for pair in self.tests.pairs if self.tests else ():
            word = "not decided against" if pair.winner is None else "above" if pair.winner is self.own else "below"
            words[word].append(self.other(pair).label)
        said = "; ".join(f"{word} {', '.join(labels)}" for word, labels in words.items() if labels)
        text = f"{said or 'nothing comparable is stored'}."
        if below := [other.label for other in self.board.below_scripted(self.own)]:
            text += f" Its score is lower than that of {', '.join(below)} (scripted)."
        return text


def newcomers(algorithm: str, boards: Iterable[SuiteScores]) -> list[Newcomer]:
    """One for each board and configuration of the algorithm."""
    found = [(board, entry) for board in boards for entry in board.entries if entry.algorithm == algorithm]
    tests = compare_with(found)
    family = sum(len(each.pairs) for each in tests if each is not None)
    return [Newcomer(*cell, each, family) for cell, each in zip(found, tests, strict=True)]
