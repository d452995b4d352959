"""One algorithm in training on one suite: what a meta-iteration is, how it is resumed and evaluated."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from algorithms.algorithm import Algorithm, Metrics
from benchmarks.execution.evaluation import Rows, evaluate
from benchmarks.execution.failure_place import failure_told
from environments.access import Guard
from environments.collector import Collector
from environments.ledger import BudgetSpent, Ledger
from environments.problem import EvaluationProtocol, Parent, Problem
from environments.streams import Streams
from environments.suite import Suite
from environments.trajectories import TrajectoryBatch


class Session:
    """Meta-training within a budget, one iteration after the other; whoever drives it decides when to stop.

    `state` is that of the last completed meta-iteration: `iteration`, `spent`, `algorithm` (its state_dict) and
    `replay` (its replay_state), tensors and plain values alone.  A session made from it goes on as this one does.
    `algorithm` is the instance in training, which after the budget's end may be half an iteration further; so may
    `replay` be, which is no copy.
    """

    def __init__(
        self,
        suite: Suite,
        algorithm_class: type[Algorithm],
        config: Any,
        streams: Streams,
        protocol: EvaluationProtocol,
        budget: int | None,
        state: Mapping[str, Any] | None = None,
        parents: Mapping[str, Parent] | None = None,
    ) -> None:
        """budget: environment steps, those of `state` and of `parents` included; None is unlimited.

        state: an earlier session's `state`, whose other entries are ignored; None begins anew.
        parents: by role, the runs that it begins with.
        """
        self.suite, self.protocol, self.streams, self.budget = suite, protocol, streams, budget
        self.algorithm_class, self.config = algorithm_class, config
        self.parents = {} if parents is None else parents
        #: environment steps that the parents took
        self.begun_with = sum(parent.environment_steps for parent in self.parents.values())
        self.guard = self.make_guard()
        self.collector = self.make_collector(state["spent"] if state is not None else self.begun_with)
        self.algorithm = self.make_algorithm(state["algorithm"] if state is not None else None)
        if state is not None:
            replay = state.get("replay", {})
            if replay:
                self.algorithm.load_replay_state(replay)
            self.state = {**{key: state[key] for key in ("iteration", "spent", "algorithm")}, "replay": replay}
        else:
            self._keep_state(0)

    @property
    def iteration(self) -> int:
        """How many meta-iterations are completed."""
        return self.state["iteration"]

    @property
    def spent(self) -> int:
        """Environment steps that they took, and the parents' before them."""
        return self.state["spent"]

    def make_guard(self) -> Guard:
        return Guard("training", self.algorithm_class.access, self.algorithm_class.name, self.suite.withheld)

    def make_collector(self, spent: int) -> Collector:
        """The training tasks' door, with so many steps of the budget gone."""
        ledger = Ledger(self.budget, spent)
        return Collector(self.suite.training_suite, self.streams.child("training"), ledger, self.guard)

    def make_algorithm(self, state: Mapping[str, Any] | None = None) -> Algorithm:
        """A fresh instance, with a state_dict loaded into it if given."""
        parents = {role: parent.state for role, parent in self.parents.items()}
        problem = Problem(self.suite, self.protocol, self.guard, self.collector.drawn, parents)
        self.streams.seed_globals("construction")
        algorithm = self.algorithm_class(problem, self.config, self.streams.child("algorithm"))
        if state is not None:
            algorithm.load_state_dict(copy.deepcopy(dict(state)))
        return algorithm

    def iterate(self) -> Metrics | None:
        """One meta-iteration; None, with `state` as it was, once the budget does not suffice for one.

        Nor does it go on where the algorithm says that it trains no more.
        """
        if self.collector.remaining <= 0 or not self.algorithm.trains:
            return None
        self.collector.begin_iteration(self.iteration)
        self.streams.seed_globals("meta-iteration", self.iteration)
        try:
            with failure_told(self.algorithm, f"in meta-iteration {self.iteration}"):
                metrics = self.meta_step()
        except BudgetSpent:
            return None
        self._keep_state(self.iteration + 1)
        return metrics

    def meta_step(self) -> Metrics:
        return self.algorithm.meta_step(self.collector)

    def evaluate(
        self,
        split: str,
        purpose: str,
        index: int = 0,
        on_adapted: Callable[[TrajectoryBatch], None] = lambda batch: None,
    ) -> Rows:
        """Scores of a fresh instance loaded from `state`, which proves reloading every time; see `evaluate`."""
        streams = self.streams.child(purpose, index).child(split)
        algorithm = self.make_algorithm(self.state["algorithm"])
        with failure_told(algorithm, f"adapting to {split} tasks after {self.iteration} meta-iterations"):
            return evaluate(algorithm, self.suite, split, self.protocol, streams, on_adapted)

    def _keep_state(self, iteration: int) -> None:
        learned, replay = copy.deepcopy(self.algorithm.state_dict()), self.algorithm.replay_state()
        spent = self.collector.ledger.spent
        self.state = {"iteration": iteration, "spent": spent, "algorithm": learned, "replay": replay}
