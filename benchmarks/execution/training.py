"""One run: meta-training within a budget, evaluated at fixed fractions, checkpointed, resumed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from algorithms.algorithm import Metrics
from algorithms.catalogue import find_algorithm
from benchmarks.execution.evaluation import Rows, curve_point
from benchmarks.execution.session import Session
from benchmarks.specs.run_spec import RunSpec
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol, Parent
from environments.streams import Streams
from environments.trajectories import TrajectoryBatch
from environments.typed_options import make_options
from environments.withheld import without_test_tasks
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
class _Records:
    """What a checkpoint holds beside the session's state: what is recorded so far, and what is still to do."""

    next_point: int = 0  # of the learning curve
    trained: bool = False
    learning: Rows = field(default_factory=list)
    training: Rows = field(default_factory=list)
    timing: Rows = field(default_factory=list)


def open_session(
    spec: RunSpec, state: Mapping[str, Any] | None = None, parents: Mapping[str, Parent] | None = None
) -> Session:
    """The run's session, built from its spec and its parents alone: from the start, or from a session's state."""
    algorithm_class = find_algorithm(spec.source or spec.algorithm).load()
    config = make_options(algorithm_class.Config, spec.configuration, f"algorithm {spec.algorithm}")
    protocol = EvaluationProtocol(spec.adaptation_steps, spec.trajectories, spec.adaptations)
    suite = make_suite(spec.suite)
    suite = suite if spec.tested else without_test_tasks(suite)
    return Session(suite, algorithm_class, config, Streams(spec.seed), protocol, spec.budget, state, parents)


def train(
    spec: RunSpec,
    folder: RunFolder,
    report: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
    parents: Mapping[str, Parent] | None = None,
) -> None:
    """Takes the run from its checkpoint, or from the start, to its finished record in `folder`.

    report: called after every meta-iteration and before every evaluation.
    parents: by role, what the finished runs leave that it begins with.
    should_stop: asked before every meta-iteration; once it is true, a checkpoint is saved and Interrupted raised.
    Raises FloatingPointError for a metric or a return that is not finite, RuntimeError for an algorithm that spends
    no step in IDLE_LIMIT meta-iterations, and whatever the algorithm raises.
    """
    saved = folder.load_checkpoint()
    session = open_session(spec, saved, parents)
    records = _Records(**saved["records"]) if saved is not None else _Records()

    def checkpoint() -> None:
        replay = {} if records.trained else session.state["replay"]
        folder.save_checkpoint({**session.state, "replay": replay, "records": vars(records)})

    def tell(message: str = "") -> None:
        report(Progress(session.iteration, session.spent, spec.budget, message))

    def evaluate_if_due() -> None:
        if not spec.tested:
            return
        own, budget = session.spent - session.begun_with, spec.budget - session.begun_with
        reached = spec.evaluations if records.trained else own * spec.evaluations // max(budget, 1)
        if records.next_point > reached:
            return
        point = min(reached, spec.evaluations)
        tell("evaluating")
        rows = session.evaluate("validation", "curve", point)
        records.learning += curve_point(rows, point, session.spent, session.iteration)
        records.next_point = point + 1

    def keep_pictures(adapted: TrajectoryBatch) -> None:
        for name, content in session.suite.pictures(session.suite.split.test, adapted).items():
            folder.keep_artefact(name, content)

    idle = 0
    evaluate_if_due()
    records.trained = records.trained or not session.algorithm.trains
    while not records.trained:
        if should_stop():
            checkpoint()
            raise Interrupted(f"stopped at iteration {session.iteration}")
        spent, sampled = session.spent, session.collector.seconds
        started, processor = time.perf_counter(), time.process_time()
        metrics = session.iterate()
        if metrics is None:
            break
        _check_finite(metrics, spec.algorithm, session.iteration - 1)
        idle = idle + 1 if session.spent == spent else 0
        if idle >= IDLE_LIMIT:
            raise RuntimeError(f"{spec.algorithm} spent no environment step in {IDLE_LIMIT} meta-iterations in a row")
        place = {"iteration": session.iteration, "environment_steps": session.spent}
        records.training += [{**place, "metric": name, "value": float(value)} for name, value in metrics.items()]
        records.timing.append(
            {
                **place,
                "wall_seconds": time.perf_counter() - started,
                "sampling_seconds": session.collector.seconds - sampled,
                "process_seconds": time.process_time() - processor,
            }
        )
        tell()
        evaluate_if_due()
        if session.iteration % spec.checkpoint_every == 0:
            checkpoint()
    records.trained = True
    if session.iteration > 0:
        evaluate_if_due()
    checkpoint()
    tell("final evaluation")
    scores = session.evaluate("validation", "final")
    if spec.tested:
        scores += session.evaluate("test", "final", on_adapted=keep_pictures)
    folder.keep_state(session.state["algorithm"])
    tables = records.learning, records.training, records.timing
    folder.finish(scores, *tables, session.spent, session.iteration)


def _check_finite(metrics: Metrics, name: str, iteration: int) -> None:
    for metric, value in metrics.items():
        if not math.isfinite(value):
            raise FloatingPointError(f"{name} returned {metric}={value} at meta-iteration {iteration}")
