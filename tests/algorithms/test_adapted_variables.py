"""The bias transform, learned step sizes and ReLU layers: exact where used, and today's bytes where not."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from algorithms.catalogue import find_algorithm
from algorithms.curvature.adapted_fisher import inner_steps
from algorithms.estimators.surrogates import mean_kl
from algorithms.maml_trpo import MamlTrpo
from algorithms.maml_vpg import MamlVpg
from algorithms.optimisation.inner_update import OF_STEP, inner_update
from algorithms.policies.context_mlp import CONTEXT
from algorithms.policies.networks import make_network
from algorithms.policies.parameters import stacked
from environments.catalogue import make_suite
from environments.task import TaskRef
from environments.typed_options import UsageError
from tests.support.tabular_problem import SmallTabular, in_float64, learner_on

CORNERS = make_suite("corners[horizon=6]")
SMALL = {"tasks": 3, "trajectories": 4, "hidden": (5, 4), "chunk": 2, "inner_step_size": 0.4}
CHANGED = [
    {"bias_dim": 2},
    {"bias_dim": 2, "adapted_variables": "bias"},
    {"learned_step_sizes": True},
    {"bias_dim": 3, "learned_step_sizes": True, "activation": "relu", "bias_start": 1.0},
    {"bias_dim": 2, "adapted_variables": "bias", "learned_step_sizes": True},
]
each_change = pytest.mark.parametrize("config", CHANGED, ids=str)


def as_before(cls):
    """The method as it was when it had no such options: all parameters move by one number."""

    class Before(cls):
        name = "before"

        def __init__(self, problem, config, streams):
            super().__init__(problem, config, streams)
            spaces = problem.observation_space, problem.action_space
            network = make_network(*spaces, config.hidden, config.initial_std)
            assert type(network) is type(self.network)
            self.network, self.parameters = network, network.initial(streams.torch("initial parameters"))

        def adapted(self, parameters, batches, differentiable, seen=None):
            for batch in batches:
                objective = self.inner_value(batch, seen)
                parameters = inner_update(objective, parameters, self.config.inner_step_size, differentiable)
            return parameters

        def jacobians(self, start, batches):
            hessians = [partial(self.hessian, batch) for batch in batches]
            return inner_steps(hessians, start, self.config.inner_step_size)

        def meta_gradient(self, parameters, batches):
            leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
            values, totals = [], {name: torch.zeros_like(value) for name, value in parameters.items()}
            for few in self.each_chunk(lambda few: few, batches):
                objective = self.task_objectives(leaves, few).sum()
                values.append(float(objective.detach()))
                for name, slope in zip(leaves, torch.autograd.grad(objective, list(leaves.values())), strict=True):
                    totals[name] = totals[name] + slope
            tasks = batches[0].tasks
            return sum(values) / tasks, {name: 1 / tasks * value for name, value in totals.items()}

    return Before


def updated(cls, suite, iterations=2):
    learner, collector = learner_on(suite, cls.__mro__[1].name if cls.name == "before" else cls.name, 2, **SMALL)
    if cls.name == "before":
        learner = cls(learner.problem, learner.config, learner.streams)
    for iteration in range(iterations):
        collector.begin_iteration(iteration)
        learner.meta_step(collector)
    return learner.parameters


@pytest.mark.parametrize("suite", [CORNERS, SmallTabular()], ids=["vectors", "table"])
@pytest.mark.parametrize("cls", [MamlVpg, MamlTrpo], ids=lambda cls: cls.name)
def test_by_default_updates_leave_the_parameters_that_they_left_without_the_options(cls, suite):
    found, before = updated(cls, suite), updated(as_before(cls), suite)
    assert list(found) == list(before)
    for name, value in before.items():
        assert torch.equal(found[name], value), name
    start = learner_on(suite, cls.name, 2, **SMALL)[0].parameters
    assert any(not torch.equal(found[name], value) for name, value in start.items())


def sampled(name, steps=2, **config):
    learner, collector = learner_on(CORNERS, name, steps, **{**SMALL, **config})
    in_float64(learner)
    return learner, learner.sample(collector)


def nearby(parameters, size, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return {
        name: value + size * torch.randn(value.shape, generator=draws, dtype=value.dtype)
        for name, value in parameters.items()
    }


@each_change
def test_the_meta_gradient_is_that_of_finite_differences(config):
    learner, batches = sampled("maml-vpg", **config)
    start = nearby(learner.parameters, 0.1)
    _, gradient = learner.meta_gradient(start, batches)
    direction = nearby({name: torch.zeros_like(value) for name, value in start.items()}, 1.0, seed=1)

    def mean_at(step):
        moved = {name: (value + step * direction[name]).requires_grad_() for name, value in start.items()}
        return float(learner.task_objectives(moved, batches).mean().detach())

    along = sum(float((gradient[name] * direction[name]).sum()) for name in start)
    assert (mean_at(1e-5) - mean_at(-1e-5)) / 2e-5 == pytest.approx(along, rel=1e-5, abs=1e-7)
    for name, slope in gradient.items():
        assert slope.abs().max() > 0, name


@each_change
def test_the_trust_regions_gradient_is_the_meta_gradient(config):
    learner, batches = sampled("maml-trpo", **config)
    found = learner.linearised(batches)
    _, expected = learner.meta_gradient(learner.parameters, batches)
    assert set(found.gradient) == set(expected)
    for name, slope in expected.items():
        torch.testing.assert_close(found.gradient[name] / 3, slope, rtol=1e-8, atol=1e-10)


@each_change
def test_the_trust_regions_metric_is_the_hessian_of_the_divergence(config):
    learner, batches = sampled("maml-trpo", **config)
    names = list(learner.parameters)
    vector = nearby({name: torch.zeros_like(value) for name, value in learner.parameters.items()}, 1.0)
    leaves = {name: value.clone().requires_grad_() for name, value in learner.parameters.items()}
    final = learner.adapted(stacked(leaves, 3), batches[:-1], differentiable=True)
    policy = learner.distribution(final, batches[-1])
    old = type(policy).from_parameters({name: value.detach() for name, value in policy.parameters.items()})
    divergence = mean_kl(old, policy, batches[-1].trajectories.mask).sum()
    slopes = torch.autograd.grad(divergence, list(leaves.values()), create_graph=True, materialize_grads=True)
    along = sum((slope * vector[name]).sum() for name, slope in zip(names, slopes, strict=True))
    products = torch.autograd.grad(along, list(leaves.values()), materialize_grads=True)
    found = learner.linearised(batches).fisher(vector)
    for name, product in zip(names, products, strict=True):
        torch.testing.assert_close(found[name], product, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["maml-vpg", "maml-trpo"])
def test_the_bias_alone_is_adapted_by_its_own_learned_step_sizes(name):
    config = {"bias_dim": 2, "adapted_variables": "bias", "learned_step_sizes": True}
    learner, collector = learner_on(CORNERS, name, 2, **{**SMALL, **config})
    assert torch.equal(learner.parameters[OF_STEP + CONTEXT], torch.full((2,), 0.4))
    learner.meta_step(collector)
    assert not torch.equal(learner.parameters[OF_STEP + CONTEXT], torch.full((2,), 0.4))
    tasks = [TaskRef("train", task.id) for task in CORNERS.split.train]
    adaptation = learner.adapt(tasks)
    before = next(adaptation)
    after = adaptation.send(collector.collect(before, tasks, 4))
    for key, value in after.parameters.items():
        assert torch.equal(value, before.parameters[key]) == (key != CONTEXT), key
    reloaded, _ = learner_on(CORNERS, name, 2, **{**SMALL, **config})
    reloaded.load_state_dict(learner.state_dict())
    assert torch.equal(reloaded.parameters[OF_STEP + CONTEXT], learner.parameters[OF_STEP + CONTEXT])


def test_a_bias_transform_is_the_network_of_longer_observations():
    learner, _ = learner_on(CORNERS, "maml-vpg", 1, **SMALL, bias_dim=2, bias_start=1.5)
    plain, _ = learner_on(CORNERS, "maml-vpg", 1, **SMALL)
    observations = torch.randn(2, 3, 4, 2, generator=torch.Generator().manual_seed(0))
    longer = torch.cat([observations, torch.full((2, 3, 4, 2), 1.5)], -1)
    parameters = stacked(learner.parameters, 2)
    wide = type(plain.network)(4, SMALL["hidden"], CORNERS.action_space)
    expected = wide.distribution(parameters, longer).parameters["mean"]
    torch.testing.assert_close(learner.network.distribution(parameters, observations).parameters["mean"], expected)


def test_relu_layers_are_rectified_in_every_network():
    for name in ("maml-vpg", "promp", "cavia", "bo-mrl-1", "maesn"):
        config = {key: value for key, value in SMALL.items() if key != "inner_step_size"}
        tanh, _ = learner_on(CORNERS, name, 1, **config)
        relu, collector = learner_on(CORNERS, name, 1, **config, activation="relu")
        seen = torch.full((1, 1, 1, 2), 0.7)
        parameters = stacked(relu.parameters, 1)
        given = (parameters, seen, torch.full((1, 1, 2), 0.7)) if name == "maesn" else (parameters, seen)  # its latents
        found, other = (each.network.distribution(*given).parameters["mean"] for each in (relu, tanh))
        assert not torch.allclose(found, other)
        relu.meta_step(collector)


def test_methods_that_adapt_otherwise_have_no_such_options():
    for name in ("imaml", "cavia", "e-maml-trpo", "promp"):
        assert "bias_dim" not in find_algorithm(name).load().Config.__dataclass_fields__
        with pytest.raises(UsageError, match="learned_step_sizes"):
            learner_on(CORNERS, name, 1, learned_step_sizes=True)


def test_maml_with_a_bias_transform_is_maml_with_the_option_and_not_without_one():
    learner, _ = learner_on(CORNERS, "maml-trpo-bias", **SMALL)
    same, _ = learner_on(CORNERS, "maml-trpo", **SMALL, bias_dim=2)
    assert learner.parameters[CONTEXT].shape == (2,)
    assert learner.parameters.keys() == same.parameters.keys()
    assert all(torch.equal(value, same.parameters[name]) for name, value in learner.parameters.items())
    with pytest.raises(ValueError, match="without a bias transform the method is maml-trpo"):
        type(learner).Config(bias_dim=0)
