"""The explanation as a whole: on suites whose critical tasks are known, and where there are none."""

import numpy as np
import pytest
import torch

from algorithms.explanation.explain import Explanation, evidence, explain
from algorithms.explanation.options import ExplanationConfig
from algorithms.explanation.poor_tasks import poor_tasks
from environments.access import Guard
from environments.collector import Collector
from environments.ledger import Ledger
from environments.streams import Streams
from environments.task import TaskRef
from environments.typed_options import UsageError, make_options
from results.checkpoints import load_checkpoint, save_checkpoint
from tests.support.goal_clusters import GoalClusters, OneGoal, is_rare
from tests.support.tabular_problem import learner_on

SMALL = {"hidden": (16,), "tasks": 20, "trajectories": 10, "step_size": 0.01, "chunk": 40}
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


@pytest.mark.parametrize("seed", range(5))
def test_nothing_stands_out_where_all_tasks_are_alike(seed):
    suite = OneGoal(seed)
    learner, collector = trained(suite, seed)
    training, poor, _ = collected(suite, learner, collector)
    found = explain(learner, training, poor, OPTIONS, np.random.default_rng(seed))
    assert found.largest <= found.band
    assert not found.stands_out


def test_identical_tasks_share_one_weight_and_are_not_told_apart(tmp_path):
    suite = OneGoal()
    learner, collector = trained(suite, 0, iterations=1)
    training = evidence(learner, [TaskRef("train", f"train-{index}") for index in range(6)], collector, 2)
    poor = evidence(learner, [TaskRef("validation", "validation-0")], collector, 2)
    options = ExplanationConfig(critical_tasks=1, importance_iterations=2)
    found = explain(learner, training, poor, options, np.random.default_rng(0), identical="abacba")
    assert found.groups == ((0, 2, 5), (1, 4), (3,))
    assert len(set(found.weights.tolist())) == 3
    for group in found.groups:
        assert len(set(found.weights[list(group)].tolist())) == 1
    chosen = next(group for group in found.groups if found.critical[0] in group)
    assert found.not_identifiable == (chosen if len(chosen) > 1 else ())
    alike = explain(learner, training, poor, options, np.random.default_rng(0), identical=[0] * 6)
    assert len(set(alike.weights.tolist())) == 1
    assert (alike.stands_out, alike.not_identifiable) == (False, tuple(range(6)))
    save_checkpoint(tmp_path / "state", found.to_state())
    again = Explanation.from_state(load_checkpoint(tmp_path / "state"))
    assert (again.critical, again.groups, again.band) == (found.critical, found.groups, found.band)
    assert again.stands_out is found.stands_out
    assert torch.equal(again.weights, found.weights)
    assert all(torch.equal(value, found.parameters[name]) for name, value in again.parameters.items())


def test_the_poor_tasks_are_the_worst_first():
    returns = torch.tensor([[3.0, 3], [0, 9], [1, 2], [1, 2], [7, 7]])
    assert poor_tasks(returns, 3) == (2, 3, 0)
    with pytest.raises(UsageError, match="6 poor tasks cannot be chosen among 5"):
        poor_tasks(returns, 6)


def test_options_that_make_no_explanation_are_refused():
    for option, value in {"replicates": 1, "importance_rate": 0.0, "lower_rate": 2.0, "reach": -1.0}.items():
        with pytest.raises(UsageError, match=option):
            make_options(ExplanationConfig, {option: value}, "explanation")
