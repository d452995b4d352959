"""The explanation as a whole: on suites whose critical tasks are known, and where there are none."""

import numpy as np
import pytest

from algorithms.explanation.explain import evidence, explain
from algorithms.explanation.options import ExplanationConfig
from algorithms.explanation.poor_tasks import poor_tasks
from environments.access import Guard
from environments.collector import Collector
from environments.ledger import Ledger
from environments.streams import Streams
from environments.task import TaskRef
from tests.support.goal_clusters import GoalClusters, OneGoal, is_rare
from tests.support.tabular_problem import learner_on

SMALL = {"hidden": (16,), "tasks": 20, "trajectories": 10, "step_size": 0.01, "chunk": 20}
OPTIONS = ExplanationConfig()


def trained(suite, seed, iterations=15, method="maml-vpg"):
    """A little MAML, enough to favour the common cluster, and a door to training and validation tasks."""
    learner, collector = learner_on(suite, method, 1, seed, **SMALL)
    for iteration in range(iterations):
        collector.begin_iteration(iteration)
        learner.meta_step(collector)
    guard = Guard("evaluation", {"train", "validation"})
    return learner, Collector(suite, Streams(seed).child("explanation"), Ledger(None), guard)


def collected(suite, learner, collector):
    """Evidence on all training tasks and on the poor validation tasks, and these tasks."""
    training = [TaskRef("train", task.id) for task in suite.split.train]
    validation = [TaskRef("validation", task.id) for task in suite.split.validation]
    returns = learner.sample_on(validation, collector)[-1].trajectories.returns
    poor = poor_tasks(returns, OPTIONS.poor_tasks)
    batches = [
        evidence(learner, tasks, collector, OPTIONS.replicates)
        for tasks in (training, [validation[index] for index in poor])
    ]
    return *batches, [suite.split.validation[index] for index in poor]


@pytest.mark.parametrize("seed", range(5))
def test_the_critical_tasks_are_those_that_resemble_the_poor_ones(seed):
    suite = GoalClusters(seed)
    training, poor, chosen = collected(suite, *(made := trained(suite, seed)))
    assert sum(map(is_rare, chosen)) >= 4
    found = explain(made[0], training, poor, OPTIONS, np.random.default_rng(seed))
    assert len(set(found.critical) & suite.rare) >= 4
    assert found.stands_out
    assert found.slope_left <= OPTIONS.tolerance
    assert found.residual <= OPTIONS.tolerance


def test_nothing_stands_out_where_all_tasks_are_alike():
    within, standing = 0, 0
    for seed in range(5):
        suite = OneGoal(seed)
        learner, collector = trained(suite, seed, iterations=3)
        training, poor, _ = collected(suite, learner, collector)
        found = explain(learner, training, poor, OPTIONS, np.random.default_rng(seed))
        within += found.largest <= found.band
        standing += found.stands_out
        print(seed, found.largest, found.band, found.p_value)
    assert (within, standing) == (5, 0)
