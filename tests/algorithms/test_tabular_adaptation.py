"""One-time policy adaptation on tables: optimality conditions, hard cases, and derivatives against differences."""

import pytest
import torch

from algorithms.one_time_adaptation.tabular import DISTANCES, adapt_tabular, optimality_residual
from environments.streams import Streams

TASKS, STATES, ACTIONS = 50, 16, 4


def draw(index: int, spread: float = 1.0, size: float = 1.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, action values, visitation."""
    numbers = Streams(0).torch("tables", index)
    shape = (TASKS, STATES, ACTIONS)
    logits = spread * torch.randn(shape, generator=numbers, dtype=torch.float64)
    values = size * torch.randn(shape, generator=numbers, dtype=torch.float64)
    visitation = torch.rand(shape[:-1], generator=numbers, dtype=torch.float64).softmax(-1)
    return logits, values, visitation


def objective(distance, logits, values, weight, visitation, adapted):
    """What Alg(i) maximises, per state, from its definition."""
    old, new = logits.softmax(-1), adapted.softmax(-1)
    reward = (new * values).sum(-1)
    if distance == "kl":
        return reward - weight * (old * (old / new).log()).sum(-1)
    if distance == "reverse_kl":
        return reward - weight * (new * (new / old).log()).sum(-1)
    return visitation * reward - weight * (adapted - logits).square().sum(-1)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("weight", [0.02, 0.04, 0.25, 0.5, 5.0, 800.0])
def test_the_optimality_conditions_hold(distance, weight):
    for index, (spread, size) in enumerate([(0.0, 1.0), (1.0, 1.0), (5.0, 5.0), (30.0, 10.0)]):
        logits, values, visitation = draw(index, spread, size)
        adapted = adapt_tabular(distance, logits, values, weight, visitation)
        assert adapted.shape == logits.shape
        assert optimality_residual(distance, logits, values, weight, visitation, adapted).max() < 1e-10


@pytest.mark.parametrize("distance", DISTANCES)
def test_no_policy_nearby_is_better_and_none_at_all_where_the_problem_is_concave(distance):
    logits, values, visitation = draw(1)
    weight = 10.0 if distance == "euclidean" else 0.5
    adapted = adapt_tabular(distance, logits, values, weight, visitation)
    best = objective(distance, logits, values, weight, visitation, adapted)
    for index, size in enumerate([1e-4, 1e-2, 1.0, 4.0]):
        noise = torch.randn(logits.shape, generator=Streams(1).torch("noise", index), dtype=torch.float64)
        for start in (adapted, logits):
            other = objective(distance, logits, values, weight, visitation, start + size * noise)
            assert (other <= best + 1e-12).all()


def test_the_residual_sees_a_wrong_solution():
    logits, values, visitation = draw(2)
    for distance in DISTANCES:
        adapted = adapt_tabular(distance, logits, values, 0.5, visitation)
        wrong = adapted + 1e-5 * torch.eye(ACTIONS, dtype=torch.float64)[0]
        assert optimality_residual(distance, logits, values, 0.5, visitation, wrong).median() > 1e-8


def test_alg_1_keeps_its_equation_for_nearly_deterministic_policies():
    """pi'(a) (mu - q_a) = lambda pi(a), also where the best action has a probability of 1e-60."""
    logits = torch.tensor([[[0.0, -140.0, 1.0]]], dtype=torch.float64)
    values = torch.tensor([[[0.0, 3.0, 0.0]]], dtype=torch.float64)
    adapted = adapt_tabular("kl", logits, values, 0.5)
    old, new = logits.softmax(-1), adapted.softmax(-1)
    assert new[0, 0, 1] == pytest.approx(1 - 0.5 / 3, abs=1e-12)  # the others keep lambda pi / (q_max - q)
    torch.testing.assert_close(new[0, 0, [0, 2]], 0.5 * old[0, 0, [0, 2]] / 3, rtol=1e-12, atol=0)


@pytest.mark.parametrize("distance", DISTANCES)
def test_equal_action_values_change_nothing_and_a_shift_of_them_neither(distance):
    logits, values, visitation = draw(3)
    same = adapt_tabular(distance, logits, torch.full_like(values, 7.0), 0.1, visitation)
    torch.testing.assert_close(same.softmax(-1), logits.softmax(-1), rtol=0, atol=1e-12)
    plain = adapt_tabular(distance, logits, values, 0.1, visitation)
    shifted = adapt_tabular(distance, logits, values + 3.0, 0.1, visitation)
    torch.testing.assert_close(shifted.softmax(-1), plain.softmax(-1), rtol=0, atol=1e-11)


def test_an_unvisited_state_keeps_its_parameters_under_the_euclidean_distance():
    logits, values, visitation = draw(4)
    visitation[:, 5] = 0
    adapted = adapt_tabular("euclidean", logits, values, 0.04, visitation)
    torch.testing.assert_close(adapted[:, 5], logits[:, 5], rtol=0, atol=0)
    assert (adapted[:, 4] - logits[:, 4]).abs().max() > 0.1


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("weight", [0.04, 0.5])
def test_implicit_derivatives_equal_finite_differences(distance, weight):
    logits, values, visitation = (tensor[:4, :5] for tensor in draw(5))
    inputs = [tensor.clone().requires_grad_() for tensor in (logits, values, visitation)]
    assert torch.autograd.gradcheck(
        lambda *tensors: adapt_tabular(distance, tensors[0], tensors[1], weight, tensors[2]),
        inputs,
        eps=1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize("distance", ["kl", "reverse_kl"])
def test_the_derivative_is_the_one_of_proposition_1(distance):
    """d pi' = (M^-1 - M^-1 1 1' M^-1 / 1' M^-1 1) (dQ - lambda d grad_pi d^2), with M as printed."""
    logits, values, _ = (tensor[0, 0] for tensor in draw(6))
    weight = 0.3
    policy = logits.softmax(-1)
    adapted = adapt_tabular(distance, logits[None, None], values[None, None], weight)[0, 0].softmax(-1)
    if distance == "kl":
        diagonal, mixed = weight * policy / adapted**2, -torch.diag(1 / adapted)
    else:
        diagonal, mixed = weight / adapted, -torch.diag(1 / policy)
    inverse = torch.diag(1 / diagonal)
    ones = torch.ones(ACTIONS, 1, dtype=torch.float64)
    projected = inverse - inverse @ ones @ ones.T @ inverse / (ones.T @ inverse @ ones)
    softmax_jacobian = torch.diag(policy) - torch.outer(policy, policy)

    def solve(table, action_values):
        return adapt_tabular(distance, table[None, None], action_values[None, None], weight)[0, 0].softmax(-1)

    by_logits, by_values = torch.autograd.functional.jacobian(solve, (logits, values))
    torch.testing.assert_close(by_values, projected, rtol=0, atol=1e-12)
    torch.testing.assert_close(by_logits, -weight * projected @ mixed @ softmax_jacobian, rtol=0, atol=1e-12)


def test_bad_arguments_are_named():
    logits, values, visitation = draw(7)
    with pytest.raises(ValueError, match="distance must be one of"):
        adapt_tabular(4, logits, values, 0.5, visitation)
    with pytest.raises(ValueError, match="must be positive and finite, got -1"):
        adapt_tabular("kl", logits, values, -1.0, visitation)
    with pytest.raises(ValueError, match="needs the visitation"):
        adapt_tabular("euclidean", logits, values, 0.5)
    with pytest.raises(ValueError, match="float32"):
        adapt_tabular("kl", logits.float(), values, 0.5, visitation)
    with pytest.raises(ValueError, match=r"are not \[..., S, A\]"):
        adapt_tabular("kl", logits, values[:1], 0.5, visitation)
    with pytest.raises(ArithmeticError, match="finite"):
        adapt_tabular("kl", logits, values * torch.nan, 0.5, visitation)
