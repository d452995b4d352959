"""One suite and algorithm in tuning: its candidates as trials, what is stored of them, and the choice."""

from __future__ import annotations

import errno
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from algorithms.catalogue import find_algorithm
from algorithms.search_space import Space
from benchmarks.planning.plan import Cell
from benchmarks.planning.tunable import searched_options
from benchmarks.planning.tuned_file import BEST_OF, setting_of
from benchmarks.specs.run_spec import known_suite
from benchmarks.specs.trial_spec import FIRST_TUNING_SEED, TrialSpec
from benchmarks.tuning.candidates import Candidates, Values
from benchmarks.tuning.document import Outcome
from benchmarks.tuning.scores import best, configuration_score, trial_score
from benchmarks.tuning.sweeps import sweep_space
from benchmarks.verification.proofs import by_terms, standing_for
from environments.discovery import ClassEntry
from environments.suite import Suite
from environments.typed_options import UsageError, make_options
from results.identity import canonical_json
from results.store import Store, StoredTrial

#: in the record of a failure: what the machine lacked then, which says nothing of the values that were tried
_LACKED = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN)
_MACHINES = re.compile(rf"results\.files\.StoreError|\[Errno (?:{'|'.join(map(str, _LACKED))})\]")
#: a lack of memory, as Python, NumPy, torch and the system name it: the machine's fault the first time, and the values'
#: if it happens again
_MEMORY = re.compile(
    rf"^[\w.]*(?:MemoryError|OutOfMemoryError)\b|can't allocate memory|\[Errno {errno.ENOMEM}\]", re.MULTILINE
)

#: suite, algorithm, candidate, seed
Key = tuple[str, str, int, int]


@dataclass(frozen=True)
class Effort:
    """How much is tried of each algorithm, the same for all."""

    trials: int = 16
    seeds: int = 2
    sampler: str = "qmc"
    points: int = 4  # of each option, in a grid
    origin: str | None = None  # the profile whose best trials are tried, in place of a sampler's
    sweep: str | None = None  # the paper whose grid is tried, in place of the spaces that options declare
    options: tuple[str, ...] = ()  # those that are tried, others as the profile has them; empty: all with a space
    fresh_tasks: int = 0  # tasks of no split by whose scores is chosen, in place of validation tasks; 0: by these

    @property
    def learns(self) -> bool:
        """Whether later trials depend on the scores of earlier ones."""
        return self.sampler == "tpe" and self.origin is None

    @property
    def source(self) -> str:
        """Who proposed the trials after the first."""
        if self.sweep is not None:
            return f"{self.sampler} of {self.sweep}'s grid"
        return self.sampler if self.origin is None else f"{BEST_OF}{self.origin}"


class TuningCell:
    """The trials of one cell of a plan, which are the same whenever they are asked for."""

    def __init__(self, cell: Cell, published: Cell, effort: Effort, ranked: Sequence[Values] | None = None) -> None:
        """published: the same cell as the paper's profile has it; neither has tuned values.

        ranked: with an effort that has an origin, that profile's trials, the best first.
        """
        self.spec, self.effort = cell.spec, effort
        found = find_algorithm(self.spec.source or self.spec.algorithm)
        self._config = found.load().Config
        self._by_profile = {
            option: value for option, value in self.spec.configuration.items()
            if not cell.sources[f"configuration.{option}"].startswith("default of ")
        }  # fmt: skip
        suite = known_suite(self.spec.suite)
        space = whole_space(effort, found, suite)
        self.space = {name: each for name, each in space.items() if not effort.options or name in effort.options}
        first = [
            {name: each[name] for name in self.space}
            for each in (published.spec.configuration, self.spec.configuration)
        ]
        self.candidates = Candidates(
            self.space, first, effort.trials, effort.sampler, effort.points, self._whole, ranked
        )
        if effort.sweep:  # so many points of the grid beside these
            self.candidates.trials += len(self.candidates.found)
        self.published = 0
        self.profile = len(self.candidates.found) - 1  # equal values are one trial

    @property
    def label(self) -> str:
        return f"{self.spec.suite} {self.spec.algorithm}"

    @property
    def setting(self) -> dict[str, Any]:
        """What all of its trials have alike, as `setting_of` gives it."""
        return setting_of(self.spec, self._by_profile, self.space.keys())

    def trials_of(self, indices: Sequence[int]) -> list[TrialSpec]:
        """Of these candidates, seed by seed."""
        return [self._trial(index, seed) for seed in range(self.effort.seeds) for index in indices]

    def outcome(self, scores: Sequence[Sequence[float]]) -> Outcome | None:
        """The choice by scores [candidate][seed], NaN for a trial that failed; None if every candidate failed."""
        chosen = best([configuration_score(each) for each in scores])
        if chosen is None:
            return None
        return Outcome(
            values=self.candidates.found,
            scores=scores,
            chosen=chosen,
            published=self.published,
            profile=self.profile,
            seeds=[FIRST_TUNING_SEED + seed for seed in range(self.effort.seeds)],
            sampler=self.effort.source,
            identity=self._trial(chosen, 0).identity(),
            setting=self.setting,
            fresh_tasks=self.effort.fresh_tasks,
        )

    def _trial(self, index: int, seed: int) -> TrialSpec:
        configuration = {**self.spec.configuration, **self.candidates.found[index]}
        return TrialSpec.of(self.spec, configuration, index, seed, self.effort.fresh_tasks)

    def _whole(self, values: Values) -> Values | None:
        """The searched options as a run would get them; None if the algorithm refuses these values together."""
        try:
            made = make_options(self._config, {**self.spec.configuration, **values}, f"algorithm {self.spec.algorithm}")
        except UsageError:
            return None
        plain = json.loads(json.dumps(asdict(made)))
        return {name: plain[name] for name in self.space}


def whole_space(effort: Effort, found: ClassEntry, suite: Suite) -> Mapping[str, Space]:
    """All options that could be tried."""
    return sweep_space(effort.sweep, found, suite) if effort.sweep else searched_options(found, suite)


def key_of(trial: TrialSpec) -> Key:
    """What tells the trials of all cells apart."""
    return trial.suite, trial.algorithm, trial.trial, trial.seed


def stored_scores(trials: Sequence[TrialSpec], store: Store) -> dict[Key, float]:
    """Of the trials that have ended, NaN of those that failed; those that have not are missing."""
    standing = by_terms(store.read(StoredTrial, skip_corrupt=True))
    scores = {}
    for trial in trials:
        identity = trial.identity()
        found = standing_for(identity, standing)
        if found is not None:
            scores[key_of(trial)] = trial_score(found)
        elif has_failed(store, identity):
            scores[key_of(trial)] = math.nan
    return scores


def configurations_beside(trials: Sequence[TrialSpec], store: Store) -> int:
    """How many configurations other than those of the trials, which are of one cell, are stored under their terms."""

    def terms(identity: Mapping[str, Any]) -> bytes:
        other = {"configuration", "seed", "fresh_tasks", "code", "versions", "parents"}
        return canonical_json({key: value for key, value in identity.items() if key not in other})

    ours = [trial.identity() for trial in trials]
    own = {canonical_json(identity["configuration"]) for identity in ours}
    found = {
        canonical_json(stored.identity["configuration"])
        for stored in store.read(StoredTrial, skip_corrupt=True, suites=[ours[0]["suite"]])
        if terms(stored.identity) == terms(ours[0])
    }
    return len(found - own)


def has_failed(store: Store, identity: Mapping[str, Any]) -> bool:
    """Whether it ended by an exception of its own.  A trial that was killed or found no room on a disk is tried again;
    one that lacked memory is tried again once.
    """
    folder = store.folder(identity)
    run = None if folder.finished else folder.read_run()
    if run is None or not run["attempts"]:
        return False
    last = run["attempts"][-1]
    if last["outcome"] != "failed" or _MACHINES.search(last["error"] or ""):
        return False
    lacking = [
        each
        for each in run["attempts"]
        if _MEMORY.search(each["error"] or "") and not _MACHINES.search(each["error"] or "")
    ]
    return last not in lacking or len(lacking) > 1
