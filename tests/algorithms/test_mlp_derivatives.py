"""The written-out derivatives of MLP policies, against automatic differentiation; what a line search tests, against
finite differences."""

import gymnasium
import pytest
import torch

from algorithms.curvature.hessian_products import HessianProduct
from algorithms.curvature.mlp_derivatives import MLPHessian, MLPOutputs
from algorithms.curvature.policy_maps import ParametersThemselves, hessian_at, policies_at
from algorithms.policies.gaussian_mlp import GaussianMLP
from algorithms.policies.networks import MLP
from algorithms.policies.parameters import flat, stacked, unflat
from environments.catalogue import make_suite
from environments.streams import Streams
from tests.support.tabular_problem import SmallTabular, in_float64, learner_on

BOX, DISCRETE = gymnasium.spaces.Box(-1, 1, (3,)), gymnasium.spaces.Discrete(4)
NETWORKS = {
    "gaussian": MLP(5, (8, 6), BOX),
    "categorical": MLP(5, (8,), DISCRETE),
    "linear": MLP(5, (), BOX),
    "variances": GaussianMLP(5, (8, 6), BOX),
}
every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
TASKS = 2


def drawn(purpose, *shape):
    return torch.randn(*shape, generator=Streams(0).torch(purpose), dtype=torch.float64)


def around(parameters, purpose, size=1.0):
    return {name: value + size * drawn(f"{purpose} {name}", *value.shape) for name, value in parameters.items()}


def prepared(network):
    """Parameters [task, ...], observations, and an objective of every task."""
    parameters = stacked(network.initial(Streams(0).torch("initial"), torch.float64), TASKS)
    parameters = around(parameters, "parameters", 0.3)
    observations, weights = drawn("observations", TASKS, 3, 4, 5).float(), drawn("weights", TASKS, 3, 4)
    actions = network.distribution(parameters, observations).sample(Streams(0).torch("actions"))
    return parameters, observations, lambda policy: (policy.log_prob(actions).exp() * weights).sum((1, 2))


def close(first, second):
    assert list(first) == list(second)
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=1e-10, atol=1e-12)


@every_network
def test_hessian_products_and_gradients_are_automatic_differentiations(network):
    parameters, observations, objective = prepared(network)
    fast = hessian_at(network, objective, parameters, observations)
    assert isinstance(fast, MLPHessian)
    slow = HessianProduct(lambda point: objective(network.distribution(point, observations)), parameters)
    torch.testing.assert_close(fast.value, slow.value)
    close(fast.gradient, slow.gradient)
    for purpose in ("first", "second"):  # a product leaves nothing behind
        vector = around({name: 0 * value for name, value in parameters.items()}, purpose)
        close(fast(vector), slow(vector))
        close(fast(vector, of=["bias0"]), {"bias0": slow(vector)["bias0"]})


@every_network
def test_a_policys_tangents_and_cotangents_are_automatic_differentiations(network):
    parameters, observations, objective = prepared(network)
    fast = policies_at(network, parameters, observations)
    assert isinstance(fast, MLPOutputs)
    slow = ParametersThemselves(lambda point: network.distribution(point, observations), parameters)
    vector = around({name: 0 * value for name, value in parameters.items()}, "vector")
    pulled, changes = [], []
    for each in (fast, slow):
        values = objective(each.distribution)
        slopes = torch.autograd.grad(values.sum(), list(each.leaves.values()))
        pulled.append(each.transposed(dict(zip(each.leaves, slopes, strict=True))))
        moves = each.tangent(vector)
        changes.append(sum((slope * moves[name]).sum() for name, slope in zip(each.leaves, slopes, strict=True)))
    close(*pulled)
    torch.testing.assert_close(*changes, rtol=1e-10, atol=1e-12)


def test_a_network_of_ones_own_is_differentiated_automatically():
    class Doubled(MLP):
        def distribution(self, parameters, observations):
            return super().distribution(parameters, 2 * observations)

    network = Doubled(5, (8,), BOX)
    parameters, observations, objective = prepared(network)
    assert isinstance(policies_at(network, parameters, observations), ParametersThemselves)
    assert isinstance(hessian_at(network, objective, parameters, observations), HessianProduct)


@pytest.mark.parametrize("suite", [SmallTabular(), make_suite("corners[horizon=6]")], ids=["tabular", "gaussian"])
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("method", ["maml-trpo", "e-maml-trpo", "lvc-trpo", "cavia"])
def test_what_the_line_search_tests_is_what_was_differentiated(method, steps, suite):
    """The gradient, against finite differences of `evaluate`."""
    inner = {} if method == "cavia" else {"inner_step_size": 0.5}
    learner, collector = learner_on(suite, method, steps, tasks=3, trajectories=5, hidden=(8,), **inner)
    in_float64(learner)
    learner.parameters = around(learner.parameters, "start", 0.2)
    data = learner.sample(collector)
    start, gradient = flat(learner.parameters), flat(learner.meta_gradient(learner.parameters, data)[1])
    for purpose in ("first", "second"):
        direction, size = drawn(purpose, len(start)), 1e-5
        ends = [
            learner.evaluate(unflat(start + sign * size * direction, learner.parameters), data)[0] for sign in (1, -1)
        ]
        assert (ends[0] - ends[1]) / (2 * size) == pytest.approx(float(gradient @ direction), rel=1e-6, abs=1e-9)
