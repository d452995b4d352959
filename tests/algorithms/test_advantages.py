"""Advantages and surrogate objectives, against least squares and plain loops; padding is never looked at."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from algorithms.estimators.advantages import (
    advantages,
    baseline_features,
    discounted_sums,
    fit_baseline,
    masked_mean,
    standardised,
)
from algorithms.estimators.surrogates import clipped_objective, log_probability_objective, mean_kl, ratio_objective
from algorithms.policies.distributions import Categorical, Gaussian
from environments.streams import Streams
from environments.trajectories import TrajectoryBatch

TASKS, TRAJECTORIES, HORIZON, STATES = 3, 40, 12, 5
LEAD = (TASKS, TRAJECTORIES, HORIZON)


def drawn_batch(discrete=False, seed=0):
    """Random trajectories of lengths 1 to the horizon, rewards of a different scale in each task."""
    draw = Streams(seed).torch("batch")
    lengths = torch.randint(1, HORIZON + 1, LEAD[:2], generator=draw)
    lengths[:, 0] = HORIZON
    mask = (torch.arange(HORIZON) < lengths.unsqueeze(-1)).float()
    scale = torch.tensor([1.0, 10.0, 0.1])[:, None, None]
    if discrete:
        observations = torch.randint(STATES, LEAD, generator=draw)
        policy = Categorical(torch.randn(*LEAD, 3, generator=draw))
    else:
        observations = 6 * torch.randn(*LEAD, 3, generator=draw)  # some beyond the clip at 10
        policy = Gaussian(torch.randn(*LEAD, 2, generator=draw), 0.3 * torch.randn(*LEAD, 2, generator=draw))
    actions = policy.sample(draw)
    return TrajectoryBatch(
        observations=observations,
        actions=actions,
        rewards=(torch.randn(LEAD, generator=draw) + 0.5) * scale * mask,
        mask=mask,
        log_probabilities=policy.log_prob(actions),
        distribution=policy.parameters,
        success=torch.zeros(LEAD[:2], dtype=torch.bool),
        terminated=lengths < HORIZON,
    )


def other_padding(batch):
    """The same trajectories with everything under the mask changed."""
    other = drawn_batch(not batch.observations.is_floating_point(), seed=1)

    def mixed(kept, padding):
        mask = batch.mask.bool().reshape(*LEAD, *[1] * (kept.ndim - 3))
        return torch.where(mask, kept, padding)

    return replace(
        batch,
        observations=mixed(batch.observations, other.observations),
        actions=mixed(batch.actions, other.actions),
        rewards=mixed(batch.rewards, 7 + torch.randn(LEAD, generator=Streams(2).torch("padding"))),
        log_probabilities=mixed(batch.log_probabilities, other.log_probabilities),
        distribution={name: mixed(value, other.distribution[name]) for name, value in batch.distribution.items()},
    )


def test_discounted_sums_are_those_of_a_plain_loop():
    values = drawn_batch().rewards.double()
    sums = discounted_sums(values, 0.9)
    for time in range(HORIZON):
        expected = sum(0.9 ** (later - time) * values[..., later] for later in range(time, HORIZON))
        torch.testing.assert_close(sums[..., time], expected, rtol=1e-12, atol=1e-12)


def test_features_are_those_of_the_linear_baseline():
    batch = drawn_batch()
    features = baseline_features(batch.observations, None)
    assert features.dtype == torch.float64
    for time in (0, 1, 11):
        clipped = batch.observations[1, 2, time].double().clamp(-10, 10)
        scaled = time / 100
        expected = [*clipped, *clipped**2, scaled, scaled**2, scaled**3, 1.0]
        np.testing.assert_allclose(features[1, 2, time], expected, rtol=1e-14)


def test_a_picture_has_no_features_but_the_time():
    observations = torch.rand(2, 3, 4, 1001)
    picture, vector = (baseline_features(seen, None) for seen in (observations, observations[..., :1000]))
    assert vector.shape == (2, 3, 4, 2004)
    torch.testing.assert_close(picture, vector[..., 2000:])


def test_discrete_observations_are_coded_one_hot():
    features = baseline_features(drawn_batch(discrete=True).observations, STATES)
    assert features.shape == (*LEAD, STATES + 4)
    assert torch.equal(features[..., :STATES].argmax(-1), drawn_batch(discrete=True).observations)
    assert (features[..., :STATES].sum(-1) == 1).all()


@pytest.mark.parametrize("discrete", [False, True])
def test_the_baseline_is_each_tasks_ridge_regression(discrete):
    """numpy's least squares with the ridge as further rows, over valid steps alone."""
    batch = drawn_batch(discrete)
    features = baseline_features(batch.observations, STATES if discrete else None)
    targets = discounted_sums(batch.rewards.double(), 0.99)
    fitted = fit_baseline(features, targets, batch.mask)
    for task in range(TASKS):
        valid = batch.mask[task].bool()
        design, goal = features[task][valid].numpy(), targets[task][valid].numpy()
        ridge = np.sqrt(1e-5) * np.eye(design.shape[1])
        weights = np.linalg.lstsq(np.vstack([design, ridge]), np.append(goal, np.zeros(len(ridge))), rcond=None)[0]
        np.testing.assert_allclose(fitted[task][valid].numpy(), design @ weights, rtol=1e-5, atol=1e-5 * goal.std())


def test_a_baseline_that_fits_exactly_is_found():
    batch = drawn_batch()
    features = baseline_features(batch.observations, None)
    targets = features @ torch.randn(TASKS, 1, features.shape[-1], 1, generator=Streams(0).torch("w")).double()
    fitted = fit_baseline(features, targets.squeeze(-1), batch.mask)
    torch.testing.assert_close(fitted, targets.squeeze(-1), rtol=1e-4, atol=1e-3)


def test_the_ridge_grows_until_the_solution_is_finite():
    """Features of 1e12 drown the first ridges: the normal equations are singular to working precision."""
    draw = Streams(0).torch("features")
    column = 1e6 * torch.randn(1, 10, 3, 1, generator=draw, dtype=torch.float64)
    features = torch.cat([column, column, -2 * column], dim=-1)
    fitted = fit_baseline(features, 3 * column.squeeze(-1), torch.ones(1, 10, 3))
    torch.testing.assert_close(fitted, 3 * column.squeeze(-1), rtol=1e-3, atol=0)


def test_observations_that_are_not_finite_are_refused():
    batch = drawn_batch()
    batch.observations[0, 0, 0, 0] = float("nan")
    with pytest.raises(FloatingPointError, match="are observations finite"):
        advantages(batch, 0.99, 1.0)


@pytest.mark.parametrize("gae_lambda", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("discrete", [False, True])
def test_advantages_are_those_of_a_plain_loop_over_each_episode(gae_lambda, discrete):
    """A_t = sum_k (discount lambda)^k delta_{t+k}; the value after an episode's last step is 0."""
    batch, discount = drawn_batch(discrete), 0.95
    states = STATES if discrete else None
    ours = advantages(batch, discount, gae_lambda, states, standardise=False)
    targets = discounted_sums(batch.rewards.double(), discount)
    values = fit_baseline(baseline_features(batch.observations, states), targets, batch.mask)
    assert ours.dtype == torch.float32
    assert len(set(batch.lengths.flatten().tolist())) == HORIZON
    for task in range(TASKS):
        for trajectory in range(TRAJECTORIES):
            length = int(batch.lengths[task, trajectory])
            reward = batch.rewards[task, trajectory].tolist()
            value = [*values[task, trajectory, :length].tolist(), 0.0]
            estimate, expected = 0.0, [0.0] * HORIZON
            for time in reversed(range(length)):
                delta = reward[time] + discount * value[time + 1] - value[time]
                estimate = delta + discount * gae_lambda * estimate
                expected[time] = estimate
            np.testing.assert_allclose(ours[task, trajectory], expected, rtol=1e-5, atol=1e-5)


def test_lambda_one_is_rewards_to_go_less_the_baseline():
    batch = drawn_batch()
    targets = discounted_sums(batch.rewards.double(), 0.95)
    values = fit_baseline(baseline_features(batch.observations, None), targets, batch.mask)
    expected = ((targets - values) * batch.mask).float()
    torch.testing.assert_close(advantages(batch, 0.95, 1.0, standardise=False), expected, rtol=1e-5, atol=1e-5)


def test_values_are_standardised_over_each_tasks_valid_steps():
    mask = drawn_batch().mask.double()
    offsets = torch.tensor([0.0, 5.0, -1.0])[:, None, None]
    values = (drawn_batch().rewards.double() + offsets) * mask
    ours = standardised(values, mask)
    for task in range(TASKS):
        valid = mask[task].bool()
        chosen = values[task][valid]
        torch.testing.assert_close(ours[task][valid], (chosen - chosen.mean()) / chosen.std(unbiased=False))
        assert not ours[task][~valid].any()


def test_advantages_are_standardised_unless_told_otherwise():
    batch = drawn_batch()
    plain = advantages(batch, 0.95, 1.0, standardise=False)
    expected = standardised(plain.double(), batch.mask.double()).float()
    torch.testing.assert_close(advantages(batch, 0.95, 1.0), expected, rtol=1e-4, atol=1e-5)


def test_values_that_are_all_alike_are_standardised_to_zero():
    mask = drawn_batch().mask.double()
    assert standardised(3.0 * mask, mask).abs().max() < 1e-6


def test_a_masked_mean_is_the_mean_of_each_tasks_valid_steps():
    batch = drawn_batch()
    values = torch.randn(LEAD, generator=Streams(0).torch("values"))
    for task, mean in enumerate(masked_mean(values, batch.mask)):
        torch.testing.assert_close(mean, values[task][batch.mask[task].bool()].mean())


@pytest.mark.parametrize("discrete", [False, True])
def test_the_surrogates_are_means_of_what_their_equations_say(discrete):
    batch = drawn_batch(discrete)
    family = Categorical if discrete else Gaussian
    old = family.from_parameters(batch.distribution)
    policy = moved(batch, old)
    weight = advantages(batch, 0.95, 1.0, STATES if discrete else None)
    ratio = torch.exp(policy.log_prob(batch.actions) - old.log_prob(batch.actions))
    bounded = ratio.clamp(0.8, 1.2)
    each = {
        "log": (log_probability_objective(policy, batch, weight), policy.log_prob(batch.actions) * weight),
        "ratio": (ratio_objective(policy, batch, weight), ratio * weight),
        "clip": (clipped_objective(policy, batch, weight, 0.2), torch.minimum(ratio * weight, bounded * weight)),
        "kl": (mean_kl(old, policy, batch.mask), old.kl(policy)),
    }
    assert (ratio * weight > bounded * weight).any()
    for task in range(TASKS):
        valid = batch.mask[task].bool()
        for name, (ours, values) in each.items():
            torch.testing.assert_close(ours[task], values[task][valid].mean(), rtol=1e-4, atol=1e-5, msg=name)


def moved(batch, old):
    """A policy near the one that acted."""
    draw = Streams(3).torch("moved")
    return type(old).from_parameters(
        {name: value + 0.3 * torch.randn(value.shape, generator=draw) for name, value in batch.distribution.items()}
    )


@pytest.mark.parametrize("discrete", [False, True])
def test_nothing_looks_at_padding(discrete):
    batch = drawn_batch(discrete)
    padded = other_padding(batch)
    family = Categorical if discrete else Gaussian
    states = STATES if discrete else None
    assert not torch.equal(batch.observations, padded.observations)
    results = []
    for one in (batch, padded):
        old = family.from_parameters(one.distribution)
        factor = torch.full((TASKS, 1, 1, 1), 0.9, requires_grad=True)
        policy = family.from_parameters({name: factor * value for name, value in one.distribution.items()})
        weight = advantages(one, 0.95, 0.9, states)
        values = [
            log_probability_objective(policy, one, weight),
            ratio_objective(policy, one, weight),
            clipped_objective(policy, one, weight, 0.05),
            mean_kl(old, policy, one.mask),
        ]
        slopes = [torch.autograd.grad(value.sum(), factor, retain_graph=True)[0] for value in values]
        results.append([weight, *values, *slopes])
    for kept, other in zip(*results, strict=True):
        assert torch.equal(kept, other)
