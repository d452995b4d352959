"""The methods that XMRL-G is compared with: each is MAML-VPG with its own option at nought, and what it adds to it."""

import copy

import pytest
import torch

from algorithms.augmentation.mixing import MixedTrajectories
from algorithms.catalogue import find_algorithm
from algorithms.meta_learning.weighted_updates import (
    WeightedUpdates,
    adam_derivatives,
    gauss_newton_diagonals,
    task_derivatives,
)
from algorithms.optimisation.adam import Adam
from algorithms.optimisation.trajectory_optimisation import improved
from algorithms.policies.parameters import flat, stacked, unflat
from benchmarks.execution.session import Session
from environments.catalogue import make_suite
from environments.facts import SuiteFacts
from environments.problem import EvaluationProtocol
from environments.streams import Streams
from environments.task import TaskRef
from environments.typed_options import UsageError, make_options
from tests.support.tabular_problem import SmallTabular, in_float64, learner_on

SUITE = "half-cheetah-velocity[horizon=10]"
ITERATION = 2 * 2 * 2 * 10
SMALL = {"tasks": 2, "trajectories": 2}
NEUTRAL = {
    "meta-augmentation": {"mixed_share": 0.0},
    "meta-regularization": {"inverted_weight": 0.0, "ordinary_weight": 0.0},
    "task-weighting": {"updates": 1},
    "maml-vpg-validation": {"validation_tasks": 0},
}
TINY = {**{name: {} for name in NEUTRAL}, "task-weighting": {"updates": 2, "step_size": 0.01}}


def session(name, budget=4 * ITERATION, state=None, seed=4, **options):
    cls = find_algorithm(name).load()
    config = make_options(cls.Config, {**SMALL, **options}, name)
    return Session(make_suite(SUITE), cls, config, Streams(seed), EvaluationProtocol(1, 2), budget, state)


def finished(training):
    told = []
    while (metrics := training.iterate()) is not None:
        told.append(metrics)
    return told


def assert_same(first, second):
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_same(first[key], second[key])
    else:
        assert torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


@pytest.mark.parametrize("name", NEUTRAL)
def test_with_its_own_option_neutral_it_is_maml_vpg_bit_for_bit(name):
    ours, plain = session(name, **NEUTRAL[name]), session("maml-vpg")
    assert finished(ours) == finished(plain)
    assert_same(ours.state, plain.state)
    assert ours.evaluate("validation", "final") == plain.evaluate("validation", "final")


@pytest.mark.parametrize("name", NEUTRAL)
def test_with_its_defaults_it_is_another_method(name):
    ours, plain = session(name, **TINY[name]), session("maml-vpg", step_size=TINY[name].get("step_size", 1e-3))
    finished(ours), finished(plain)
    assert ours.spent == plain.spent == 4 * ITERATION
    assert not torch.equal(ours.algorithm.parameters["weight0"], plain.algorithm.parameters["weight0"])


@pytest.mark.parametrize("name", NEUTRAL)
def test_a_resumed_training_is_the_uninterrupted_one(name):
    whole = session(name, **TINY[name])
    whole.iterate()
    resumed = session(name, state=copy.deepcopy(whole.state), **TINY[name])
    assert finished(whole) == finished(resumed)
    assert_same(whole.state, resumed.state)


@pytest.mark.parametrize(
    "name, option",
    [
        ("meta-augmentation", {"concentration": 0.0}),
        ("meta-augmentation", {"mixed_share": 1.5}),
        ("meta-regularization", {"ordinary_weight": -1.0}),
        ("task-weighting", {"updates": 0}),
        ("task-weighting", {"precision": 0.0}),
        ("task-weighting", {"halvings": -1}),
        ("maml-vpg-validation", {"validation_tasks": -1}),
    ],
)
def test_an_option_out_of_range_is_named(name, option):
    with pytest.raises(UsageError, match=next(iter(option))):
        make_options(find_algorithm(name).load().Config, option, name)


def test_every_task_has_a_coefficient_of_its_own_in_both_objectives():
    learner, collector = learner_on(make_suite(SUITE), "meta-augmentation", tasks=4, trajectories=2)
    before, after = learner.sample(collector)
    assert isinstance(before.trajectories, MixedTrajectories) and isinstance(after.trajectories, MixedTrajectories)
    coefficients = learner.coefficients(4, 0)
    assert len(coefficients.unique()) == 4
    assert torch.equal(coefficients, learner.coefficients(4, 0))
    assert not torch.equal(coefficients, learner.coefficients(4, 1))
    drawn = torch.cat([learner.coefficients(1000, iteration) for iteration in range(20)])
    assert abs(drawn.mean() - 0.5) < 0.01
    assert abs(drawn.var() - 1 / 8) < 0.004  # of Beta(1/2, 1/2)


def test_mixing_for_the_outer_objective_alone_leaves_what_is_adapted_to():
    learner, collector = learner_on(make_suite(SUITE), "meta-augmentation", **SMALL, mixed_objectives="outer")
    plain, other = learner_on(make_suite(SUITE), "maml-vpg", **SMALL)
    (before, after), (plain_before, plain_after) = learner.sample(collector), plain.sample(other)
    assert torch.equal(before.advantages, plain_before.advantages)
    assert torch.equal(after.trajectories.rewards, plain_after.trajectories.rewards)
    assert not torch.equal(after.advantages, plain_after.advantages)


def test_mixing_does_not_fit_discrete_observations():
    cls = find_algorithm("meta-augmentation").load()
    assert "mixes observations" in cls.fits(SuiteFacts.of(make_suite("frozen-lake-low")))
    for suite in ("half-cheetah-velocity", "drone-obstacles", "corners"):
        assert cls.fits(SuiteFacts.of(make_suite(suite))) is None


def regularised(**options):
    weights = {"inverted_weight": 0.0, "ordinary_weight": 0.0, **options}
    learner, collector = learner_on(SmallTabular(), "meta-regularization", tasks=3, trajectories=5, **weights)
    plain, _ = learner_on(SmallTabular(), "maml-vpg", tasks=3, trajectories=5)
    batches = learner.sample(collector)
    parameters = {"logits": torch.from_numpy(Streams(1).numpy("logits").normal(size=(4, 3))).float()}
    return learner, plain, batches, parameters


def test_the_inner_regulariser_pushes_away_from_nought_and_the_outer_one_pulls():
    learner, plain, batches, parameters = regularised(inverted_weight=0.4, ordinary_weight=0.3)
    start = stacked(parameters, 3)
    pushed = learner.adapted(start, batches[:-1], differentiable=False)["logits"]
    free = plain.adapted(start, batches[:-1], differentiable=False)["logits"]
    torch.testing.assert_close(pushed, free + 0.1 * 0.4 * parameters["logits"])
    learner, plain, batches, parameters = regularised(ordinary_weight=0.3)
    (_, slope), (_, other) = learner.meta_gradient(parameters, batches), plain.meta_gradient(parameters, batches)
    torch.testing.assert_close(slope["logits"], other["logits"] - 0.3 * parameters["logits"])


def test_the_outer_regulariser_may_be_of_the_adapted_parameters():
    learner, plain, batches, parameters = regularised(ordinary_weight=0.3, ordinary_point="adapted")
    adapted = plain.adapted(stacked(parameters, 3), batches[:-1], differentiable=False)["logits"]
    leaves = {"logits": parameters["logits"].requires_grad_()}
    lost = plain.task_objectives(leaves, batches) - learner.task_objectives(leaves, batches)
    torch.testing.assert_close(lost.detach(), 0.15 * adapted.square().sum((1, 2)))


@pytest.mark.parametrize("inverted", [False, True])
def test_the_inverted_regulariser_acts_at_evaluation_only_if_asked_to(inverted):
    learner, plain, _, parameters = regularised(inverted_weight=0.4, inverted_at_evaluation=inverted)
    trajectories = learner_on(SmallTabular(), "maml-vpg", tasks=3, trajectories=5)
    data = trajectories[0].sample(trajectories[1])[0].trajectories
    policies = []
    for method in (learner, plain):
        method.parameters = parameters
        adaptation = method.adapt([TaskRef("validation", f"mdp-{index}") for index in range(3)])
        next(adaptation)
        policies.append(adaptation.send(data).parameters["logits"])
    assert torch.equal(*policies) != inverted


def test_validation_tasks_are_drawn_as_often_as_training_tasks():
    suite = make_suite(SUITE)
    learner, collector = learner_on(suite, "maml-vpg-validation", tasks=10, trajectories=1)
    counts = {}
    for iteration in range(300):
        collector.begin_iteration(iteration)
        drawn = learner.drawn_tasks(collector)
        assert len(set(drawn)) == 10
        for task in drawn:
            counts[task] = counts.get(task, 0) + 1
    every = [TaskRef(split, task.id) for split in ("train", "validation") for task in suite.split.tasks(split)]
    assert set(counts) == set(every)
    expected = 3000 / len(every)
    assert all(abs(count - expected) < 4.5 * expected**0.5 for count in counts.values())


def test_more_tasks_than_both_splits_have_are_drawn_in_rounds():
    learner, collector = learner_on(SmallTabular(), "maml-vpg-validation", tasks=13, trajectories=1)
    counts = sorted(learner.drawn_tasks(collector).count(task) for task in set(learner.drawn_tasks(collector)))
    assert sum(counts) == 13
    assert len(counts) == 6


def weighted_updates(updates=2, suite=None, steps=3, **options):
    """A few updates after `steps` of training, in float64, and the learner."""
    learner, collector = learner_on(suite or SmallTabular(), "task-weighting", tasks=3, trajectories=20, **options)
    in_float64(learner)
    learner.optimiser = Adam(learner.parameters, 0.05)
    for iteration in range(steps):
        collector.begin_iteration(iteration)
        learner.update(learner.sample(collector))
    data = [learner.sample(collector) for _ in range(updates)]
    system = WeightedUpdates(learner, learner.parameters, learner.optimiser, data, 10.0, 4, 0)
    return system, learner, data


def test_the_derivatives_of_adams_step_are_exact():
    drawn = Streams(0).numpy("numbers")
    state = torch.from_numpy(drawn.normal(size=(3, 5)))
    state[2] = state[2].square()
    state[1:, 4] = 0
    gradient = torch.from_numpy(drawn.normal(size=5))
    gradient[4] = 0  # nothing has moved the last number yet

    def step(state, gradient):
        optimiser = Adam({"x": state[0]}, 0.1)
        optimiser.load_state_dict({"steps": 4, "mean": {"x": state[1]}, "square": {"x": state[2]}})
        value = optimiser.ascend({"x": state[0]}, {"x": gradient})["x"]
        kept = optimiser.state_dict()
        return torch.stack([value, kept["mean"]["x"], kept["square"]["x"]])

    optimiser = Adam({"x": state[0]}, 0.1)
    optimiser.load_state_dict({"steps": 3, "mean": {"x": state[1]}, "square": {"x": state[2]}})
    ours = adam_derivatives(optimiser, 1, state, gradient)
    by_state, by_gradient = torch.autograd.functional.jacobian(step, (state, gradient))
    moved = slice(0, 4)
    torch.testing.assert_close(ours[0][..., moved], torch.diagonal(by_state, dim1=1, dim2=3)[..., moved])
    torch.testing.assert_close(ours[1][..., moved], torch.diagonal(by_gradient, dim1=1, dim2=2)[..., moved])
    assert ours[0].isfinite().all() and ours[1].isfinite().all()


def test_equal_weights_are_maml_vpgs_updates():
    system, learner, data = weighted_updates(updates=3)
    nominal = system.nominal()
    for batches in data:
        learner.update(batches)
    torch.testing.assert_close(nominal.parameters["logits"], learner.parameters["logits"])
    torch.testing.assert_close(nominal.optimiser.state_dict()["square"], learner.optimiser.state_dict()["square"])


def test_the_slope_of_the_cost_in_the_weights_agrees_with_finite_differences():
    """With two updates it is exact: no curvature enters how the first update's weights reach the second's cost."""
    system, _, _ = weighted_updates(updates=2)
    nominal = system.nominal()
    first, second = system.stages(nominal)
    ours = first.action_slope + torch.einsum("kda,kd->a", first.action_dynamics, second.state_slope)

    def cost(weights):
        return system.rollout(lambda time, state: weights if time == 0 else nominal.actions[1]).cost

    for task in range(3):
        small = 1e-6 * torch.eye(3, dtype=torch.float64)[task]
        slope = (cost(nominal.actions[0] + small) - cost(nominal.actions[0] - small)) / 2e-6
        assert ours[task] == pytest.approx(slope, rel=1e-4)


def test_the_gauss_newton_diagonal_is_the_mean_of_the_samples_own_squares():
    _, learner, data = weighted_updates(updates=1)
    batches = data[0]
    ours = gauss_newton_diagonals(learner, learner.parameters, batches, 4000, Streams(0).torch("signs"))
    final = learner.adapted(stacked(learner.parameters, 3), batches[:-1], differentiable=False)
    last = batches[-1]
    mask = last.trajectories.mask
    expected = torch.zeros(3, 12, dtype=torch.float64)
    for task, trajectory, time in mask.nonzero().tolist():
        leaf = {name: value[task : task + 1].clone().requires_grad_() for name, value in final.items()}
        chance = learner.distribution(leaf, last.select(slice(task, task + 1))).log_prob(
            last.trajectories.actions[task : task + 1]
        )[0, trajectory, time]
        (slope,) = torch.autograd.grad(chance, leaf["logits"])
        expected[task] += last.advantages[task, trajectory, time].abs() * slope.flatten().square()
    expected /= mask.sum((1, 2))[:, None]
    torch.testing.assert_close(ours, expected, rtol=0.12, atol=1e-4)


def test_a_tasks_slopes_add_up_to_the_meta_gradient():
    _, learner, data = weighted_updates(updates=1)
    values, slopes = task_derivatives(learner, learner.parameters, data[0])
    value, gradient = learner.meta_gradient(learner.parameters, data[0])
    assert float(values.mean()) == pytest.approx(value)
    torch.testing.assert_close(slopes.mean(0), flat(gradient))
    assert unflat(slopes[0], learner.parameters)["logits"].shape == (4, 3)


@pytest.mark.parametrize("suite", [SmallTabular(), make_suite(SUITE)])
def test_planned_weights_lower_the_cost_and_the_last_update_keeps_equal_ones(suite):
    system, _, _ = weighted_updates(updates=4, suite=suite)
    nominal = system.nominal()
    result = improved(system, nominal, 2, 6)
    assert result.accepted > 0
    assert result.trajectory.cost < nominal.cost
    assert (result.trajectory.actions[:-1] - 1 / 3).abs().max() > 1e-3
    torch.testing.assert_close(result.trajectory.actions[-1], nominal.actions[-1])


def test_the_budgets_last_updates_are_planned_too():
    training = session("task-weighting", budget=5 * ITERATION, updates=3, step_size=0.01)
    told = finished(training)
    assert len(told) == 2
    assert training.spent == 5 * ITERATION
    assert all("planned_cost" in metrics and metrics["cost_lowered"] >= 0 for metrics in told)
