"""Exact values of tabular MDPs, against series, enumeration and finite differences."""

import itertools

import numpy as np
import pytest
import torch

from environments.streams import Streams
from environments.tabular import TabularMDP, differentiable_return

STATES, ACTIONS, DISCOUNT = 5, 3, 0.9


def random_mdp(*lead: int, discount: float = DISCOUNT) -> TabularMDP:
    draw = Streams(0).numpy("mdp", *lead)
    return TabularMDP(
        draw.dirichlet(np.ones(STATES), size=(*lead, STATES, ACTIONS)),
        draw.standard_normal((*lead, STATES, ACTIONS)),
        draw.dirichlet(np.ones(STATES), size=lead),
        discount,
    )


def random_policies(*lead: int) -> np.ndarray:
    return Streams(0).numpy("policy", *lead).dirichlet(np.ones(ACTIONS), size=(*lead, STATES))


def test_values_satisfy_the_bellman_equation():
    mdp, policy = random_mdp(), random_policies()
    values = mdp.policy_values(policy)
    backup = mdp.reward + DISCOUNT * mdp.transition @ values.state
    np.testing.assert_allclose(values.action, backup, atol=1e-12)
    np.testing.assert_allclose(values.state, (policy * values.action).sum(-1), atol=1e-12)


def test_advantages_average_to_zero_under_their_policy():
    mdp, policy = random_mdp(), random_policies()
    np.testing.assert_allclose((policy * mdp.policy_values(policy).advantage).sum(-1), 0, atol=1e-12)


def test_the_return_is_the_limit_of_finite_horizon_returns():
    mdp, policy = random_mdp(), random_policies()
    np.testing.assert_allclose(mdp.finite_return(policy, 400), mdp.expected_return(policy), atol=1e-12)


def test_a_finite_return_sums_the_rewards_of_each_step():
    mdp, policy = random_mdp(), random_policies()
    state, discounted, plain = mdp.initial, 0.0, 0.0
    for time in range(7):
        pay = (state[:, None] * policy * mdp.reward).sum()
        discounted, plain = discounted + DISCOUNT**time * pay, plain + pay
        state = np.einsum("s,sa,sat->t", state, policy, mdp.transition)
    assert mdp.finite_return(policy, 7) == pytest.approx(discounted, abs=1e-12)
    assert mdp.finite_return(policy, 7, discount=1.0) == pytest.approx(plain, abs=1e-12)


def test_visitation_is_a_distribution_and_gives_the_return():
    mdp, policy = random_mdp(), random_policies()
    visited = mdp.visitation(policy)
    assert visited.sum() == pytest.approx(1, abs=1e-12)
    assert (visited > 0).all()
    paid = (visited[:, None] * policy * mdp.reward).sum() / (1 - DISCOUNT)
    assert paid == pytest.approx(float(mdp.expected_return(policy)), abs=1e-12)


def test_the_performance_difference_lemma_holds():
    mdp, (old, new) = random_mdp(), random_policies(2)
    advantage = mdp.policy_values(old).advantage
    gain = (mdp.visitation(new)[:, None] * new * advantage).sum() / (1 - DISCOUNT)
    assert gain == pytest.approx(float(mdp.expected_return(new) - mdp.expected_return(old)), abs=1e-12)


def test_the_optimum_is_the_best_of_all_deterministic_policies():
    mdp = random_mdp()
    every = np.eye(ACTIONS)[list(itertools.product(range(ACTIONS), repeat=STATES))]
    best = mdp.policy_values(every).state.max(0)
    np.testing.assert_allclose(mdp.optimum.state, best, atol=1e-12)
    assert mdp.expected_return(mdp.optimum.policy) == pytest.approx(float(mdp.optimal_return), abs=1e-12)


def test_tied_actions_share_the_optimal_policy_equally():
    mdp = random_mdp()
    doubled = TabularMDP(
        np.concatenate([mdp.transition, mdp.transition], axis=1),
        np.concatenate([mdp.reward, mdp.reward], axis=1),
        mdp.initial,
        DISCOUNT,
    )
    np.testing.assert_allclose(doubled.optimum.policy[:, :ACTIONS], mdp.optimum.policy / 2)
    np.testing.assert_allclose(doubled.optimum.policy[:, ACTIONS:], mdp.optimum.policy / 2)


def test_policy_iteration_ends_when_no_action_matters():
    mdp = random_mdp()
    indifferent = TabularMDP(mdp.transition, np.full_like(mdp.reward, 3.7), mdp.initial, DISCOUNT)
    np.testing.assert_allclose(indifferent.optimum.policy, 1 / ACTIONS)
    np.testing.assert_allclose(indifferent.optimum.state, 37.0, rtol=1e-12)


def test_stacked_mdps_and_batched_policies_equal_one_at_a_time():
    stacked, policies = random_mdp(4), random_policies(6, 4)
    for task in range(4):
        alone = TabularMDP(stacked.transition[task], stacked.reward[task], stacked.initial[task], DISCOUNT)
        np.testing.assert_allclose(stacked.optimum.state[task], alone.optimum.state, atol=1e-12)
        for row in range(6):
            policy = policies[row, task]
            values, batched = alone.policy_values(policy), stacked.policy_values(policies)
            np.testing.assert_allclose(batched.advantage[row, task], values.advantage, atol=1e-12)
            np.testing.assert_allclose(stacked.visitation(policies)[row, task], alone.visitation(policy), atol=1e-12)
            np.testing.assert_allclose(stacked.finite_return(policies, 9)[row, task], alone.finite_return(policy, 9))
    assert TabularMDP.stack([random_mdp(), random_mdp()]).transition.shape == (2, STATES, ACTIONS, STATES)


@pytest.mark.parametrize("horizon", [9, None])
def test_the_torch_return_equals_the_numpy_return(horizon):
    mdp, policies = random_mdp(4), random_policies(6, 4)
    exact = mdp.expected_return(policies) if horizon is None else mdp.finite_return(policies, horizon)
    np.testing.assert_allclose(differentiable_return(mdp, torch.from_numpy(policies), horizon).numpy(), exact)


def test_the_torch_gradient_is_the_policy_gradient_theorem():
    mdp = random_mdp()
    logits = torch.from_numpy(Streams(0).numpy("logits").standard_normal((STATES, ACTIONS))).requires_grad_()
    probabilities = torch.softmax(logits, -1)
    (gradient,) = torch.autograd.grad(differentiable_return(mdp, probabilities), logits)
    policy = probabilities.detach().numpy()
    theorem = mdp.visitation(policy)[:, None] * policy * mdp.policy_values(policy).advantage / (1 - DISCOUNT)
    np.testing.assert_allclose(gradient.numpy(), theorem, atol=1e-12)


def test_the_torch_return_is_twice_differentiable():
    mdp = random_mdp()
    logits = torch.from_numpy(Streams(0).numpy("logits").standard_normal((STATES, ACTIONS)))
    assert torch.autograd.gradgradcheck(
        lambda x: differentiable_return(mdp, torch.softmax(x, -1), 6), logits.requires_grad_()
    )


def test_discount_one_has_finite_horizon_returns_alone():
    mdp, policy = random_mdp(discount=1.0), random_policies()
    assert np.isfinite(mdp.finite_return(policy, 20))
    with pytest.raises(ValueError, match="use finite_return"):
        mdp.policy_values(policy)
    with pytest.raises(ValueError, match="give a horizon"):
        differentiable_return(mdp, torch.from_numpy(policy))
    with pytest.raises(ValueError, match="discount 1"):
        _ = mdp.optimum


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"transition": np.ones((2, 2, 2))}, "transition must hold probabilities"),
        ({"initial": np.array([1.5, -0.5])}, "initial must hold probabilities"),
        ({"reward": np.zeros((2, 3))}, "are not"),
        ({"discount": 1.5}, "discount must be in"),
    ],
)
def test_what_is_not_an_mdp_is_refused(change, message):
    parts = {
        "transition": np.full((2, 2, 2), 0.5),
        "reward": np.zeros((2, 2)),
        "initial": np.array([1.0, 0.0]),
        "discount": 0.9,
    }
    with pytest.raises(ValueError, match=message):
        TabularMDP(**{**parts, **change})


def test_stacking_different_discounts_is_refused():
    with pytest.raises(ValueError, match="one discount"):
        TabularMDP.stack([random_mdp(), random_mdp(discount=0.5)])
