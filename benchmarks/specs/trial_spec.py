"""One trial of tuning: a run with options of its own, scored on validation tasks, or fresh ones, and no test task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from algorithms.catalogue import find_algorithm
from benchmarks.specs.run_spec import RunSpec, known_suite
from benchmarks.specs.time_estimates import OVERHEAD, Learned, sampling_seconds
from results.store import StoredTrial

#: seeds of tuning begin here, those of boards lie below, so that what was chosen is measured afresh
FIRST_TUNING_SEED = 1000
#: what a trial's scores call tasks that it was scored on and no split holds
FRESH = "fresh"


@dataclass(frozen=True)
class TrialSpec(RunSpec):
    """`trial`: its number in the tuning that asked for it first, which decides nothing.

    `fresh_tasks`: how many tasks of no split it is scored on beside validation tasks, and chosen by in their place.
    """

    trial: int = 0
    fresh_tasks: int = 0

    kind: ClassVar[type[StoredTrial]] = StoredTrial
    tested: ClassVar[bool] = False

    @classmethod
    def of(cls, spec: RunSpec, configuration: Mapping[str, Any], trial: int, seed: int, fresh_tasks: int = 0) -> Self:
        """The trial of a cell's run with the whole configuration.  seed: 0, 1, ... of tuning."""
        taken = {field.name: getattr(spec, field.name) for field in fields(RunSpec)}
        own = {"configuration": dict(configuration), "evaluations": 0, "seed": FIRST_TUNING_SEED + seed}
        return cls(**{**taken, **own}, trial=trial, fresh_tasks=fresh_tasks)

    @property
    def label(self) -> str:
        whose = f" ({self.budget:,} steps, {self.child})" if self.child else ""
        return f"{self.suite} {self.algorithm} trial {self.trial} seed {self.seed}{whose}"

    @property
    def parent_runs(self) -> dict[str, RunSpec]:
        """Those of a trial are trials, so that no test task is touched."""
        found: dict[str, RunSpec] = {}
        for role, run in super().parent_runs.items():
            taken = {field.name: getattr(run, field.name) for field in fields(RunSpec)}
            found[role] = TrialSpec(**{**taken, "evaluations": 0}, trial=self.trial)
        return found

    def identity(self) -> dict[str, Any]:
        fresh = {"fresh_tasks": self.fresh_tasks} if self.fresh_tasks else {}
        return {**super().identity(), "tuning": True, **fresh}

    def record(self) -> dict[str, Any]:
        record = super().record()
        return {**record, "description": {**record["description"], "trial": self.trial}}

    def expected_seconds(self, learned: Learned) -> float:
        """Of one core, the evaluation on validation tasks included."""
        suite, sampling = known_suite(self.suite), sampling_seconds(self.suite)
        tasks = len(suite.split.validation) + self.fresh_tasks
        episodes = tasks * self.adaptations * self.trajectories * (self.adaptation_steps + 1)
        trains = find_algorithm(self.source or self.algorithm).load().trains
        training = self.training_seconds(learned) if trains else 0.0
        return OVERHEAD + episodes * suite.horizon * sampling + training

    @classmethod
    def from_record(cls, run: Mapping[str, Any]) -> Self:
        spec = RunSpec.from_record(run)  # its parents are plain runs, of which `parent_runs` makes trials
        taken = {field.name: getattr(spec, field.name) for field in fields(RunSpec)}
        return cls(**taken, trial=run["description"]["trial"], fresh_tasks=run["identity"].get("fresh_tasks", 0))
