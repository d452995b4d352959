"""One run: meta-training within a budget, evaluated at fixed fractions, checkpointed, resumed."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from algorithms.algorithm import Algorithm, Metrics
from algorithms.catalogue import find_algorithm
from benchmarks.execution.evaluation import Rows, curve_point, evaluate
from benchmarks.specs.run_spec import RunSpec
from environments.access import Guard
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.ledger import BudgetSpent, Ledger
from environments.problem import Problem, Protocol
from environments.streams import Streams
from environments.trajectories import TrajectoryBatch
from environments.typed_options import make_options
from results.run_folder import RunFolder

#: meta-iterations in a row that may spend no environment step (offline phases) before a run is called stuck
IDLE_LIMIT = 1000


@dataclass(frozen=True)
class Progress:
    iteration: int
    environment_steps: int
    budget: int
    message: str = ""


class Interrupted(Exception):
    """The run was asked to stop; its checkpoint holds everything so far."""


@dataclass
class _State:
    """What a checkpoint holds: plain values and tensors."""

    iteration: int = 0
    spent: int = 0
    next_point: int = 0
    trained: bool = False
    algorithm: dict[str, Any] = field(default_factory=dict)
    learning: Rows = field(default_factory=list)
    training: Rows = field(default_factory=list)
    timing: Rows = field(default_factory=list)


class Run:
    """Builds what a run needs from its spec alone; `train` drives it."""

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec
        self.suite = make_suite(spec.suite)
        self.protocol = Protocol(spec.adaptation_steps, spec.trajectories, spec.adaptations)
        self.streams = Streams(spec.seed)
        self.algorithm_class: type[Algorithm] = find_algorithm(spec.source or spec.algorithm).load()
        self.config = make_options(self.algorithm_class.Config, spec.configuration, f"algorithm {spec.algorithm}")

    def make_algorithm(self, state: dict[str, Any] | None = None) -> Algorithm:
        """A fresh instance, with a state loaded into it if given."""
        guard = Guard("training", self.algorithm_class.access, self.algorithm_class.name)
        problem = Problem(self.suite, self.protocol, guard)
        self.streams.seed_globals("construction")
        algorithm = self.algorithm_class(problem, self.config, self.streams.child("algorithm"))
        if state is not None:
            algorithm.load_state_dict(copy.deepcopy(state))
        return algorithm

    def make_collector(self, spent: int) -> Collector:
        guard = Guard("training", self.algorithm_class.access, self.algorithm_class.name)
        return Collector(
            self.suite.training_suite, self.streams.child("training"), Ledger(self.spec.budget, spent), guard
        )

    def evaluate(
        self,
        state: dict[str, Any],
        split: str,
        purpose: str,
        index: int = 0,
        on_adapted: Callable[[TrajectoryBatch], None] = lambda batch: None,
    ) -> Rows:
        """Scores of a fresh instance loaded from `state`, which proves reloading every time."""
        streams = self.streams.child(purpose, index).child(split)
        return evaluate(self.make_algorithm(state), self.suite, split, self.protocol, streams, on_adapted)


def train(
    spec: RunSpec,
    folder: RunFolder,
    report: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Carries the run from its checkpoint, or from the start, to its finished record in `folder`.

    Raises Interrupted, with a checkpoint saved, once `should_stop()` is true; any failure as it comes.
    """
    run = Run(spec)
    saved = folder.load_checkpoint()
    state = _State(**saved) if saved is not None else _State()
    algorithm = run.make_algorithm(state.algorithm if saved is not None else None)
    if saved is None:
        state.algorithm = algorithm.state_dict()
    collector = run.make_collector(state.spent)

    def checkpoint() -> None:
        folder.save_checkpoint(copy.copy(vars(state)))

    def evaluate_if_due() -> None:
        reached = spec.evaluations if state.trained else state.spent * spec.evaluations // max(spec.budget, 1)
        if state.next_point > reached:
            return
        point = min(reached, spec.evaluations)
        report(Progress(state.iteration, state.spent, spec.budget, "evaluating"))
        rows = run.evaluate(state.algorithm, "validation", "curve", point)
        state.learning += curve_point(rows, point, state.spent, state.iteration)
        state.next_point = point + 1

    def keep_pictures(adapted: TrajectoryBatch) -> None:
        for name, content in run.suite.pictures(run.suite.split.test, adapted).items():
            folder.keep_artefact(name, content)

    idle = 0
    evaluate_if_due()
    state.trained = state.trained or not algorithm.trains
    while not state.trained:
        if should_stop():
            checkpoint()
            raise Interrupted(f"stopped at iteration {state.iteration}")
        if collector.remaining <= 0:
            break
        started, sampled, spent = time.perf_counter(), collector.seconds, collector.ledger.spent
        processor = time.process_time()
        collector.begin_iteration(state.iteration)
        run.streams.seed_globals("meta-iteration", state.iteration)
        try:
            metrics = algorithm.meta_step(collector)
        except BudgetSpent:
            break  # state.algorithm is the last completed meta-iteration's
        _check_finite(metrics, spec.algorithm, state.iteration)
        idle = idle + 1 if collector.ledger.spent == spent else 0
        if idle >= IDLE_LIMIT:
            raise RuntimeError(f"{spec.algorithm} spent no environment step in {IDLE_LIMIT} meta-iterations in a row")
        state.iteration += 1
        state.spent = collector.ledger.spent
        state.algorithm = copy.deepcopy(algorithm.state_dict())
        place = {"iteration": state.iteration, "environment_steps": state.spent}
        state.training += [{**place, "metric": name, "value": float(value)} for name, value in metrics.items()]
        state.timing.append(
            {
                **place,
                "wall_seconds": time.perf_counter() - started,
                "sampling_seconds": collector.seconds - sampled,
                "process_seconds": time.process_time() - processor,
            }
        )
        report(Progress(state.iteration, state.spent, spec.budget))
        evaluate_if_due()
        if state.iteration % spec.checkpoint_every == 0:
            checkpoint()
    state.trained = True
    if state.iteration > 0:
        evaluate_if_due()
    checkpoint()
    report(Progress(state.iteration, state.spent, spec.budget, "final evaluation"))
    scores = run.evaluate(state.algorithm, "validation", "final")
    scores += run.evaluate(state.algorithm, "test", "final", on_adapted=keep_pictures)
    folder.keep_state(state.algorithm)
    folder.finish(scores, state.learning, state.training, state.timing, state.spent, state.iteration)


def _check_finite(metrics: Metrics, name: str, iteration: int) -> None:
    for metric, value in metrics.items():
        if not math.isfinite(value):
            raise FloatingPointError(f"{name} returned {metric}={value} at meta-iteration {iteration}")
