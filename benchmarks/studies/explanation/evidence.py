"""A trained meta-learner explained on its own suite, and the explanation as rows from which a page can draw it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from algorithms.explanation.explain import Explanation, evidence, explain
from algorithms.explanation.options import ExplanationConfig
from algorithms.explanation.poor_tasks import poor_tasks, ranked_by
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner
from benchmarks.execution.evaluation import harness_collector
from benchmarks.specs.study import Rows, row
from benchmarks.studies.explanation.settings import OnSuite
from environments.same_mdp import mdp_key
from environments.splits import NAMES
from environments.streams import Streams
from environments.suite import Suite
from environments.task import Task, TaskRef
from environments.typed_options import make_options


@dataclass(frozen=True)
class Explained:
    """`poor`: ids of the poor validation tasks, the worst first.  `chosen_by`: every validation task's score there."""

    explanation: Explanation
    poor: tuple[str, ...]
    chosen_by: tuple[float, ...]


def explained(learner: GradientMetaLearner, suite: Suite, settings: OnSuite, streams: Streams) -> Explained:
    """Poor tasks are chosen on some episodes and explained on others, of the harness's own."""
    options = make_options(ExplanationConfig, settings.of(ExplanationConfig), "explanation")
    validation = [TaskRef("validation", task.id) for task in suite.split.validation]
    choosing = evidence(learner, validation, harness_collector(suite, streams.child("choosing")), settings.choosing)
    values = ranked_by(choosing[-1].trajectories, suite.metric, suite.discount)
    values = values.reshape(settings.choosing, len(validation), -1)
    episodes = values.movedim(0, 1).flatten(1)
    worst = [validation[index] for index in poor_tasks(episodes, settings.poor_tasks)]
    training = [TaskRef("train", task.id) for task in suite.split.train]
    data = evidence(learner, training, harness_collector(suite, streams.child("training")), settings.replicates)
    poor = evidence(learner, worst, harness_collector(suite, streams.child("poor")), settings.replicates)
    keys = [mdp_key(suite, task) for task in suite.split.train]
    found = explain(learner, data, poor, options, streams.numpy("permutations"), keys)
    return Explained(found, tuple(task.id for task in worst), tuple(episodes.mean(1).tolist()))


def explanation_rows(name: str, suite: Suite, found: Explained) -> Rows:
    """The explanation's own numbers, and the parameters of all tasks.  name: the suite's full one."""
    explanation = found.explanation
    place: dict[str, Any] = {"suite": name}
    training = [task.id for task in suite.split.train]
    numbers = {
        "largest weight": explanation.largest,
        "null band": explanation.band,
        "p-value of equal weights": explanation.p_value,
        "stands out": float(explanation.stands_out),
        "poor tasks' objective before": explanation.before,
        "poor tasks' objective after": explanation.after,
        "different training tasks": float(len(explanation.groups)),
        "critical tasks told apart by order alone": float(len(explanation.not_identifiable)),
        "slope left in the lower level": explanation.slope_left,
        "residual of the implicit derivative": explanation.residual,
    }
    rows = [row(quantity, value, **place) for quantity, value in numbers.items() if math.isfinite(value)]
    rows += [
        row("weight", weight, task=task, **place)
        for task, weight in zip(training, explanation.weights.tolist(), strict=True)
    ]
    rows += [
        row("influence", value, task=task, index=replicate, **place)
        for replicate, values in enumerate(explanation.influence.tolist())
        for task, value in zip(training, values, strict=True)
    ]
    rows += [
        row("critical", 1.0, task=training[index], index=rank, **place)
        for rank, index in enumerate(explanation.critical)
    ]
    chosen_by = dict(zip((task.id for task in suite.split.validation), found.chosen_by, strict=True))
    rows += [row("poor", chosen_by[task], task=task, index=rank, **place) for rank, task in enumerate(found.poor)]
    return [*rows, *task_rows(name, suite)]


def task_rows(name: str, suite: Suite) -> Rows:
    """The parameters that are numbers, or lists of them, split by split."""
    return [
        row(f"{split} {parameter}", value, suite=name, task=task.id, index=place)
        for split in NAMES
        for place, task in enumerate(suite.split.tasks(split))
        for parameter, value in _numbers(task)
    ]


def _numbers(task: Task) -> Sequence[tuple[str, float]]:
    found = []
    for name, value in task.parameters.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.append((name, float(value)))
        elif isinstance(value, tuple):
            found += [(f"{name}[{i}]", float(each)) for i, each in enumerate(value) if isinstance(each, int | float)]
    return found
