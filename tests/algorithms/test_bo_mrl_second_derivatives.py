"""What BO-MRL's second derivatives are taken of, against whole matrices; and Adam on vectors of parameters."""

import pytest
import torch

from algorithms.estimators.surrogates import mean_kl
from algorithms.one_time_adaptation.distances import Centre, squared_distance
from algorithms.optimisation.adam import Adam
from algorithms.optimisation.task_chunks import chunks
from algorithms.policies.networks import MINIMUM_LOG_STD
from algorithms.policies.parameters import flat, from_task_vectors, stacked, task_vectors, unflat
from tests.support.bo_mrl_learners import DISTANCES, drawn_near, every_kind, prepared

DAMPING = 0.5


@every_kind
@pytest.mark.parametrize("hessian", ["bounded", "printed", "distance"])
@pytest.mark.parametrize("first_order", [False, True])
def test_a_gradient_is_pulled_back_through_the_hessian_that_is_asked_for(kind, hessian, first_order):
    learner, _, step = prepared(
        kind,
        "corners[horizon=6]",
        hidden=(2,) if kind == 3 else (),  # as a distance between networks has directions of negative curvature
        regularisation=20.0,
        hessian=hessian,
        first_order=first_order,
        hypergradient_damping=DAMPING,
        hypergradient_iterations=200,
    )
    lower = learner.lower
    start, solution = (drawn_near(learner.parameters, 0.02, purpose=purpose) for purpose in ("start", "solution"))
    slope = drawn_near(learner.parameters, 1.0, purpose="slope")

    def negated(theta, phi):
        """Of both tasks, for vectors [task, parameter]."""
        parameters, centre = from_task_vectors(theta, solution), from_task_vectors(phi, start)
        policy = learner.network.distribution(parameters, step.trajectories.observations)
        around = Centre.of(learner.network, centre, step.trajectories)
        penalty = 20.0 * squared_distance(DISTANCES[kind], around, parameters, policy, step.trajectories.mask).sum()
        if first_order:
            return penalty - (task_vectors(lower.slope(centre, step, differentiable=True)) * theta).sum()
        if hessian == "distance":
            return penalty
        return penalty - lower.gain(policy, step, keep_bound=hessian == "bounded").sum()

    found, negative = lower.vjp(slope, solution, start, step)
    assert not negative.any()
    points = (task_vectors(solution), task_vectors(start))
    (matrix, mixed), _ = torch.autograd.functional.hessian(negated, points)
    for task in range(2):
        system = matrix[task, :, task] + DAMPING * torch.eye(matrix.shape[1], dtype=matrix.dtype)
        expected = -mixed[task, :, task].T @ torch.linalg.solve(system, task_vectors(slope)[task])
        torch.testing.assert_close(task_vectors(found)[task], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("chunk", [1, 2])
@pytest.mark.parametrize("cut", [False, True])
def test_products_with_the_fisher_matrix_are_those_with_the_divergences_hessian(chunk, cut):
    learner, _, step = prepared(1, hidden=(5, 4), tasks=3, chunk=chunk)
    learner.parameters = {name: value[0] for name, value in drawn_near(learner.parameters, 0.3).items()}
    if cut:
        learner.parameters["bias2"][learner.network.sizes[-1]] = MINIMUM_LOG_STD
    old = learner.distribution(stacked(learner.parameters, 3), step)

    def divergence(vector):
        new = learner.distribution(stacked(unflat(vector, learner.parameters), 3), step)
        return mean_kl(old, new, step.trajectories.mask).sum()

    matrix = torch.autograd.functional.hessian(divergence, flat(learner.parameters))
    parts = [learner.fisher(step.select(part)) for part in chunks(3, learner.config.chunk)]
    for purpose in ("first", "second"):
        vector = {name: value[0] for name, value in drawn_near(learner.parameters, 1.0, purpose=purpose).items()}
        torch.testing.assert_close(
            sum(flat(part(vector)) for part in parts), matrix @ flat(vector), rtol=1e-7, atol=1e-7
        )


def test_adam_on_task_vectors_is_adam_on_parameters():
    learner, _, step = prepared(1, adam_steps=4)
    lower = learner.lower
    start = {name: value.clone() for name, value in stacked(learner.parameters, 2).items()}
    ascent = lower.ascent(Centre.of(learner.network, start, step.trajectories), step, None)
    parameters, optimiser = start, Adam(start, lower.config.adam_step_size)
    for _ in range(lower.config.adam_steps):
        parameters = optimiser.ascend(parameters, ascent(parameters))
    for name, value in lower.solve(start, step).items():
        torch.testing.assert_close(value, parameters[name], rtol=0, atol=0)
