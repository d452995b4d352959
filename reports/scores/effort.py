"""What tuning an entry's values cost: trials on validation tasks, which stand beside every score."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.tuning import Origin, TunedMethod
from reports.text.numbers import NONE, plural

if TYPE_CHECKING:
    from results.store import StoredRun


@dataclass(frozen=True)
class Effort:
    """Trials of tuning with `seeds` runs each; 0: the values are the paper's or the profile's.

    digest: of the trials.  sibling: the suite on which the trials were made, where it is another one.  by_hand: options
    of which somebody set another value than the trials found, or had.  origin: of which trials these were the best.
    fresh_tasks: how many of no split the trials were scored on; 0: on validation tasks.  others: configurations that
    earlier tunings had tried beside these.
    """

    trials: int = 0
    seeds: int = 0
    digest: str = ""
    sibling: str = ""
    by_hand: tuple[str, ...] = ()
    origin: Origin | None = None
    fresh_tasks: int = 0
    others: int = 0

    @property
    def runs(self) -> int:
        """Those of its origin included."""
        before = self.origin.trials * self.origin.seeds if self.origin else 0
        return before + self.trials * self.seeds

    def __str__(self) -> str:
        if not self.trials:
            return "untuned"
        origin = f" of {self.origin.profile}'s best" if self.origin else ""
        beside = f" beside {self.others}" if self.others else ""
        return plural(self.trials, "trial") + beside + origin + self._where()

    def in_full(self) -> str:
        """With the seeds of each trial."""
        if not self.trials:
            return "untuned"
        origin = f", {self.origin}" if self.origin else ""
        fresh = f", scored on {plural(self.fresh_tasks, 'fresh task')}" if self.fresh_tasks else ""
        beside = f", beside {plural(self.others, 'configuration')} of earlier tunings" if self.others else ""
        return f"{plural(self.trials, 'trial')} of {plural(self.seeds, 'seed')}{beside}{origin}{self._where()}{fresh}"

    def _where(self) -> str:
        where = f" on {self.sibling}" if self.sibling else ""
        return where + (f", then {', '.join(self.by_hand)} by hand" if self.by_hand else "")


def efforts_of(entries: Iterable[AlgorithmScores], tuned: Iterable[TunedMethod] = ()) -> dict[str, Effort]:
    """By the entries' digests.

    What the runs' records say; where several runs say different things, the most.  A run that was stored before the
    tuning chose its very values says nothing of it: then `tuned` does, or such a run would pass for untuned beside
    those that are tuned.  Where no record of a suite, profile and protocol tells of tuning, all of it was run untuned,
    and a method whose published values would have been chosen is no exception.
    """
    entries = tuple(entries)
    methods = {(each.suite, each.profile, each.algorithm): each for each in tuned}
    tuned_there = {_place(run) for entry in entries for run in entry.runs if run.run["description"].get("tuning")}
    found = {}
    for entry in entries:
        recorded = [_recorded(run.run["description"].get("tuning")) for run in entry.runs]
        known = [methods.get((entry.suite, str(run.profile), entry.algorithm)) for run in entry.runs
                 if _place(run) in tuned_there]  # fmt: skip
        recorded += [_chosen(each) for each in known if each is not None and each.describes(entry.identity)]
        found[entry.digest] = max(recorded, key=lambda effort: (effort.runs, effort.trials))
    return found


def _place(run: StoredRun) -> tuple[str, str, str]:
    return run.suite, str(run.profile), json.dumps(run.identity["protocol"], sort_keys=True)


def judged(board: SuiteScores, efforts: Mapping[str, Effort]) -> list[AlgorithmScores]:
    """Whose efforts must be equal for a fair comparison: what is ranked, and the floor where it has options.

    Scripted references and what knows test tasks cannot be tuned, nor can a floor that has nothing to search.
    """
    floor = board.floor
    return [
        entry for entry in board.tested
        if entry is not floor or entry.identity["configuration"] or efforts[entry.digest].trials
    ]  # fmt: skip


def common_effort(board: SuiteScores, efforts: Mapping[str, Effort]) -> Effort | None:
    """That of every entry that is judged; None where they differ or there is none."""
    found = {_weight(efforts[entry.digest]): efforts[entry.digest] for entry in judged(board, efforts)}
    return next(iter(found.values())) if len(found) == 1 else None


def effort_text(board: SuiteScores, entry: AlgorithmScores, efforts: Mapping[str, Effort]) -> str:
    """`16 trials`, `untuned`; a dash for what cannot be tuned."""
    return str(efforts[entry.digest]) if entry in judged(board, efforts) else NONE


def unequal_effort(board: SuiteScores, efforts: Mapping[str, Effort]) -> str:
    """Who was tuned with how many trials, those of most first; empty where all had as many."""
    entries = judged(board, efforts)
    if len({_weight(efforts[entry.digest]) for entry in entries}) < 2:
        return ""
    named: dict[str, list[str]] = {}
    for entry in sorted(entries, key=lambda entry: -efforts[entry.digest].runs):
        named.setdefault(efforts[entry.digest].in_full(), []).append(board.short(entry))
    said = "; ".join(f"{effort}: {', '.join(labels)}" for effort, labels in named.items())
    return f"methods of {board.name} were tuned with unequal effort, so a difference may be the tuning's ({said})"


def _weight(effort: Effort) -> tuple[int, int, int, bool, Origin | None, int]:
    return effort.trials, effort.seeds, effort.others, bool(effort.by_hand), effort.origin, effort.fresh_tasks


def _recorded(record: Mapping[str, Any] | None) -> Effort:
    if not record:
        return Effort()
    trials, seeds = int(record.get("trials", 0)), int(record.get("seeds", 0))
    by_hand = tuple(record.get("by_hand", ()))
    before = record.get("origin")  # of records from before it was noted, none
    origin = Origin(before["profile"], before["trials"], before["seeds"]) if before else None
    digest, sibling = str(record.get("digest", "")), record.get("sibling") or ""
    fresh, others = int(record.get("fresh_tasks", 0)), int(record.get("others", 0))
    return Effort(trials, seeds, digest, sibling, by_hand, origin, fresh, others)


def _chosen(method: TunedMethod) -> Effort:
    count, seeds = len(method.trials), len(method.seeds)
    return Effort(
        count, seeds, method.digest, origin=method.origin, fresh_tasks=method.fresh_tasks, others=method.others
    )
