"""The methods that differ in the inner step's curvature: what each ascends, converges to, and learns."""

import dataclasses
import re

import pytest
import torch

from algorithms.estimators.advantages import discounted_sums
from algorithms.estimators.control_variate import MetaControlVariate
from algorithms.meta_learning.dice_adaptation import adjusted_rewards
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.policies.parameters import stacked
from benchmarks.studies.hessian_estimates.estimators import Surrogate
from environments.catalogue import make_suite
from environments.streams import Streams
from environments.typed_options import UsageError
from tests.support.evaluation import evaluated
from tests.support.meta_gradients import ExactMetaGradient, prepared, relative_error
from tests.support.tabular_problem import ACTIONS, STATES, SmallTabular, drawn_logits, in_float64, learner_on

METHODS = ("lvc-vpg", "lvc-trpo", "e-maml-vpg", "e-maml-trpo", "dice-vpg", "tmaml")
#: trajectories per task over two decades, and how often each error is measured
SIZES, REPEATS = (100, 1_000, 10_000), (16, 8, 4)


def plain_dice_step(batch):
    """Rewards as they are, and rewards-to-go for the outer objective."""
    rewards = batch.rewards.double() * batch.mask
    return AdaptationBatch(batch, discounted_sums(rewards, 1.0), {"adjusted_rewards": rewards})


def test_dice_vpg_differs_from_lvc_in_the_inner_steps_hessian_alone():
    """The same data, first-order estimator and inner step; and another derivative of it."""
    dice, data = sampled("dice-vpg")
    lvc, _ = sampled("lvc-vpg")
    start = stacked({"logits": drawn_logits()}, 3)
    steps = [learner.adapted(start, data[:-1], differentiable=False)["logits"] for learner in (dice, lvc)]
    torch.testing.assert_close(*steps, rtol=1e-10, atol=1e-12)
    slopes = [learner.meta_gradient({"logits": drawn_logits()}, data)[1]["logits"] for learner in (dice, lvc)]
    assert (slopes[0] - slopes[1]).norm() > 1e-4 * slopes[1].norm()


@pytest.mark.parametrize(
    ("method", "kind", "config"),
    [("lvc-vpg", "ratio", {}), ("dice-vpg", "return", {}), ("dice-vpg", "return", {"credit": "rewards"})],
)
def test_the_sampled_meta_gradient_converges_to_the_exact_one(method, kind, config, monkeypatch):
    """LVC keeps H_1 + H_2; DiCE the whole Hessian, so that its limit is formulation I's gradient."""
    suite = SmallTabular()
    exact = ExactMetaGradient(suite.models, suite.horizon)
    targets = {each: exact(each, drawn_logits(), 1) for each in ("log-probability", "ratio", "return")}
    target = targets.pop(kind)
    learner, collector = prepared(suite, method, monkeypatch, **config)
    if config:
        monkeypatch.setattr(learner, "adaptation_batch", plain_dice_step)
    errors = [relative_error(learner, collector, target, *size) for size in zip(SIZES, REPEATS, strict=True)]
    assert 5 < errors[0] / errors[-1] < 20  # 10 in expectation
    for other in targets.values():
        assert errors[-1] < (target - other).norm() / target.norm() / 2


def sampled(method, steps=1, **config):
    """A learner in float64 and its data on the tabular suite."""
    learner, collector = learner_on(SmallTabular(), method, steps, tasks=3, trajectories=6, **config)
    in_float64(learner)
    return learner, learner.sample(collector)


@pytest.mark.parametrize(
    ("method", "kind", "config"),
    [
        ("lvc-vpg", "lvc", {}),
        ("lvc-trpo", "lvc", {}),
        ("e-maml-vpg", "log-probability", {}),
        ("e-maml-trpo", "log-probability", {}),
        ("dice-vpg", "dice", {"credit": "rewards"}),
        ("tmaml", "tmaml", {}),
        ("tmaml", "tmaml-first-order", {"first_order_baseline": True}),
    ],
)
def test_a_methods_inner_objective_has_its_surrogates_gradient_and_hessian(method, kind, config):
    """At the policy that acted."""
    learner, collector = learner_on(SmallTabular(), method, tasks=3, trajectories=6, **config)
    learner.parameters = {"logits": drawn_logits()}
    step = learner.sample(collector)[0]
    batch, lengths = step.trajectories, step.trajectories.mask.sum((1, 2)).double()
    point = {"logits": drawn_logits().expand(3, STATES, ACTIONS).contiguous().requires_grad_()}
    (slope,) = torch.autograd.grad(learner.inner_value(step)(point).sum(), point["logits"], create_graph=True)
    rows = [
        torch.autograd.grad(slope.flatten(1)[:, row].sum(), point["logits"], retain_graph=True)[0].flatten(1)
        for row in range(STATES * ACTIONS)
    ]
    rewards = step.extras.get("adjusted_rewards", step.advantages).double()
    baseline = step.extras.get("baseline")
    surrogate = Surrogate(kind, learner.network, point, batch, rewards, baseline, step.advantages.double())
    scale = batch.mask.shape[1] / lengths
    gradient = surrogate.gradient() * scale[:, None]
    torch.testing.assert_close(slope.detach().flatten(1), gradient, rtol=1e-9, atol=1e-11)
    hessian = surrogate.hessian() * scale[:, None, None]
    torch.testing.assert_close(torch.stack(rows, 1), hessian, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("method", METHODS)
def test_the_meta_gradient_is_the_derivative_of_the_mean_objective_however_tasks_are_chunked(method):
    learner, data = sampled(method, steps=2, inner_step_size=1.0)
    logits = drawn_logits() * 0.1

    def mean(values):
        return learner.task_objectives({"logits": values}, data).mean()

    logits.requires_grad_()
    if method.startswith("e-maml"):  # finite differences do not see a stop-gradient's derivative
        assert torch.autograd.gradcheck(mean, logits)
    (slope,) = torch.autograd.grad(mean(logits), logits)
    for chunk in (1, 2, 40):
        learner.config = dataclasses.replace(learner.config, chunk=chunk)
        _, gradient = learner.meta_gradient({"logits": logits}, data)
        torch.testing.assert_close(gradient["logits"], slope, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_meta_training_raises_the_exact_return_after_adaptation(method):
    suite = SmallTabular()
    config = {"tasks": 3, "trajectories": 20} | ({} if method.endswith("trpo") else {"step_size": 0.03})
    returns = []
    for iterations in (0, 10 if method == "tmaml" else 30):  # it takes five steps an iteration
        learner, collector = learner_on(suite, method, 2, **config)
        for iteration in range(iterations):
            collector.begin_iteration(iteration)
            learner.meta_step(collector)
        _, policy = evaluated(learner, suite, steps=2, trajectories=300)
        probabilities = torch.softmax(policy.parameters["logits"], -1).double().numpy()
        returns.append(suite.models.finite_return(probabilities, suite.horizon).mean())
    assert returns[1] > returns[0] + 0.7


def drawn_batch(suite="hopper-params[horizon=40]", tasks=3, trajectories=6):
    learner, collector = learner_on(make_suite(suite), "dice-vpg", 1, tasks=tasks, trajectories=trajectories)
    return learner.sample(collector)[0].trajectories


@pytest.mark.parametrize("scale", ["rewards", "returns", "none"])
def test_adjusted_rewards_have_the_scale_that_is_asked_for_and_no_mean_over_time(scale):
    batch = drawn_batch()
    assert batch.lengths.min() < 40  # episodes end early
    adjusted = adjusted_rewards(batch, 0.99, True, scale)
    plain = adjusted_rewards(batch, 0.99, True, "none")
    size = plain.abs().sum((1, 2)) / adjusted.abs().sum((1, 2))
    torch.testing.assert_close(adjusted * size[:, None, None], plain)
    torch.testing.assert_close(adjusted.mean((1, 2)), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-4)
    values = {"rewards": adjusted, "returns": discounted_sums(adjusted, 1.0)}.get(scale)
    if values is not None:
        for task in range(3):
            assert values[task][batch.mask[task] > 0].std(correction=0) == pytest.approx(1.0, rel=1e-6)
    # the baseline is of time alone
    removed = adjusted_rewards(batch, 0.99, False, "none") - plain
    torch.testing.assert_close(removed, removed[:, :1].expand(removed.shape))
    discounts = 0.99 ** torch.arange(40, dtype=torch.float64)
    torch.testing.assert_close(adjusted_rewards(batch, 0.99, False, "none"), batch.rewards.double() * discounts)


def variate(states=None, inputs=4, inner_step_size=0.1):
    return MetaControlVariate(inputs, (16,), 10, states, inner_step_size, 0.01, Streams(0).torch("variate"))


def drawn_targets(tasks=4, trajectories=6):
    """Observations, and targets that depend on the task and the state: half of the variance is the task's."""
    draw = Streams(0).torch("targets")
    observations = torch.randn(tasks, trajectories, 10, 4, generator=draw)
    levels = torch.randn(tasks, 1, 1, generator=draw)
    return observations, observations[..., 0] + levels, torch.ones(tasks, trajectories, 10)


def test_a_trajectorys_baseline_knows_nothing_of_its_own_half():
    """What it predicts for a trajectory changes with the other half's targets alone."""
    observations, targets, mask = drawn_targets()
    model = variate()
    before = model.predict(observations, targets, mask)
    changed = targets.clone()
    changed[:, ::2] += 1.0
    after = model.predict(observations, changed, mask)
    assert torch.equal(after[:, ::2], before[:, ::2])
    assert not torch.isclose(after[:, 1::2], before[:, 1::2]).any()


def test_a_single_trajectory_is_predicted_by_the_meta_parameters():
    observations, targets, mask = drawn_targets(trajectories=1)
    model = variate()
    assert torch.equal(model.predict(observations, targets, mask), model.predict(observations, targets + 1, mask))


def test_training_the_control_variate_lowers_what_it_leaves_unexplained_by_adapting():
    observations, targets, mask = drawn_targets()
    errors = {}
    for inner_step_size in (0.1, 0.0):
        model = variate(inner_step_size=inner_step_size)
        history = [model.train(observations, targets, mask, chunk=4) for _ in range(150)]
        errors[inner_step_size] = history[-1]
        assert history[-1] < 0.8 * history[0]
        predicted = model.predict(observations, targets, mask)
        assert float((predicted - targets).square().mean()) < 1.05 * history[-1]
    assert errors[0.1] < 0.6 * errors[0.0]


def test_the_control_variates_training_step_does_not_depend_on_chunks():
    observations, targets, mask = drawn_targets()
    models = [variate(), variate()]
    for model, chunk in zip(models, (1, 3), strict=True):
        model.train(observations, targets, mask, chunk)
    for name, value in models[0].parameters.items():
        torch.testing.assert_close(value, models[1].parameters[name], rtol=1e-4, atol=1e-5)


def test_discrete_states_are_coded_one_hot_for_the_control_variate():
    model = variate(states=5)
    assert model.parameters["weight0"].shape == (5 + 1, 16)
    states = torch.arange(5).repeat(1, 2, 2)
    assert model.predict(states, torch.zeros(1, 2, 10), torch.ones(1, 2, 10)).shape == (1, 2, 10)


def test_a_state_carries_the_control_variate_with_its_optimiser():
    learner, collector = learner_on(SmallTabular(), "tmaml", tasks=3, trajectories=4)
    before = {name: value.clone() for name, value in learner.variate.parameters.items()}
    learner.meta_step(collector)
    assert any(not torch.equal(value, learner.variate.parameters[name]) for name, value in before.items())
    other, _ = learner_on(SmallTabular(), "tmaml", seed=1)
    other.load_state_dict(learner.state_dict())
    for name, value in learner.variate.parameters.items():
        assert torch.equal(value, other.variate.parameters[name])
    assert other.state_dict()["variate"]["optimizer"]["steps"] == learner.config.gradient_steps


@pytest.mark.parametrize("method", ["dice-vpg", "tmaml"])
def test_steps_without_adjusted_rewards_are_refused(method):
    learner, data = sampled(method, **({"credit": "rewards"} if method == "dice-vpg" else {}))
    with pytest.raises(TypeError, match="'adjusted_rewards'"):
        learner.meta_gradient(
            learner.parameters, [AdaptationBatch(step.trajectories, step.advantages) for step in data]
        )


@pytest.mark.parametrize(
    ("method", "option", "value"),
    [
        ("e-maml-vpg", "exploration", -1.0),
        ("e-maml-trpo", "exploration_scale", "median"),
        ("dice-vpg", "inner_scale", "unit"),
        ("tmaml", "variate_step_size", float("nan")),
        ("tmaml", "variate_hidden", (0,)),
    ],
)
def test_a_wrong_option_is_named_with_its_value(method, option, value):
    with pytest.raises(UsageError, match=re.escape(option) + ".*" + re.escape(str(value))):
        learner_on(SmallTabular(), method, **{option: value})
