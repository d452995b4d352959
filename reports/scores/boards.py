"""Boards of the leaderboard: the scores on one suite under one budget and protocol, which may be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reports.scores.entries import AlgorithmScores, labels_within
from reports.text.numbers import decimals_for, plural, short_count
from reports.text.short_labels import short_labels

#: the algorithm that every other one must beat to have learned anything
FLOOR = "random-init"

#: by name what entries of one board share: suite version, split, tasks and how much adaptation they are given
_Protocol = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SuiteScores:
    """The scores of every algorithm on one suite under one budget and protocol: a board of the leaderboard."""

    suite: str
    name: str  # the suite's; where a suite has several boards, with what sets this one apart
    profile: str  # of most of its runs
    entries: tuple[AlgorithmScores, ...]  # by interquartile mean, highest first

    def short(self, entry: AlgorithmScores) -> str:
        """The entry's label where there is little room."""
        return short_labels(other.label for other in self.entries)[entry.label]

    @property
    def floor(self) -> AlgorithmScores | None:
        """The entry of FLOOR, of several the one with most seeds."""
        found = [entry for entry in self.entries if entry.algorithm == FLOOR]
        return max(found, key=lambda entry: (len(entry.seeds), entry.digest), default=None)

    @property
    def learned(self) -> tuple[AlgorithmScores, ...]:
        """What is ranked: neither a floor, nor scripted, nor trained on test tasks or told which one it is on."""
        return tuple(
            entry for entry in self.entries if entry.algorithm != FLOOR and not entry.scripted and not entry.reference
        )

    @property
    def tested(self) -> tuple[AlgorithmScores, ...]:
        """Whose pairs are tested: what is ranked, and the floor."""
        floor, learned = self.floor, self.learned
        return tuple(entry for entry in self.entries if entry is floor or entry in learned)

    @property
    def scripted(self) -> tuple[AlgorithmScores, ...]:
        return tuple(entry for entry in self.entries if entry.scripted)

    def below_scripted(self, entry: AlgorithmScores) -> tuple[AlgorithmScores, ...]:
        """The scripted references that score higher than an entry that has learned."""
        if entry not in self.learned:
            return ()
        return tuple(other for other in self.scripted if other.final.iqm > entry.final.iqm)

    def rank(self, entry: AlgorithmScores) -> int | None:
        """By interquartile mean among what is ranked; equal scores share the first of their ranks."""
        learned = self.learned
        if entry not in learned:
            return None
        return 1 + sum(other.final.iqm > entry.final.iqm for other in learned)

    @property
    def records_success(self) -> bool:
        """Whether its environment tells success, and the score is another number."""
        return self.metric != "success" and any(run.records_success for entry in self.entries for run in entry.runs)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What must be known of the suite's options before a score is believed, such as how they can be exploited."""
        return tuple(sorted({caution for entry in self.entries for run in entry.runs for caution in run.cautions}))

    @property
    def usual(self) -> AlgorithmScores:
        """An entry whose budget and protocol are the board's: any that has trained."""
        return next((entry for entry in self.entries if entry.trained and not entry.scripted), self.entries[0])

    @property
    def decimals(self) -> int:
        """How many its scores are shown with."""
        return decimals_for(summary.iqm for entry in self.entries for summary in entry.steps)

    @property
    def last_step(self) -> int:
        return len(self.entries[0].steps) - 1

    @property
    def metric(self) -> str:
        return Counter(entry.metric.replace("_", " ") for entry in self.entries).most_common(1)[0][0]


def make_boards(entries: Iterable[AlgorithmScores]) -> tuple[SuiteScores, ...]:
    """One board for each suite, budget and protocol, sorted by name.

    What has not trained (a random initialisation) or is scripted has no budget, and stands on every board of its suite
    whose protocol is its own.
    """
    suites: dict[str, list[AlgorithmScores]] = {}
    for entry in entries:
        suites.setdefault(entry.suite, []).append(entry)
    boards = [board for suite in sorted(suites) for board in _boards(suite, suites[suite])]
    return tuple(sorted(boards, key=lambda board: board.name))


def _boards(suite: str, entries: Sequence[AlgorithmScores]) -> list[SuiteScores]:
    groups: dict[tuple[_Protocol, int], list[AlgorithmScores]] = {}
    untrained: dict[_Protocol, list[AlgorithmScores]] = {}
    for entry in entries:
        if entry.trained and not entry.scripted:
            groups.setdefault((_protocol(entry), entry.identity["budget"]), []).append(entry)
        else:
            untrained.setdefault(_protocol(entry), []).append(entry)
    for protocol, guests in untrained.items():
        if not any(other == protocol for other, _ in groups):
            groups[protocol, max(entry.identity["budget"] for entry in guests)] = []
    names = _names(suite, groups)
    boards = []
    for (protocol, budget), own in groups.items():
        members = [*own, *_guests(untrained.get(protocol, []), budget)]
        labels = labels_within(members)
        named = [replace(entry, label=label) for entry, label in zip(members, labels, strict=True)]
        ordered = tuple(sorted(named, key=lambda entry: (-entry.final.iqm, entry.label)))
        boards.append(SuiteScores(suite, names[protocol, budget], _profile(own or members), ordered))
    return boards


def _guests(untrained: Sequence[AlgorithmScores], budget: int) -> Iterable[AlgorithmScores]:
    """Of each algorithm those planned with the board's budget; else one of another, the one with most seeds."""
    for algorithm in dict.fromkeys(entry.algorithm for entry in untrained):
        found = [entry for entry in untrained if entry.algorithm == algorithm]
        at_home = [entry for entry in found if entry.identity["budget"] == budget]
        yield from at_home or [max(found, key=lambda entry: (len(entry.seeds), entry.identity["budget"], entry.digest))]


def _protocol(entry: AlgorithmScores) -> _Protocol:
    identity = entry.identity
    protocol = identity["protocol"]
    again = protocol.get("adaptations", 1)
    adaptation = f"{plural(protocol['adaptation_steps'], 'step')} of {protocol['trajectories']} trajectories"
    return (
        ("adaptation", adaptation + (f", {again} times" if again > 1 else "")),
        ("suite version", f"version {identity['suite_digest'][:8]}"),
        ("split", f"split {identity['split_digest'][:8]}"),
        ("test tasks", f"{len(entry.tasks)} tasks from {entry.tasks[0]} to {entry.tasks[-1]}"),
    )


def _profile(entries: Iterable[AlgorithmScores]) -> str:
    found = Counter(str(run.run["description"]["profile"]) for entry in entries for run in entry.runs)
    return max(sorted(found), key=lambda profile: found[profile])


def _names(
    suite: str, groups: Mapping[tuple[_Protocol, int], Sequence[AlgorithmScores]]
) -> dict[tuple[_Protocol, int], str]:
    """The suite's name alone where it has one board, else with its profile and whatever more sets a board apart."""
    parts = {}
    for protocol, budget in groups:
        own = groups[protocol, budget]
        profile = _profile(own) if own else "untrained"
        parts[protocol, budget] = [
            profile,
            f"budget {short_count(budget)}",
            *(text for _, text in protocol),
            str(budget),
        ]
    if len(parts) == 1:
        return dict.fromkeys(parts, suite)
    names = dict.fromkeys(parts, suite)
    for place in range(len(next(iter(parts.values())))):
        alike: dict[str, list[tuple[_Protocol, int]]] = {}
        for key, name in names.items():
            alike.setdefault(name, []).append(key)
        for keys in alike.values():
            if len({parts[key][place] for key in keys}) > 1:
                names |= {key: f"{names[key]} · {parts[key][place]}" for key in keys}
    return names
