"""An algorithm on a tiny problem, every call watched: what the conformance rules are judged on."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import gymnasium
import torch

from algorithms.algorithm import Algorithm, Metrics
from benchmarks.conformance.small_parents import PROTOCOL
from benchmarks.execution.evaluation import SPLITS, AdaptationEnded, adapted_batches
from benchmarks.execution.session import Session
from environments.access import AccessDenied, Guard
from environments.batch_env import BatchEnv
from environments.collector import Collector
from environments.ledger import BudgetSpent, Ledger
from environments.policy import Distribution, Policy, Previous
from environments.problem import Parent
from environments.splits import NAMES
from environments.streams import Streams
from environments.suite import Suite
from environments.task import Task, TaskRef
from environments.trajectories import TrajectoryBatch
from environments.typed_options import UsageError

#: meta-iterations after which a trial of training ends, whatever is left of the budget
MOST_ITERATIONS = 100


class Violation(Exception):
    """A rule is broken."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"{rule}: {reason}")
        self.rule, self.reason = rule, reason


class Refused(Exception):
    """The first meta-iteration refused to begin, as an algorithm does whose parts need a larger budget."""


class Trial(Session):
    """A session with its own guard, budget and collector; raises Violation where a rule is broken.

    A violation that the algorithm swallows is raised when its call returns.
    """

    collector: _WatchedCollector

    def __init__(
        self,
        cls: type[Algorithm],
        config: Any,
        suite: Suite,
        budget: int,
        state: Mapping[str, Any] | None = None,
        parents: Mapping[str, Parent] | None = None,
    ) -> None:
        self._violations: list[Violation] = []
        super().__init__(suite, cls, config, Streams(0), PROTOCOL, budget, state, parents)

    def make_guard(self) -> Guard:
        return _WatchedGuard("training", self.algorithm_class.access, self.algorithm_class.name, self._violations)

    def make_collector(self, spent: int) -> _WatchedCollector:
        streams, ledger = self.streams.child("training"), _WatchedLedger(self.budget, spent)
        return _WatchedCollector(self.suite.training_suite, streams, ledger, self.guard, self._violations)

    def make_algorithm(self, state: Mapping[str, Any] | None = None) -> Algorithm:
        with self._watched_environments(self.collector.ledger, "construction"):
            return super().make_algorithm(state)

    def meta_step(self) -> Metrics:
        with self._watched_environments(self.collector.ledger, "meta_step"):
            try:
                metrics = super().meta_step()
            except UsageError as error:
                if self.spent:
                    raise
                raise Refused(str(error)) from error
        if self.collector.ledger.refused:
            raise Violation("budget", "meta_step went on after BudgetSpent; it must let this exception pass")
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise Violation("not-finite", f"meta_step returned {name}={value}")
        return metrics

    def train(self) -> list[Metrics]:
        """Meta-iterations until the budget is spent."""
        history: list[Metrics] = []
        while len(history) < MOST_ITERATIONS and (metrics := self.iterate()) is not None:
            history.append(metrics)
        if self.spent == 0 and len(history) == MOST_ITERATIONS:
            raise Violation("budget", f"meta_step collected nothing in {MOST_ITERATIONS} calls, so training never ends")
        return history

    def adapt(self) -> list[TrajectoryBatch]:
        """The harness's evaluation on the validation tasks: the batch after each adaptation step."""
        tasks = [TaskRef("validation", task.id) for task in self.suite.split.validation]
        ledger = _WatchedLedger(None)
        guard = _WatchedGuard("evaluation", SPLITS, "the harness", self._violations)
        collector = _WatchedCollector(self.suite, self.streams.child("evaluation"), ledger, guard, self._violations)
        with self._watched_environments(ledger, "adapt", {"validation"}):
            try:
                return list(adapted_batches(self.algorithm, tasks, PROTOCOL, collector, self.streams))
            except AdaptationEnded as error:
                raise Violation("runs", str(error)) from None

    @contextmanager
    def _watched_environments(self, ledger: Ledger, phase: str, also: Collection[str] = ()) -> Iterator[None]:
        """Within, every environment's steps must be charged and its tasks granted, by whatever door it was reached."""
        taken, charged = 0, ledger.spent
        step, set_tasks = BatchEnv.step, BatchEnv.set_tasks
        splits = {name: self.suite.split.tasks(name) for name in NAMES}
        allowed = {task for name in self.guard.granted.union(also) & splits.keys() for task in splits[name]}
        forbidden = {task for tasks in splits.values() for task in tasks} - allowed

        def counted_step(env: BatchEnv, actions: Any) -> Any:
            nonlocal taken
            taken += env.num_envs
            return step(env, actions)

        def checked_set_tasks(env: BatchEnv, tasks: Sequence[Task]) -> None:
            for task in tasks:
                if task in forbidden:
                    reason = f"{phase} used task {task.id!r}, past the guard"
                    self._violations.append(Violation("forbidden-task", reason))
            set_tasks(env, tasks)

        BatchEnv.step, BatchEnv.set_tasks = counted_step, checked_set_tasks  # type: ignore
        try:
            yield
        except AccessDenied as error:
            raise Violation("forbidden-task", str(error)) from error
        finally:
            BatchEnv.step, BatchEnv.set_tasks = step, set_tasks  # type: ignore
        if self._violations:
            raise self._violations[0]
        if taken > ledger.spent - charged:
            raise Violation("budget", f"{phase} took {taken} environment steps, {ledger.spent - charged} were charged")


class _WatchedGuard(Guard):
    def __init__(self, phase: str, granted: Any, owner: str, violations: list[Violation]) -> None:
        super().__init__(phase, granted, owner)
        self._violations = violations

    def check_tasks(self, tasks: Sequence[TaskRef]) -> None:
        with self._recorded():
            super().check_tasks(tasks)

    def check(self, kind: str) -> None:
        with self._recorded():
            super().check(kind)

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        try:
            yield
        except AccessDenied as error:
            self._violations.append(Violation("forbidden-task", str(error)))
            raise


class _WatchedLedger(Ledger):
    refused = False

    def charge(self, steps: int) -> None:
        try:
            super().charge(steps)
        except BudgetSpent:
            self.refused = True
            raise


class _WatchedCollector(Collector):
    ledger: _WatchedLedger

    def __init__(
        self, suite: Suite, streams: Streams, ledger: _WatchedLedger, guard: Guard, violations: list[Violation]
    ) -> None:
        super().__init__(suite, streams, ledger, guard)
        self._violations = violations

    def collect(self, policy: Policy, tasks: Sequence[TaskRef], trajectories: int) -> TrajectoryBatch:
        watched = _WatchedPolicy(policy, self._suite.action_space, (len(tasks), trajectories), self._violations)
        return super().collect(watched, tasks, trajectories)


class _WatchedPolicy:
    """Draws from every distribution once more, by a generator of its own, to look at an action."""

    def __init__(
        self, policy: Policy, space: gymnasium.Space, lead: tuple[int, int], violations: list[Violation]
    ) -> None:
        self._policy, self._space, self._lead, self._violations = policy, space, lead, violations

    def begin(self, tasks: int, trajectories: int, stream: Streams) -> Any:
        return self._policy.begin(tasks, trajectories, stream)

    def act(self, observation: torch.Tensor, previous: Previous, state: Any) -> tuple[Distribution, Any]:
        distribution, state = self._policy.act(observation, previous, state)
        try:
            self._check(distribution)
        except Violation as violation:
            self._violations.append(violation)
            raise
        return distribution, state

    def _check(self, distribution: Distribution) -> None:
        for name, value in distribution.parameters.items():
            if not torch.isfinite(value).all():
                raise Violation("not-finite", f"the policy's {name} is not finite")
        action = distribution.sample(torch.Generator().manual_seed(0))
        expected = (*self._lead, *(self._space.shape or ()))
        if tuple(action.shape) != expected:
            raise Violation("action-shape", f"actions have shape {list(action.shape)}, must have {list(expected)}")
        whole = isinstance(self._space, gymnasium.spaces.Discrete)
        if whole == action.dtype.is_floating_point:
            raise Violation("action-shape", f"actions are {action.dtype}, but the action space is {self._space}")
        if not torch.isfinite(action).all():
            raise Violation("not-finite", "an action is not finite")
        density = tuple(distribution.log_prob(action).shape)
        if density != self._lead:
            raise Violation("action-shape", f"log_prob has shape {list(density)}, must have {list(self._lead)}")
