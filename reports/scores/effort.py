"""What tuning an entry's values cost: trials on validation tasks, which stand beside every score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.tuning import TunedMethod
from reports.text.numbers import NONE, plural


@dataclass(frozen=True)
class Effort:
    """Trials of tuning with `seeds` runs each; 0: the values are the paper's or the profile's.

    digest: of the trials.  sibling: the suite on which the trials were made, where it is another one.  by_hand: options
    that were searched, and of which somebody set another value than the trials found.
    """

    trials: int = 0
    seeds: int = 0
    digest: str = ""
    sibling: str = ""
    by_hand: tuple[str, ...] = ()

    @property
    def runs(self) -> int:
        return self.trials * self.seeds

    def __str__(self) -> str:
        if not self.trials:
            return "untuned"
        return plural(self.trials, "trial") + self._where()

    def in_full(self) -> str:
        """With the seeds of each trial."""
        if not self.trials:
            return "untuned"
        return f"{plural(self.trials, 'trial')} of {plural(self.seeds, 'seed')}{self._where()}"

    def _where(self) -> str:
        where = f" on {self.sibling}" if self.sibling else ""
        return where + (f", then {', '.join(self.by_hand)} by hand" if self.by_hand else "")


def efforts_of(entries: Iterable[AlgorithmScores], tuned: Iterable[TunedMethod] = ()) -> dict[str, Effort]:
    """By the entries' digests.

    What the runs' records say; where several runs say different things, the most.  A run that was stored before the
    tuning chose its very values says nothing of it: then `tuned` does, or such a run would pass for untuned.
    """
    methods = {(each.suite, each.profile, each.algorithm): each for each in tuned}
    found = {}
    for entry in entries:
        recorded = [_recorded(run.run["description"].get("tuning")) for run in entry.runs]
        profiles = [run.run["description"]["profile"] for run in entry.runs]
        known = [methods.get((entry.suite, profile, entry.algorithm)) for profile in profiles]
        recorded += [_chosen(each, entry) for each in known if each is not None]
        found[entry.digest] = max(recorded, key=lambda effort: (effort.runs, effort.trials))
    return found


def judged(board: SuiteScores, efforts: Mapping[str, Effort]) -> list[AlgorithmScores]:
    """Whose efforts must be equal for a fair comparison: what is ranked, and the floor where it was tuned.

    Scripted references and what trains on test tasks cannot be tuned, nor can a floor without options to search.
    """
    floor = board.floor
    return [entry for entry in board.tested if entry is not floor or efforts[entry.digest].trials]


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


def _weight(effort: Effort) -> tuple[int, int, bool]:
    return effort.trials, effort.seeds, bool(effort.by_hand)


def _recorded(record: Mapping[str, Any] | None) -> Effort:
    if not record:
        return Effort()
    trials, seeds = int(record.get("trials", 0)), int(record.get("seeds", 0))
    by_hand = tuple(record.get("by_hand", ()))
    return Effort(trials, seeds, str(record.get("digest", "")), record.get("sibling") or "", by_hand)


def _chosen(method: TunedMethod, entry: AlgorithmScores) -> Effort:
    """The method's trials, where its chosen values are the entry's."""
    configuration = entry.identity["configuration"]
    same = all(name in configuration and configuration[name] == value for name, value in method.values.items())
    return Effort(len(method.trials), len(method.seeds), method.digest) if same else Effort()
