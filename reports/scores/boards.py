"""The scores on a suite: which of them may be compared, and what that decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reports.scores.entries import AlgorithmScores
from reports.text.numbers import decimals_for
from reports.text.short_labels import short_labels

#: the algorithm that every other one must beat to have learned anything
FLOOR = "random-init"


@dataclass(frozen=True)
class FloorComparison:
    """What the intervals after adaptation say.  Lying apart describes the intervals; it is no test of significance."""

    leader: AlgorithmScores | None  # highest interquartile mean; None if nothing may be compared
    level: tuple[AlgorithmScores, ...]  # comparable entries that the leader's interval does not lie above
    floor: AlgorithmScores | None
    above: tuple[AlgorithmScores, ...]  # intervals above the floor's
    below: tuple[AlgorithmScores, ...]
    undecided: tuple[AlgorithmScores, ...]  # intervals that overlap the floor's, or no interval


@dataclass(frozen=True)
class SuiteScores:
    """The scores of every algorithm on one suite, its board of the leaderboard."""

    suite: str
    entries: tuple[AlgorithmScores, ...]  # by interquartile mean, highest first; those that may not be compared last
    incomparable: dict[str, dict[str, str]]  # by label: the fields ("budget") in which an entry differs from the others
    verdict: FloorComparison

    def marked(self, entry: AlgorithmScores) -> str:
        """The entry's label, with a star if it may not be compared."""
        return entry.label + ("*" if entry.label in self.incomparable else "")

    def short(self, entry: AlgorithmScores) -> str:
        """The entry's label where there is little room."""
        return short_labels(other.label for other in self.entries)[entry.label]

    def drawn(self, entry: AlgorithmScores) -> str:
        """As `marked`, short enough for a figure."""
        return self.short(entry) + ("*" if entry.label in self.incomparable else "")

    @property
    def comparable(self) -> tuple[AlgorithmScores, ...]:
        return tuple(entry for entry in self.entries if entry.label not in self.incomparable)

    @property
    def competing(self) -> tuple[AlgorithmScores, ...]:
        """The comparable entries that saw no test task in training."""
        return tuple(entry for entry in self.comparable if "test" not in entry.access)

    @property
    def decimals(self) -> int:
        """How many its scores are shown with."""
        return decimals_for(summary.iqm for entry in self.entries for summary in entry.steps)

    @property
    def last_step(self) -> int:
        return max(len(entry.steps) for entry in self.entries) - 1

    @property
    def metric(self) -> str:
        return Counter(entry.metric.replace("_", " ") for entry in self.entries).most_common(1)[0][0]


def make_boards(entries: Iterable[AlgorithmScores]) -> tuple[SuiteScores, ...]:
    """One board a suite, by name."""
    suites: dict[str, list[AlgorithmScores]] = {}
    for entry in entries:
        suites.setdefault(entry.suite, []).append(entry)
    return tuple(_board(suite, suites[suite]) for suite in sorted(suites))


def _board(suite: str, entries: list[AlgorithmScores]) -> SuiteScores:
    incomparable = _incomparable(entries)
    ordered = tuple(sorted(entries, key=lambda entry: (entry.label in incomparable, -entry.final.iqm, entry.label)))
    comparable = [entry for entry in ordered if entry.label not in incomparable]
    competing = [entry for entry in comparable if "test" not in entry.access]
    leader = competing[0] if competing else None
    level = tuple(e for e in competing[1:] if leader is not None and not leader.final.lies_above(e.final))
    floor = next((entry for entry in comparable if entry.algorithm == FLOOR), None)
    others = [entry for entry in competing if floor is not None and entry is not floor]
    above = tuple(entry for entry in others if floor is not None and entry.final.lies_above(floor.final))
    below = tuple(entry for entry in others if floor is not None and floor.final.lies_above(entry.final))
    undecided = tuple(entry for entry in others if entry not in above and entry not in below)
    return SuiteScores(suite, ordered, incomparable, FloorComparison(leader, level, floor, above, below, undecided))


def _incomparable(entries: list[AlgorithmScores]) -> dict[str, dict[str, str]]:
    """Entries that differ in budget, protocol, split, tasks or suite from the largest group that agrees in all of them:
    by label, for each field its value and the others'.
    """
    terms = {entry.label: _terms(entry) for entry in entries}
    trained = [entry for entry in entries if entry.trained] or entries
    groups = Counter(tuple(terms[entry.label].values()) for entry in trained)
    budget = {tuple(terms[entry.label].values()): entry.identity["budget"] for entry in trained}
    main = max(groups, key=lambda group: (groups[group], budget[group], group))
    incomparable = {}
    for entry in entries:
        own = terms[entry.label]
        differing = {
            name: f"{value}, the others {usual}"
            for (name, value), usual in zip(own.items(), main, strict=True)
            if value != usual and (entry.trained or name != "budget")  # what is untrained stands at any budget
        }
        if differing:
            incomparable[entry.label] = differing
    return incomparable


def _terms(entry: AlgorithmScores) -> dict[str, str]:
    identity = entry.identity
    protocol = identity["protocol"]
    return {
        "budget": f"{identity['budget']:,} steps",
        "adaptation": (
            f"{protocol.get('adaptations', 1)} of {protocol['adaptation_steps']} × "
            f"{protocol['trajectories']} trajectories"
        ),
        "suite version": identity["suite_digest"][:8],
        "split": identity["split_digest"][:8],
        "test tasks": f"{len(entry.tasks)} from {entry.tasks[0]} to {entry.tasks[-1]}",
    }
