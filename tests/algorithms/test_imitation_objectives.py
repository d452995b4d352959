"""GMPS's objectives against exact expectations of small MDPs, and what they are made of."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from algorithms.estimators.advantages import masked_mean
from algorithms.imitation.demonstrations import Demonstrations
from algorithms.imitation.objectives import (
    effective_share,
    imitation_objective,
    importance_weights,
    off_policy_objective,
)
from algorithms.policies.distributions import Categorical, Gaussian
from environments.streams import Streams
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch
from tests.support.enumerated_trajectories import enumerated
from tests.support.tabular_problem import END, STATES, SmallTabular, drawn_logits

SUITE = SmallTabular()
HORIZON = 3
ACTED, NOW = drawn_logits(0), drawn_logits(1)
ADVANTAGES = torch.from_numpy(Streams(2).numpy("advantages").normal(size=(STATES, 3)))


def visits(mdp, logits):
    """P(s_t = s), float64 [time, state]."""
    policy = torch.softmax(logits, -1).numpy()
    chain = np.einsum("sa,sat->st", policy, mdp.transition)
    found = [mdp.initial]
    for _ in range(HORIZON - 1):
        found.append(found[-1] @ chain)
    return torch.from_numpy(np.stack(found))


@pytest.mark.parametrize("task", range(3))
def test_weighted_steps_have_the_exact_gradient_of_what_the_policy_would_do_in_the_states_visited(task):
    """By every trajectory of the policy that acted: sum_t sum_s d_t(s) sum_a grad pi(a|s) A(s, a)."""
    mdp = SUITE.model(SUITE.split.train[task])
    paths = enumerated(mdp, ACTED, HORIZON)
    advantages = ADVANTAGES[paths.batch.observations, paths.batch.actions] * paths.batch.mask
    logits = NOW.clone().requires_grad_()
    found = off_policy_objective(Categorical(logits[paths.batch.observations]), paths.batch, advantages)
    sums = found * paths.batch.mask.sum((1, 2))
    (gradient,) = torch.autograd.grad(paths.mean(sums), logits)

    exact = NOW.clone().requires_grad_()
    weight = visits(mdp, ACTED).sum(0) * (torch.arange(STATES) != END)
    gain = (weight[:, None] * torch.softmax(exact, -1) * ADVANTAGES).sum()
    (expected,) = torch.autograd.grad(gain, exact)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-12)
    assert expected.abs().max() > 0.1


@pytest.mark.parametrize("task", range(3))
def test_weights_turn_means_over_the_acting_policy_into_those_of_the_present_one(task):
    mdp = SUITE.model(SUITE.split.train[task])
    paths = enumerated(mdp, ACTED, HORIZON)
    chosen = Categorical(NOW[paths.batch.observations]).log_prob(paths.batch.actions)
    weights = importance_weights(chosen, paths.batch)
    values = (weights * paths.batch.mask * ADVANTAGES[paths.batch.observations, paths.batch.actions]).sum((1, 2))
    living = visits(mdp, ACTED).sum(0) * (torch.arange(STATES) != END)
    expected = (living[:, None] * torch.softmax(NOW, -1) * ADVANTAGES).sum()
    torch.testing.assert_close(paths.mean(values), expected, rtol=0, atol=1e-12)


def test_weights_are_one_under_the_mask_bounded_where_asked_and_have_no_gradient():
    paths = enumerated(SUITE.model(SUITE.split.train[0]), ACTED, HORIZON)
    logits = NOW.clone().requires_grad_()
    chosen = Categorical(logits[paths.batch.observations]).log_prob(paths.batch.actions)
    weights = importance_weights(chosen, paths.batch)
    assert not weights.requires_grad
    assert (weights[paths.batch.mask == 0] == 1).all()
    bounded = importance_weights(chosen, paths.batch, 1.25)
    assert (weights.max() > 1.25, weights.min() < 0.8) == (True, True)
    torch.testing.assert_close(bounded, weights.clamp(0.8, 1.25))
    assert torch.isfinite(importance_weights(chosen + 1000, paths.batch)).all()


def test_the_effective_share_counts_the_steps_that_weigh():
    mask = torch.tensor([[[1.0, 1.0, 1.0, 0.0]]])
    assert effective_share(torch.ones(1, 1, 4), mask).item() == pytest.approx(1)
    assert effective_share(torch.tensor([[[3.0, 0.0, 0.0, 5.0]]]), mask).item() == pytest.approx(1 / 3)


def demonstrated(actions, mask):
    zeros = torch.zeros_like(mask)
    return TrajectoryBatch(zeros, actions, zeros, mask, zeros, {}, zeros[..., 0] > 0, zeros[..., 0] > 0)


def test_the_squared_error_with_the_variance_is_that_of_the_policys_own_actions():
    draws = torch.Generator().manual_seed(0)
    mean, log_std = (torch.randn(2, 3, 4, 2, generator=draws, dtype=torch.float64) / 2 for _ in range(2))
    actions = torch.randn(2, 3, 4, 2, generator=draws, dtype=torch.float64)
    mask = (torch.rand(2, 3, 4, generator=draws) < 0.7).double()
    policy, batch = Gaussian(mean, log_std), demonstrated(actions, mask)
    plain = imitation_objective(policy, batch, "squared")
    torch.testing.assert_close(plain, -masked_mean((mean - actions).square().mean(-1), mask))
    drawn = mean + log_std.exp() * torch.randn(200_000, 2, 3, 4, 2, generator=draws, dtype=torch.float64)
    expected = -masked_mean((drawn - actions).square().mean(0).mean(-1), mask)
    torch.testing.assert_close(imitation_objective(policy, batch, "squared", 1.0), expected, rtol=0.01, atol=0)


def test_choices_are_imitated_by_their_likelihood():
    logits = torch.randn(1, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    actions, mask = torch.tensor([[[0, 1, 2], [3, 0, 0]]]), torch.tensor([[[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]])
    policy, batch = Categorical(logits), demonstrated(actions, mask)
    expected = masked_mean(policy.log_prob(actions), mask)
    for form in ("squared", "likelihood"):
        assert torch.equal(imitation_objective(policy, batch, form), expected)


def test_demonstrations_keep_all_that_was_shown_and_pad_the_tasks_of_which_less_was():
    first, second = TaskRef("train", "a"), TaskRef("train", "b")
    draws = torch.Generator().manual_seed(0)

    def shown(tasks, trajectories):
        batch = demonstrated(torch.zeros(tasks, trajectories, 3, 2), torch.ones(tasks, trajectories, 3))
        seen = torch.randn(tasks, trajectories, 3, 5, generator=draws)
        return TrajectoryBatch(**{**vars(batch), "observations": seen}), torch.randn(
            tasks, trajectories, 3, 2, generator=draws
        )

    none = Demonstrations()
    assert none.missing([second, first, second]) == [second, first]
    both, both_labels = shown(2, 2)
    more, more_labels = shown(1, 1)
    kept = none.added([first, second], both, both_labels)
    grown = kept.added([second], more, more_labels)
    assert len(kept.shown["b"].mask) == 2 and not none.shown
    assert grown.missing([first, second]) == []
    batch = grown.batch([second, first])
    assert batch.mask.sum((1, 2)).tolist() == [9.0, 6.0]
    assert torch.equal(batch.observations[0], torch.cat([both.observations[1], more.observations[0]]))
    assert torch.equal(batch.actions[1, :2], both_labels[0])
    assert not batch.mask[1, 2].any()
    again = Demonstrations.from_state(grown.state_dict()).batch([second, first])
    assert torch.equal(again.actions, batch.actions) and torch.equal(again.observations, batch.observations)
