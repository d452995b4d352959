"""CAVIA: what adaptation moves and what it leaves, its meta-gradient and its curvature, against double backward."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from algorithms.curvature.adapted_fisher import inner_steps
from algorithms.estimators.surrogates import mean_kl
from algorithms.policies.context_mlp import CONTEXT, ContextMLP
from algorithms.policies.networks import MLP
from algorithms.policies.parameters import flat, stacked, unflat
from environments.catalogue import make_suite
from environments.streams import Streams
from environments.typed_options import UsageError
from tests.support.tabular_problem import SmallTabular, in_float64, learner_on

TASKS = 3
SUITES = {"tabular": SmallTabular(), "gaussian": make_suite("half-cheetah-velocity[horizon=6]")}
SMALL = {"tasks": TASKS, "trajectories": 5, "chunk": 2, "hidden": (8, 8), "context_size": 4, "context_step_size": 3.0}

on_both_kinds = pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)


def drawn(purpose, *shape):
    return torch.randn(*shape, generator=Streams(0).torch(purpose), dtype=torch.float64)


def sampled(suite, steps=1, **config):
    """CAVIA in float64 away from its initialisation, and data of unequal lengths."""
    learner, collector = learner_on(suite, "cavia", steps, **{**SMALL, **config})
    in_float64(learner)
    learner.parameters = {name: value + 0.3 * drawn(name, *value.shape) for name, value in learner.parameters.items()}
    return learner, [cut_short(step) for step in learner.sample(collector)]


def cut_short(step):
    mask = step.trajectories.mask.double()
    mask[1, 2:, 2:] = 0
    return replace(step, trajectories=replace(step.trajectories, mask=mask))


@on_both_kinds
def test_adaptation_moves_the_context_and_no_parameter_of_the_network(suite):
    learner, collector = learner_on(suite, "cavia", 2, **SMALL)
    tasks = collector.sample_tasks(TASKS)
    adaptation = learner.adapt(tasks)
    policy, contexts = next(adaptation), []
    for _ in range(2):
        policy = adaptation.send(collector.collect(policy, tasks, 5))
        contexts.append(policy.parameters.pop(CONTEXT))
        assert policy.parameters.keys() == learner.parameters.keys()
        for name, value in policy.parameters.items():
            assert torch.equal(value, stacked(learner.parameters, TASKS)[name])
        policy.parameters[CONTEXT] = contexts[-1]
    assert contexts[0].shape == (TASKS, 4)
    assert (contexts[0].abs().amax(1) > 0).all()
    assert (contexts[0] != contexts[1]).all()
    assert len({tuple(row.tolist()) for row in contexts[0]}) == TASKS


@on_both_kinds
def test_every_adaptation_starts_from_a_context_of_zero(suite):
    learner, collector = learner_on(suite, "cavia", 1, **SMALL)
    learner.meta_step(collector)
    tasks = collector.sample_tasks(TASKS)
    adaptation = learner.adapt(tasks)
    before = next(adaptation)
    batch = collector.collect(before, tasks, 5)
    adaptation.send(batch)
    again = next(learner.adapt(tasks))
    at_zero = {**stacked(learner.parameters, TASKS), CONTEXT: torch.zeros(TASKS, 4)}
    for parameters in (again.parameters, at_zero):
        policy = learner.network.distribution(parameters, batch.observations)
        for name, value in policy.parameters.items():
            acted = batch.distribution[name]
            torch.testing.assert_close(value.expand_as(acted), acted, rtol=1e-5, atol=1e-6)
    assert CONTEXT not in learner.state_dict()["parameters"]


@on_both_kinds
def test_the_context_is_concatenated_to_the_observation(suite):
    space = suite.observation_space
    network = ContextMLP(space, suite.action_space, (8, 8), 4)
    plain = MLP(network.inputs + 4, (8, 8), suite.action_space)
    parameters = stacked(network.initial(Streams(0).torch("initial"), torch.float64), TASKS)
    assert {name: value.shape for name, value in plain.initial(Streams(0).torch("initial")).items()} == {
        name: value.shape[1:] for name, value in parameters.items()
    }
    context = drawn("context", TASKS, 4)
    if network.states:
        observations = torch.arange(TASKS * 5 * 2).reshape(TASKS, 5, 2) % network.states
        vectors = torch.nn.functional.one_hot(observations, network.states).double()
    else:
        observations = vectors = drawn("observations", TASKS, 5, 2, network.inputs)
    ours = network.distribution({**parameters, CONTEXT: context}, observations)
    beside = torch.cat([vectors, context[:, None, None].expand(-1, 5, 2, -1)], dim=-1)
    theirs = plain.distribution(parameters, beside)
    for name, value in ours.parameters.items():
        torch.testing.assert_close(value, theirs.parameters[name], rtol=1e-12, atol=1e-12)


@on_both_kinds
def test_the_contexts_gradient_does_not_vanish_at_initialisation(suite):
    """It is not small beside that of the first layer's biases, through which the context acts."""
    learner, collector = learner_on(suite, "cavia", 1, **{**SMALL, "context_size": 50})
    step = learner.sample(collector)[0]
    start = stacked(learner.parameters, TASKS)
    leaves = {
        name: value.clone().requires_grad_() for name, value in {**start, CONTEXT: torch.zeros(TASKS, 50)}.items()
    }
    slopes = torch.autograd.grad(learner.inner_value(step)(leaves).sum(), [leaves[CONTEXT], leaves["bias0"]])
    assert (slopes[0].norm(dim=1) > 0.3 * slopes[1].norm(dim=1)).all()
    assert (slopes[1].norm(dim=1) > 0).all()


@on_both_kinds
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_meta_gradient_equals_finite_differences_however_tasks_are_chunked(suite, steps):
    learner, data = sampled(suite, steps)
    start, size = flat(learner.parameters), 1e-5

    def mean(vector):
        return float(learner.task_objectives(unflat(vector, learner.parameters), data).mean().detach())

    start = start + 0.05 * drawn("away from the policy that acted", *start.shape)
    objective, gradient = learner.meta_gradient(unflat(start, learner.parameters), data)
    assert objective == pytest.approx(mean(start), rel=1e-12)
    assert learner.evaluate(unflat(start, learner.parameters), data)[0] == pytest.approx(objective, rel=1e-12)
    for index in range(4):
        direction = drawn(f"direction {index}", *start.shape)
        difference = (mean(start + size * direction) - mean(start - size * direction)) / (2 * size)
        assert float(flat(gradient) @ direction) == pytest.approx(difference, rel=1e-6, abs=1e-8)


def divergence_product(learner, data, vector):
    """The Hessian of the mean KL(old || new) of the adapted policies times a vector, by double backward."""
    leaves = {name: value.clone().requires_grad_() for name, value in learner.parameters.items()}
    adapted = learner.adapted(stacked(leaves, TASKS), data[:-1], differentiable=True)
    policy = learner.distribution(adapted, data[-1])
    old = type(policy).from_parameters({name: value.detach() for name, value in policy.parameters.items()})
    divergence = mean_kl(old, policy, data[-1].trajectories.mask).mean()
    slopes = torch.autograd.grad(divergence, list(leaves.values()), create_graph=True)
    products = torch.autograd.grad(slopes, list(leaves.values()), list(unflat(vector, leaves).values()))
    return torch.cat([product.reshape(-1) for product in products])


@on_both_kinds
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_curvature_is_the_hessian_of_the_mean_divergence(suite, steps):
    learner, data = sampled(suite, steps)
    parts = [part.fisher for part in learner.each_chunk(learner.linearised, data)]
    for index in range(3):
        vector = drawn(f"vector {index}", flat(learner.parameters).numel())
        direction = unflat(vector, learner.parameters)
        product = torch.stack([flat(part(direction)) for part in parts]).sum(0) / TASKS
        exact = divergence_product(learner, data, vector)
        assert (product - exact).norm() < 1e-9 * exact.norm()


def test_with_one_step_size_for_every_parameter_the_fisher_matrix_is_that_of_a_shared_one():
    learner, collector = learner_on(SUITES["gaussian"], "maml-trpo", 2, tasks=TASKS, trajectories=4, hidden=(6,))
    in_float64(learner)
    data = [cut_short(step) for step in learner.sample(collector)]
    inner = [partial(learner.hessian, step) for step in data[:-1]]
    start = stacked(learner.parameters, TASKS)
    shared, separate = (
        learner.fisher(*inner_steps(inner, start, step_size), data[-1])
        for step_size in (0.7, dict.fromkeys(start, 0.7))
    )
    vector = unflat(drawn("vector", flat(learner.parameters).numel()), learner.parameters)
    torch.testing.assert_close(flat(separate(vector)), flat(shared(vector)), rtol=1e-10, atol=1e-12)


def test_the_bound_is_on_the_divergence_over_states_of_whole_actions():
    """Summed over the action's dimensions, not averaged: the bound is as tight as MAML's."""
    learner, data = sampled(SUITES["gaussian"])
    moved = {name: value + 0.01 * drawn(f"move {name}", *value.shape) for name, value in learner.parameters.items()}
    _, divergence = learner.evaluate(moved, data)
    adapted = learner.adapted(stacked(moved, TASKS), data[:-1], differentiable=False)
    new, batch = learner.distribution(adapted, data[-1]), data[-1].trajectories
    old = torch.distributions.Normal(batch.distribution["mean"], batch.distribution["log_std"].exp())
    each = torch.distributions.kl_divergence(old, torch.distributions.Normal(new.mean, new.log_std.exp()))
    exact = (each.sum(-1) * batch.mask).sum((1, 2)) / batch.mask.sum((1, 2))
    assert divergence == pytest.approx(float(exact.mean()), rel=1e-6)
    assert divergence > 0


def test_an_inner_step_size_for_all_parameters_is_refused():
    with pytest.raises(UsageError, match="inner_step_size"):
        learner_on(SUITES["tabular"], "cavia", inner_step_size=300.0)


@pytest.mark.parametrize("bad", [{"context_size": 0}, {"chunk": 0}, {"gae_lambda": 1.5}])
def test_an_option_out_of_range_is_refused_with_its_value(bad):
    (value,) = bad.values()
    with pytest.raises(UsageError, match=str(value)):
        learner_on(SUITES["tabular"], "cavia", **bad)


def test_meta_training_raises_the_exact_return_after_adaptation():
    suite = SmallTabular()
    learner, collector = learner_on(suite, "cavia", 1, tasks=3, trajectories=40, hidden=(16,))
    tasks, returns = collector.sample_tasks(3), []
    order = [int(task.id.removeprefix("mdp-")) for task in tasks]
    for iterations in (0, 40):
        for iteration in range(iterations):
            collector.begin_iteration(iteration)
            learner.meta_step(collector)
        adaptation = learner.adapt(tasks)
        policy = adaptation.send(collector.collect(next(adaptation), tasks, 500))
        states = torch.arange(4).expand(3, 1, 4)
        probabilities = policy.act(states, None, None)[0].log_probabilities.exp()[:, 0].double().numpy()
        placed = probabilities.copy()
        placed[order] = probabilities
        returns.append(suite.models.finite_return(placed, suite.horizon).mean())
    assert returns[1] > returns[0] + 1
