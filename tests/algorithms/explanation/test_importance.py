"""Lemma 3 of XMRL-G on a small tabular problem, against finite differences with the lower level solved."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from algorithms.explanation.explain import evidence, explain
from algorithms.explanation.importance import HARDLY_MORE, ImportanceProblem, largest_curvature
from algorithms.explanation.lemma_three import lemma_three
from algorithms.explanation.objectives import Objectives
from algorithms.explanation.options import ExplanationConfig
from environments.streams import Streams
from environments.task import TaskRef
from environments.typed_options import UsageError, make_options
from tests.support.tabular_problem import SmallTabular, in_float64, learner_on

REPLICATES = 2
SMALL = {"trajectories": 6, "chunk": 2, "hidden": (6,)}
IMAML = {"inner_step_size": 5.0, "proximal_steps": 30, "proximal_rate": 0.9, "implicit_iterations": 30}
METHODS = {
    "maml-vpg": {"inner_step_size": 5.0},
    "promp": {"inner_step_size": 5.0},
    "cavia": {"context_step_size": 5.0, "context_size": 3},
    "imaml": IMAML,
}
SOLVED = {"tolerance": 1e-11, "lower_steps": 300, "implicit_iterations": 100}
#: central differences of gradients are less exact, and never quite symmetric
BY_DIFFERENCES = {"tolerance": 1e-6, "lower_steps": 30, "implicit_iterations": 10}


def curved(batches):
    """With advantages of a baseline that is off: of their own state's the surrogate of a table is linear."""
    return [replace(batch, advantages=batch.advantages.double() + 0.5) for batch in batches]


def problem_of(method, **options):
    """A learner away from its initialisation in float64, training tasks 0 to 2 and task 2 as the poor one."""
    learner, collector = learner_on(SmallTabular(), method, 1, **SMALL, **METHODS[method])
    in_float64(learner)
    for name, value in learner.parameters.items():
        drawn = torch.randn(value.shape, generator=Streams(1).torch(name), dtype=torch.float64)
        learner.parameters[name] = value + 0.3 * drawn
    tasks = [TaskRef("train", f"mdp-{index}") for index in range(3)]
    training, poor = (curved(evidence(learner, few, collector, REPLICATES)) for few in (tasks, tasks[2:]))
    config = make_options(ExplanationConfig, {"critical_tasks": 1, **options}, "explanation")
    return learner, training, poor, config


def importance(method, **options):
    solved = BY_DIFFERENCES if method == "imaml" else SOLVED
    learner, training, poor, config = problem_of(method, **{**solved, **options})
    return ImportanceProblem(*(Objectives(learner, data, config.curvature) for data in (training, poor)), config)


def uniform(problem):
    return torch.full((problem.training.rows,), 1 / problem.training.rows, dtype=torch.float64)


@pytest.mark.parametrize("method", METHODS)
def test_the_hypergradient_is_that_of_finite_differences_with_the_lower_level_solved(method):
    problem = importance(method)
    # imaml's solutions are exact to 1e-6 alone, which a smaller step of the weights magnifies
    found = lemma_three(problem, uniform(problem), 1e-4 if problem.training.exact else 1e-2)
    assert found.differences.norm() > 0
    assert found.corrected_error <= (1e-6 if problem.training.exact else 2e-4)
    assert found.printed_error == pytest.approx(2, rel=1e-3)


def test_the_lower_level_is_solved_where_its_slope_vanishes():
    problem = importance("maml-vpg")
    weights = uniform(problem)
    point, left = problem.settled(weights)
    assert left <= 1e-11
    reached = problem.value(point, weights)[0]
    for seed in range(3):
        nudge = torch.from_numpy(np.random.default_rng(seed).normal(size=len(point)))
        assert problem.value(point + 1e-3 * nudge / nudge.norm(), weights)[0] < reached


@pytest.mark.parametrize("method", ["maml-vpg", "promp", "cavia"])
def test_products_by_differences_are_those_by_double_backward(method):
    exact, differences = (importance(method, curvature=kind).training for kind in ("exact", "differences"))
    weights = torch.linspace(-1, 2, exact.rows, dtype=torch.float64)
    vector = torch.randn(len(exact.start), generator=Streams(0).torch("vector"), dtype=torch.float64)
    one, other = (each.hessian(each.start, weights)(vector) for each in (exact, differences))
    assert (one - other).norm() <= 1e-6 * one.norm()


def test_imamls_solution_is_differentiable_once_so_its_curvature_is_by_differences():
    assert not importance("imaml").training.exact
    with pytest.raises(UsageError, match="imaml's meta-objective can be differentiated only once"):
        importance("imaml", curvature="exact")


def test_the_weighted_gradient_is_that_of_the_rows():
    objectives = importance("maml-vpg").training
    weights = torch.linspace(-1, 2, objectives.rows, dtype=torch.float64)
    slopes = objectives.gradients(objectives.start)
    torch.testing.assert_close(objectives.weighted(objectives.start, weights)[1], weights @ slopes)


def test_the_largest_curvature_is_the_largest_eigenvalue():
    basis = torch.linalg.qr(torch.randn(8, 8, generator=Streams(0).torch("basis"), dtype=torch.float64))[0]
    matrix = basis @ torch.diag(torch.tensor([-5.0, 1, 2, 3, 0.5, 0, 1, 4], dtype=torch.float64)) @ basis.T
    start = torch.ones(8, dtype=torch.float64)
    assert largest_curvature(lambda vector: matrix @ vector, start, 20) == pytest.approx(5, rel=HARDLY_MORE)
    assert largest_curvature(lambda vector: matrix @ vector, 0 * start, 20) == 0


def test_no_product_is_spent_on_a_largest_curvature_that_is_known():
    """Where one eigenvalue stands far above the others, as a network's do."""
    matrix = torch.diag(torch.tensor([100.0, *torch.linspace(-1, 1, 30)], dtype=torch.float64))
    taken = []

    def product(vector):
        taken.append(vector)
        return matrix @ vector

    assert largest_curvature(product, torch.ones(31, dtype=torch.float64), 20) == pytest.approx(100, rel=1e-3)
    assert len(taken) <= 4


def test_where_there_is_no_curvature_the_solution_stays_within_reach():
    problem = importance("maml-vpg", reach=0.25)
    problem.training.learner.task_objectives = lambda parameters, batches: (
        parameters["logits"].sum() * batches[0].advantages.mean((1, 2))
    )
    linear = ImportanceProblem(problem.training, problem.poor, problem.options)
    point, left = linear.settled(uniform(problem))
    assert left <= 1e-11
    assert float((point - linear.start).norm()) == pytest.approx(0.25)


def test_the_meta_parameters_stay_and_the_weighted_ones_serve_the_poor_tasks_better():
    learner, training, poor, config = problem_of("maml-vpg")
    before = {name: value.clone() for name, value in learner.parameters.items()}
    found = explain(learner, training, poor, config, np.random.default_rng(0))
    assert all(torch.equal(before[name], value) for name, value in learner.parameters.items())
    assert found.after > found.before
    assert found.parameters.keys() == before.keys()
    assert found.slope_left <= config.tolerance
    assert found.residual <= config.tolerance
    assert found.truncated == 0
    torch.testing.assert_close(found.weights, 1 / 3 + found.influence.mean(0))
    # five steps of a fifth of 1 / N at most
    assert float(found.weights.min()) >= 0
    assert float(found.weights.max()) <= 2 / 3 + 1e-12


def test_the_result_depends_on_neither_the_scale_of_the_objective_nor_on_chunks():
    learner, training, poor, config = problem_of("maml-vpg")
    plain = explain(learner, training, poor, config, np.random.default_rng(0))
    object.__setattr__(learner.config, "chunk", 4)
    again = explain(learner, training, poor, config, np.random.default_rng(0))
    torch.testing.assert_close(again.weights, plain.weights, rtol=1e-9, atol=0)
    outer = learner.outer_objective
    learner.outer_objective = lambda policy, batch: 1000 * outer(policy, batch)
    scaled = explain(learner, training, poor, config, np.random.default_rng(0))
    torch.testing.assert_close(scaled.weights, plain.weights, rtol=1e-6, atol=0)
