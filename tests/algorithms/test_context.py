"""A task's parameters as a vector: what each suite's tasks are told by, in which units, and who may read it."""

import math

import pytest
import torch

from algorithms.experts.context import Contexts, context_of
from environments.access import AccessDenied, Guard
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol, Problem
from environments.splits import Split
from environments.task import Task, TaskRef

#: how many numbers tell the suite's tasks apart; a lake's are its holes, of 14 tiles that may be one
SIZES = {
    "ant-direction-2d": 2,
    "ant-goal": 2,
    "ant-goal-sparse": 2,
    "ant-velocity": 1,
    "corners": 2,
    "dow30-risk": 1,
    "dow30-risk[tasks=thresholds]": 1,
    "drone-obstacles": 4,
    "frozen-lake-high": 14,
    "half-cheetah-direction": 1,
    "half-cheetah-velocity": 1,
    "hopper-params": 41,
    "humanoid-direction": 2,
    "walker2d-params": 65,
}


def problem_on(suite, *granted):
    return Problem(suite, EvaluationProtocol(), Guard("training", ["train", "parameters", *granted]))


@pytest.mark.parametrize("name", SIZES)
def test_training_tasks_have_mean_0_and_deviation_1_in_what_tells_them_apart(name):
    problem = problem_on(make_suite(name))
    contexts = context_of(problem, problem.tasks("train")).double()
    assert contexts.shape[1] == SIZES[name] == Contexts(problem).size
    torch.testing.assert_close(contexts.mean(0), torch.zeros(SIZES[name]).double(), rtol=0, atol=1e-6)
    torch.testing.assert_close(contexts.std(0, correction=0), torch.ones(SIZES[name]).double(), rtol=0, atol=1e-6)
    assert len({tuple(row.tolist()) for row in contexts}) == len({
        str(dict(task.parameters)) for task in make_suite(name).split.train
    })  # fmt: skip


def test_other_tasks_are_told_in_the_training_tasks_units():
    suite = make_suite("half-cheetah-velocity")
    problem = problem_on(suite, "test")
    training = torch.tensor([task.parameters["velocity"] for task in suite.split.train])
    tested = torch.tensor([task.parameters["velocity"] for task in suite.split.test])
    expected = (tested - training.mean()) / training.std(correction=0)
    torch.testing.assert_close(context_of(problem, problem.tasks("test"))[:, 0], expected)


def test_an_angle_is_told_so_that_a_full_turn_changes_nothing():
    problem = problem_on(parted([{"angle": 0.0}, {"angle": math.pi / 2}, {"angle": 2 * math.pi}]))
    contexts = context_of(problem, problem.tasks("train"))
    torch.testing.assert_close(contexts[0], contexts[2])
    assert (contexts[0] != contexts[1]).all()


def test_what_is_the_same_in_all_training_tasks_is_left_out():
    problem = problem_on(parted([{"mass": 2.0, "name": "ab"}, {"mass": 2.0, "name": "ac"}]))
    assert context_of(problem, problem.tasks("train")).tolist() == [[-1.0], [1.0]]


def test_tasks_of_unlike_parts_are_refused_by_name():
    problem = problem_on(parted([{"masses": [1.0]}, {"masses": [1.0, 2.0]}]))
    with pytest.raises(ValueError, match=r"suite corners: .* masses\[0\], masses\[1\]"):
        Contexts(problem)


def test_parameters_of_tasks_that_are_evaluated_are_readable_within_alone():
    suite = make_suite("half-cheetah-velocity")
    problem = problem_on(suite, "test-parameters")
    first, second = (TaskRef("test", task.id) for task in suite.split.test[:2])
    contexts = Contexts(problem)
    with pytest.raises(AccessDenied, match="may not use test task"):
        contexts.of([first])
    with problem.evaluated_on([first]):
        assert contexts.of([first]).shape == (1, 1)
        with pytest.raises(AccessDenied, match="may not use test task"):
            contexts.of([second])
    with pytest.raises(AccessDenied, match="may not use test task"):
        contexts.of([first])


@pytest.mark.parametrize(
    ("granted", "message"),
    [(["train", "test-parameters"], "may not read the parameters"), (["train", "parameters"], "may not use test task")],
)
def test_who_was_not_granted_test_parameters_reads_none_while_it_is_evaluated(granted, message):
    suite = make_suite("half-cheetah-velocity")
    problem = Problem(suite, EvaluationProtocol(), Guard("training", granted))
    first = TaskRef("test", suite.split.test[0].id)
    with problem.evaluated_on([first]), pytest.raises(AccessDenied, match=message):
        problem.parameters(first)


def parted(parameters):
    """corners with other tasks."""
    suite = make_suite("corners")
    tasks = tuple(Task(str(index), values) for index, values in enumerate(parameters))
    suite.__dict__["split"] = Split(tasks, tasks, tasks, shared=True)
    return suite
