"""The second derivatives written out for Gaussian heads, against automatic differentiation."""

import dataclasses

import pytest
import torch

from algorithms.one_time_adaptation.distances import Centre
from algorithms.optimisation.adam import Adam
from algorithms.policies.networks import MINIMUM_LOG_STD, PolicyNetwork
from algorithms.policies.parameters import stacked
from tests.algorithms.test_bo_mrl import drawn_near, every_kind, prepared


class Graphed(PolicyNetwork):
    """A network under another class's name, so that its derivatives are taken automatically."""

    def __init__(self, network):
        self.network = network

    def initial(self, generator, dtype=torch.float32):
        return self.network.initial(generator, dtype)

    def distribution(self, parameters, observations):
        return self.network.distribution(parameters, observations)


def at_the_limits(kind, **config):
    """A learner, its data with ratios that are cut and masked steps, and solution and start with log-stds cut."""
    learner, _, step = prepared(kind, hidden=(5, 4), **config)
    batch = step.batch
    start, solution = drawn_near(learner.parameters, 0.3), drawn_near(learner.parameters, 0.3, purpose="other")
    dimensions = learner.network.sizes[-1]
    for parameters, output in ((start, dimensions), (solution, dimensions), (solution, dimensions + 1)):
        parameters["bias2"][:, output] = MINIMUM_LOG_STD
        log_std = learner.network.distribution(parameters, batch.observations).log_std[..., output - dimensions]
        assert 0 < int((log_std[:, 2] > MINIMUM_LOG_STD).sum()) < log_std[:, 2].numel()
    policy = learner.network.distribution(solution, batch.observations)
    batch.actions[:, 2] = (policy.mean + 0.5 * policy.log_std.exp())[:, 2]  # likely, also where the std is least
    batch.log_probabilities[:, 2] = policy.log_prob(batch.actions)[:, 2] - 0.1
    batch.log_probabilities[:, 1, :3] = -2_000.0
    return learner, step, solution, start


def graphed(implicit):
    adaptation = dataclasses.replace(implicit.adaptation, network=Graphed(implicit.adaptation.network))
    return dataclasses.replace(implicit, adaptation=adaptation)


def assert_equal(found, expected):
    """A unit's numbers, sums over steps, are to be exact to the size of its largest."""
    assert found.keys() == expected.keys()
    for layer in range(len(expected) // 2):
        ours, theirs = (
            torch.cat([image[f"weight{layer}"], image[f"bias{layer}"].unsqueeze(-2)], -2) for image in (found, expected)
        )
        size = theirs.abs().amax(-2, keepdim=True)
        assert size.max() > 0
        assert ((ours - theirs).abs() <= 1e-9 * size).all()


@every_kind
@pytest.mark.parametrize("hessian", ["bounded", "printed", "distance"])
@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("damping", [0.0, 0.1])
def test_products_with_the_lower_levels_hessian_are_autograds(kind, hessian, first_order, damping):
    learner, step, solution, start = at_the_limits(
        kind, hessian=hessian, first_order=first_order, hypergradient_damping=damping
    )
    implicit = learner.lower.implicit
    for point in (solution, drawn_near(learner.parameters, 0.1, purpose="ordinary")):
        written, automatic = (each.curvature(point, start, step) for each in (implicit, graphed(implicit)))
        for purpose in ("first", "second"):
            vector = drawn_near(learner.parameters, 1.0, purpose=purpose)
            assert_equal(written(vector), automatic(vector))


@every_kind
@pytest.mark.parametrize("first_order", [False, True])
def test_products_with_the_mixed_derivative_are_autograds(kind, first_order):
    learner, step, solution, start = at_the_limits(kind, first_order=first_order)
    implicit = learner.lower.implicit
    vector = drawn_near(learner.parameters, 1.0, purpose="vector")
    assert_equal(*(each.mixed(vector, solution, start, step) for each in (implicit, graphed(implicit))))


@pytest.mark.parametrize("chunk", [1, 2])
@pytest.mark.parametrize("cut", [False, True])
def test_products_with_the_fisher_matrix_are_autograds(chunk, cut):
    learner, _, step = prepared(1, hidden=(5, 4), tasks=3, chunk=chunk)
    learner.parameters = {name: value[0] for name, value in drawn_near(learner.parameters, 0.3).items()}
    if cut:
        learner.parameters["bias2"][learner.network.sizes[-1]] = MINIMUM_LOG_STD
    vector = {name: value[0] for name, value in drawn_near(learner.parameters, 1.0, purpose="vector").items()}
    expected = learner.graph_curvature(step).product(vector)
    curvature = learner.curvature(step)
    for _ in range(2):
        assert_equal(curvature(vector), expected)


def test_adam_on_task_vectors_is_adam_on_parameters():
    learner, _, step = prepared(1, adam_steps=4)
    lower = learner.lower.adaptation
    start = {name: value.clone() for name, value in stacked(learner.parameters, 2).items()}
    ascent = lower.ascent(Centre.of(learner.network, start, step.batch), step, None)
    parameters, optimizer = start, Adam(start, lower.adam_step_size)
    for _ in range(lower.adam_steps):
        parameters = optimizer.ascend(parameters, ascent(parameters))
    for name, value in lower.solve(start, step).items():
        torch.testing.assert_close(value, parameters[name], rtol=0, atol=0)
