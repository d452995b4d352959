"""Who may touch which tasks: both doors, and what a problem tells."""

from typing import cast

import pytest

from environments.access import AccessDenied, Guard
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.ledger import Ledger
from environments.policy import Policy
from environments.problem import EvaluationProtocol, Problem
from environments.streams import Streams
from environments.task import TaskRef

LAKE = "frozen-lake-high"
NOBODY = cast(Policy, None)  # a policy that must never be asked to act


def collector(granted=("train",)):
    guard = Guard("training", granted, "algorithm wanderer")
    return Collector(make_suite(LAKE), Streams(0), Ledger(None), guard)


def references(split, count):
    return [TaskRef(split, task.id) for task in make_suite(LAKE).split.tasks(split)[:count]]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_forbidden_task_is_refused_by_name_at_both_doors_and_costs_nothing(split):
    mine = collector()
    mixed = references("train", 1) + references(split, 1)
    message = f"algorithm wanderer may not use {split} task '{mixed[1].id}' during training: it has access to train"
    with pytest.raises(AccessDenied, match=message):
        mine.collect(NOBODY, mixed, 2)
    with pytest.raises(AccessDenied, match=message):
        mine.vector_env(mixed)
    assert mine.ledger.spent == 0


def test_a_test_task_called_a_training_task_is_not_found():
    (test_task,) = references("test", 1)
    with pytest.raises(KeyError, match="split train has no task"):
        collector().collect(NOBODY, [TaskRef("train", test_task.id)], 2)


def test_granted_splits_are_open():
    mine = collector(granted=("train", "validation"))
    assert mine.vector_env(references("train", 1) + references("validation", 2)).num_envs == 3


def test_a_problem_opens_parameters_and_models_only_where_granted():
    suite, (task,) = make_suite(LAKE), references("train", 1)
    closed = Problem(suite, EvaluationProtocol(), Guard("training", ["train"]))
    assert len(closed.tasks("train")) == 20
    for ask in (lambda: closed.tasks("test"), lambda: closed.parameters(task), lambda: closed.model(task)):
        with pytest.raises(AccessDenied, match="algorithm may not"):
            ask()
    opened = Problem(suite, EvaluationProtocol(), Guard("training", ["train", "parameters", "model"]))
    assert opened.parameters(task) == suite.split.train[0].parameters
    assert opened.model(task).states == 16


@pytest.mark.parametrize("ask", ["parameters", "model"])
def test_what_a_task_is_stays_closed_for_a_forbidden_task(ask):
    problem = Problem(make_suite(LAKE), EvaluationProtocol(), Guard("training", ["train", "parameters", "model"]))
    with pytest.raises(AccessDenied, match="test task"):
        getattr(problem, ask)(references("test", 1)[0])


def test_a_suite_without_an_exact_model_says_so():
    problem = Problem(make_suite("corners"), EvaluationProtocol(), Guard("training", ["train", "model"]))
    with pytest.raises(TypeError, match="suite corners has no exact model"):
        problem.model(TaskRef("train", "corner-0"))


def test_unknown_access_is_refused():
    with pytest.raises(ValueError, match=r"unknown access \['everything'\]"):
        Guard("training", ["train", "everything"])
