"""Which stored runs speak to a paper: sets of entries that may be compared with each other, on the paper's suites."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from reports.papers.study_evidence import ChosenStudy
from reports.scores.entries import AlgorithmScores, Refused
from reports.scores.reading import read_learning_curve
from reports.text.numbers import short_count
from results.claim_designs import ClaimDesign
from results.published import Paper, PaperSuite

#: fewer seeds hold no interval
LEAST_SEEDS = 2
#: that campaigns are planned for; fewer do not speak where so many are there, however long they trained
SEEDS = 8


@dataclass(frozen=True)
class Comparable:
    """Entries of one suite with equal tasks, budget and protocol, one for each algorithm."""

    suite: str  # full name
    entries: dict[str, AlgorithmScores]  # by algorithm
    others: tuple[AlgorithmScores, ...] = ()  # further configurations of the same algorithms, which do not speak

    @property
    def budget(self) -> int:
        return max(entry.identity["budget"] for entry in self.entries.values())

    @property
    def adaptation_steps(self) -> int:
        return len(next(iter(self.entries.values())).steps) - 1

    @property
    def horizon(self) -> int:
        return next(iter(self.entries.values())).runs[0].run["description"]["horizon"]

    @property
    def profiles(self) -> str:
        runs = [run for entry in self.entries.values() for run in entry.runs]
        return ", ".join(sorted({str(run.run["description"]["profile"]) for run in runs}))

    @property
    def name(self) -> str:
        """How figures and tables call it."""
        return f"{self.suite}, {short_count(self.budget)} steps, profile {self.profiles}"


@dataclass(frozen=True)
class Evidence:
    """What is stored for a paper, and what is known to exist."""

    paper: Paper
    sets: tuple[Comparable, ...]
    refused: tuple[Refused, ...] = ()
    stale: frozenset[str] = frozenset()
    algorithms: frozenset[str] | None = None  # that exist; None: all
    suites: frozenset[str] | None = None  # without options
    studies: Mapping[str, ChosenStudy] = field(default_factory=dict)  # by name
    designs: Mapping[str, ClaimDesign] = field(default_factory=dict)  # written down before the runs, by claim

    def of(self, suite: PaperSuite) -> list[Comparable]:
        """The sets on this suite, whatever their options."""
        return [found for found in self.sets if found.suite.partition("[")[0] == suite.base]

    def scored_by(self, suite: PaperSuite) -> str | None:
        """The metric of the stored runs on the paper's suite; None where there are none."""
        return next((run.metric for found in self.of(suite) for e in found.entries.values() for run in e.runs), None)

    def best(self, suite: PaperSuite, algorithms: Collection[str], step: int = 0) -> Comparable | None:
        """The most informative comparable set of runs for these algorithms; None if no set holds any of them.

        It has this adaptation step; of several such sets it has the most of the algorithms, then at least two seeds of
        each, then at least eight, then the largest budget, then the paper's own options, then the most seeds.
        """
        return max(
            (found for found in self.of(suite) if set(algorithms) & set(found.entries)),
            key=lambda found: (found.adaptation_steps >= step, self._rank(found, suite, algorithms)),
            default=None,
        )

    def nearest(self, suite: PaperSuite, algorithms: Collection[str]) -> Comparable | None:
        """The set of the largest budget under the paper's own options."""
        own = [found for found in self.of(suite) if found.suite == suite.suite and set(algorithms) & set(found.entries)]
        return max(own, key=lambda found: (found.budget, self._rank(found, suite, algorithms)), default=None)

    def missing(self, suite: PaperSuite, algorithm: str) -> str:
        """Why there is no score of this cell."""
        if self.algorithms is not None and algorithm not in self.algorithms:
            return f"no algorithm {algorithm} yet"
        if self.suites is not None and suite.base not in self.suites:
            return f"no suite {suite.base} yet"
        for entry in self.refused:
            if entry.algorithm == algorithm and entry.suite.partition("[")[0] == suite.base:
                return f"no score: {entry.reason}"
        return f"no stored run of {algorithm} on {suite.suite}"

    def absent(self, suite: str, algorithms: Iterable[str]) -> tuple[str, ...]:
        """Which of these algorithms, and the paper's suite (by id, "" for none), do not exist yet."""
        known, base = self.algorithms, self.paper.suite(suite).base if suite else ""
        named = [] if known is None else [each for each in dict.fromkeys(algorithms) if each not in known]
        return (*named, base) if base and self.suites is not None and base not in self.suites else tuple(named)

    def differences(self, suite: PaperSuite, found: Comparable) -> tuple[str, ...]:
        """What keeps a number of this set from being compared with the paper's, one sentence each."""
        said = []
        if found.suite != suite.suite:
            said.append(f"our suite is {found.suite}, horizon {found.horizon}; the paper's setting is {suite.suite}")
        budget = "not given" if suite.budget is None else f"{short_count(suite.budget)}"
        said.append(
            f"our budget is {short_count(found.budget)} environment steps, profile {found.profiles}; "
            f"the paper's is {budget}"
        )
        if suite.note:
            said.append(suite.note)
        if any(entry.digest in self.stale for entry in found.entries.values()):
            said.append("code, software or data are others than some of our runs had")
        if found.others:
            names = ", ".join(f"{entry.algorithm} {entry.digest[:12]}" for entry in found.others)
            said.append(f"other configurations are stored and not used here: {names}")
        return tuple(said)

    def _rank(self, found: Comparable, suite: PaperSuite, algorithms: Collection[str]) -> tuple[object, ...]:
        seeds = [len(entry.seeds) for name, entry in found.entries.items() if name in algorithms]
        exact = found.suite == suite.suite
        digests = sorted(entry.digest for entry in found.entries.values())
        enough = (min(seeds) >= LEAST_SEEDS, min(seeds) >= SEEDS)
        return (len(seeds), enough, found.budget, exact, min(seeds), found.suite, digests)


def gather(
    paper: Paper,
    entries: Iterable[AlgorithmScores],
    refused: Iterable[Refused] = (),
    stale: Collection[str] = (),
    algorithms: Collection[str] | None = None,
    suites: Collection[str] | None = None,
    studies: Mapping[str, ChosenStudy] | None = None,
    designs: Mapping[str, ClaimDesign] | None = None,
) -> Evidence:
    """Groups the entries on the paper's suites.

    Of several configurations of one algorithm in a set, the one whose code is today's speaks, then the one with most
    seeds, then the tuned one, as what stands beside it is, then the first by digest.
    """
    bases = {suite.base for suite in paper.suites}
    groups: dict[tuple[str, ...], dict[str, list[AlgorithmScores]]] = {}
    for entry in entries:
        if entry.suite.partition("[")[0] in bases:
            groups.setdefault(_terms(entry), {}).setdefault(entry.algorithm, []).append(entry)
    sets = []
    for terms in sorted(groups):
        chosen, others = {}, list[AlgorithmScores]()
        for algorithm, candidates in sorted(groups[terms].items()):
            ordered = sorted(candidates, key=lambda e: (e.digest in stale, -len(e.seeds), not _tuned(e), e.digest))
            chosen[algorithm] = ordered[0]
            others += ordered[1:]
        sets.append(Comparable(terms[0], chosen, tuple(others)))
    return Evidence(
        paper,
        tuple(sets),
        tuple(refused),
        frozenset(stale),
        None if algorithms is None else frozenset(algorithms),
        None if suites is None else frozenset(suites),
        studies or {},
        designs or {},
    )


def scores_after(entry: AlgorithmScores, step: int | None) -> np.ndarray | None:
    """Scores [seed, task] on the test tasks after that adaptation step, the last if None; None if there is no such."""
    if step is not None and step >= len(entry.steps):
        return None
    return entry.scores[-1 if step is None else step]


def curve_values(entry: AlgorithmScores, whole: bool) -> np.ndarray | None:
    """The mean over the learning curve after adaptation (its end, if not `whole`), on validation tasks [seed, task].

    Evaluations stand at equal fractions of the budget, so the mean is the area under the curve over its length.
    None where nothing was recorded in training.
    """
    curves = [read_learning_curve(run) for run in entry.runs]
    if any(curve is None or len(curve.points) < 2 for curve in curves):
        return None
    values = [curve.values[:, 1] for curve in curves if curve is not None]
    return np.stack([curve.mean(axis=0) if whole else curve[-1] for curve in values])


def _tuned(entry: AlgorithmScores) -> bool:
    return any(run.run["description"].get("tuning") for run in entry.runs)


def _terms(entry: AlgorithmScores) -> tuple[str, ...]:
    """What entries must share to be compared; the suite's full name first."""
    identity = entry.identity
    protocol = identity["protocol"]
    return (
        entry.suite,
        identity["suite_digest"],
        identity["split_digest"],
        f"{identity['budget']:015d}",
        str(protocol["adaptation_steps"]),
        str(protocol["trajectories"]),
        str(protocol.get("adaptations", 1)),
    )
