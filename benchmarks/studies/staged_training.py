"""Meta-training in stages for measurements: an algorithm is trained a while, looked at, and trained on."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from algorithms.algorithm import Algorithm
from algorithms.catalogue import find_algorithm
from environments.access import Guard
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.ledger import BudgetSpent, Ledger
from environments.problem import Problem, Protocol
from environments.streams import Streams
from environments.suite import Suite
from environments.task import TaskRef
from environments.typed_options import make_options


class StagedTraining:
    """One algorithm on one suite; what it has learned is a state of tensors and plain values, held by the caller.

    options: values for those options that the algorithm has, the others stay at its defaults.
    """

    def __init__(
        self, suite: str, algorithm: str, options: Mapping[str, Any], adaptation_steps: int, streams: Streams
    ) -> None:
        self.suite: Suite = make_suite(suite)
        self.protocol = Protocol(adaptation_steps)
        self.streams = streams
        self.algorithm_class: type[Algorithm] = find_algorithm(algorithm).load()
        known = {field.name for field in fields(self.algorithm_class.Config)}
        values = {name: value for name, value in options.items() if name in known}
        self.config = make_options(self.algorithm_class.Config, values, f"algorithm {algorithm}")

    def make(self, state: Mapping[str, Any] | None = None) -> Any:
        """A fresh instance, with what it has learned loaded into it if given."""
        problem = Problem(self.suite, self.protocol, self._guard("training"))
        self.streams.seed_globals("construction")
        algorithm = self.algorithm_class(problem, self.config, self.streams.child("algorithm"))
        if state is not None:
            algorithm.load_state_dict(copy.deepcopy(state["algorithm"]))
        return algorithm

    def begin(self) -> dict[str, Any]:
        """The state before training."""
        return {"iteration": 0, "spent": 0, "algorithm": self.make().state_dict()}

    def advance(self, state: Mapping[str, Any], budget: int) -> dict[str, Any]:
        """The state once so many environment steps are spent in all, or as many as whole meta-iterations take."""
        algorithm = self.make(state)
        iteration, spent = state["iteration"], state["spent"]
        collector = Collector(
            self.suite.training_suite, self.streams.child("training"), Ledger(budget, spent), self._guard("training")
        )
        reached = copy.deepcopy(algorithm.state_dict())
        while collector.remaining > 0:
            collector.begin_iteration(iteration)
            self.streams.seed_globals("meta-iteration", iteration)
            try:
                algorithm.meta_step(collector)
            except BudgetSpent:
                break
            iteration, spent = iteration + 1, collector.ledger.spent
            reached = copy.deepcopy(algorithm.state_dict())
        return {"iteration": iteration, "spent": spent, "algorithm": reached}

    def collector(self, purpose: str, *index: int, tasks: Sequence[TaskRef] | None = None) -> Collector:
        """A collector without a budget, for looking.  tasks: those that `sample_tasks` always gives."""
        streams = self.streams.child(purpose, *index)
        guard = Guard(purpose, {"train", "validation", "test"}, "the measurement")
        if tasks is None:
            return Collector(self.suite, streams, Ledger(None), guard)
        return _FixedTasks(self.suite, streams, Ledger(None), guard, tasks)

    def _guard(self, phase: str) -> Guard:
        return Guard(phase, self.algorithm_class.access, self.algorithm_class.name)


class _FixedTasks(Collector):
    def __init__(self, suite: Suite, streams: Streams, ledger: Ledger, guard: Guard, tasks: Sequence[TaskRef]) -> None:
        super().__init__(suite, streams, ledger, guard)
        self._fixed = list(tasks)

    def sample_tasks(self, count: int) -> list[TaskRef]:
        if count != len(self._fixed):
            raise ValueError(f"{count} tasks are asked for, {len(self._fixed)} are fixed")
        return list(self._fixed)
