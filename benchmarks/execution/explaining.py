"""Explaining a stored run: fresh evidence on its training and validation tasks, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from algorithms.explanation.explain import Explanation, evidence, explain
from algorithms.explanation.options import ExplanationConfig
from algorithms.explanation.poor_tasks import poor_tasks, ranked_by
from algorithms.maml_vpg_validation import MamlVpgValidation
from algorithms.meta_augmentation import MetaAugmentation
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner
from benchmarks.execution.evaluation import adapted_batches
from benchmarks.execution.session import Session
from environments.access import Guard
from environments.collector import Collector
from environments.ledger import Ledger
from environments.same_mdp import mdp_key
from environments.streams import Streams
from environments.suite import Suite
from environments.task import Task, TaskRef
from environments.task_digest import task_digests
from environments.trajectories import TrajectoryBatch
from environments.typed_options import UsageError


@dataclass(frozen=True)
class ExplainedRun:
    """`scores`: of every validation task after adaptation, a mean over episodes, in the split's order; `poor`: indices
    of the worst, the worst first, of equal success those of less return.  `explanation`: of the training tasks, in the
    split's order."""

    training: tuple[Task, ...]
    validation: tuple[Task, ...]
    scores: tuple[float, ...]
    poor: tuple[int, ...]
    explanation: Explanation


def refuse_unexplainable(algorithm: type, suite: Suite, options: ExplanationConfig) -> None:
    """Raises UsageError, with the reason, where there is nothing to explain or no way to."""
    if not issubclass(algorithm, GradientMetaLearner):
        raise UsageError(
            f"{algorithm.name} cannot be explained: weights of training tasks act through a meta-gradient, which "  # type: ignore[attr-defined]
            "it has none of; explain a run of a gradient-based method, such as maml-vpg, promp, cavia or imaml"
        )
    if issubclass(algorithm, MamlVpgValidation):
        raise UsageError(
            f"{algorithm.name} cannot be explained: it trains on validation tasks, so that the poor ones are training "
            "tasks too; explain a run of a method that does not, such as maml-vpg"
        )
    if issubclass(algorithm, MetaAugmentation):
        raise UsageError(
            f"{algorithm.name} cannot be explained: it mixes the data of every task that it samples, those of poor "
            "tasks too, by coefficients drawn by chance, so that its objectives are not those of the tasks; explain a "
            "run of a method that does not, such as maml-vpg"
        )
    if suite.options.train_tasks == "distribution":
        raise UsageError(
            f"{suite.full_name} has no list of training tasks, since it draws fresh ones (train_tasks=distribution), "
            "so that none of them can be critical; explain a run with train_tasks=split"
        )
    split = suite.split
    if split.shared or task_digests(split.validation) & task_digests(split.train):
        raise UsageError(
            f"validation tasks of {suite.name} are training tasks, so that each would be explained by itself; "
            "explain a run on a suite with splits of its own, such as half-cheetah-velocity"
        )
    for count, tasks, name in (
        (options.poor_tasks, split.validation, "poor"),
        (options.critical_tasks, split.train, "critical"),
    ):
        if count > len(tasks):
            where = "validation" if name == "poor" else "training"
            raise UsageError(
                f"--{name} {count} is more than the {len(tasks)} {where} tasks of {suite.name}; "
                f"ask for at most {len(tasks)}"
            )


def explain_session(session: Session, state: dict[str, Any], options: ExplanationConfig, seed: int) -> ExplainedRun:
    """Explains the trained algorithm of that state; nobody's budget is charged, and no test task is touched.

    The poor tasks are chosen by an adaptation as the run was evaluated, the explanation by other episodes.
    """
    suite, streams = session.suite, session.streams.child("explanation", seed)
    algorithm = session.make_algorithm(state)
    assert isinstance(algorithm, GradientMetaLearner)  # `refuse_unexplainable` has been asked
    training = [TaskRef("train", task.id) for task in suite.split.train]
    validation = [TaskRef("validation", task.id) for task in suite.split.validation]
    chosen = _collector(suite, streams.child("choice"))
    for batch in adapted_batches(algorithm, validation, session.protocol, chosen, streams):
        adapted = batch
    poor = poor_tasks(ranked_by(adapted, suite.metric, suite.discount), options.poor_tasks)
    algorithm.config = replace(algorithm.config, trajectories=options.trajectories)
    doors = _collector(suite.training_suite, streams.child("training")), _collector(suite, streams.child("poor"))
    seen, of_poor = (
        evidence(algorithm, tasks, door, options.replicates)
        for tasks, door in zip((training, [validation[index] for index in poor]), doors, strict=True)
    )
    keys = [mdp_key(suite, task) for task in suite.split.train]
    explanation = explain(algorithm, seen, of_poor, options, streams.numpy("permutations"), keys)
    means = tuple(_scores(adapted, suite).mean(1).tolist())
    return ExplainedRun(suite.split.train, suite.split.validation, means, poor, explanation)


def _collector(suite: Suite, streams: Streams) -> Collector:
    return Collector(
        suite, streams, Ledger(None), Guard("explanation", {"train", "validation"}, "the harness", suite.withheld)
    )


def _scores(batch: TrajectoryBatch, suite: Suite) -> Any:
    """Of the suite's metric, [task, trajectory]."""
    if suite.metric == "success":
        return batch.success.double()
    return batch.returns if suite.metric == "return" else batch.discounted_returns(suite.discount)
