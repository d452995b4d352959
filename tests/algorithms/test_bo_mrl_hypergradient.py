"""Exact hypergradients of BO-MRL and MAML against finite differences of the exact objective, and Section 5.4."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from algorithms.one_time_adaptation.tabular import DISTANCES, adapt_tabular
from benchmarks.studies.optimality_gap.bounds import advantage_bound, theorem_weight
from benchmarks.studies.optimality_gap.evaluation import TabularTasks
from benchmarks.studies.optimality_gap.hypergradient import adapt_exactly, hypergradient, maml_gradient
from benchmarks.studies.optimality_gap.meta_training import (
    ExactAdaptation,
    PolicyGradientStep,
    meta_train,
    returns_after_steps,
)
from environments.streams import Streams
from environments.tabular import differentiable_return
from tests.support.random_mdps import ACTIONS, DISCOUNT, STATES, random_mdps

TASKS = 6


def random_logits(*lead: int, states: int = STATES, actions: int = ACTIONS) -> torch.Tensor:
    return torch.from_numpy(Streams(0).numpy("logits").standard_normal((*lead, states, actions)))


def differences(objective: Callable[[torch.Tensor], torch.Tensor], point: torch.Tensor) -> torch.Tensor:
    """Central differences [task, S, A] of values [task] in a point [S, A]."""
    size = 1e-5
    shifts = size * torch.eye(point.numel(), dtype=point.dtype).reshape(-1, *point.shape)
    columns = [(objective(point + shift) - objective(point - shift)) / (2 * size) for shift in shifts]
    return torch.stack(columns, -1).reshape(-1, *point.shape)


def relative_error(found: torch.Tensor, true: torch.Tensor) -> float:
    """The worst over tasks."""
    return float(((found - true).flatten(1).norm(dim=-1) / true.flatten(1).norm(dim=-1)).max())


def test_evaluation_agrees_with_the_tables_and_the_policy_gradient_with_automatic_differentiation():
    mdp, logits = random_mdps(TASKS), random_logits().requires_grad_()
    evaluation = TabularTasks(mdp).evaluate(logits.detach())
    policy = evaluation.policy.numpy()
    np.testing.assert_allclose(evaluation.action_values, mdp.policy_values(policy).action, atol=1e-12)
    np.testing.assert_allclose(evaluation.visitation, mdp.visitation(policy), atol=1e-14)
    returns = differentiable_return(mdp, logits.softmax(-1))
    torch.testing.assert_close(evaluation.expected_return, returns.detach(), rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(returns.sum(), logits)
    torch.testing.assert_close(evaluation.gradient.sum(0), gradient, rtol=0, atol=1e-12)


def test_products_with_the_derivatives_of_action_values_and_visitation_equal_differences():
    tasks, logits = TabularTasks(random_mdps(TASKS)), random_logits()
    evaluation = tasks.evaluate(logits)
    by_pair = torch.from_numpy(Streams(1).numpy("pairs").standard_normal((TASKS, STATES, ACTIONS)))
    by_state = by_pair[..., 0]
    values = differences(lambda point: (by_pair * tasks.evaluate(point).action_values).sum((-1, -2)), logits)
    assert relative_error(evaluation.action_values_vjp(by_pair), values) < 1e-7
    visits = differences(lambda point: (by_state * tasks.evaluate(point).visitation).sum(-1), logits)
    assert relative_error(evaluation.visitation_vjp(by_state), visits) < 1e-7


def exact_return(distance, tasks, weight, penalty="table"):
    def objective(point):
        return tasks.evaluate(adapt_exactly(distance, tasks.evaluate(point), weight, penalty)).expected_return

    return objective


@pytest.mark.parametrize("distance", ["kl", "reverse_kl"])
@pytest.mark.parametrize("weight", [0.25, 2.0])
def test_proposition_1_is_the_gradient_of_the_exact_objective(distance, weight):
    tasks, logits = TabularTasks(random_mdps(TASKS)), random_logits()
    true = differences(exact_return(distance, tasks, weight), logits)
    assert relative_error(hypergradient(distance, tasks, logits, weight).gradient, true) < 1e-5


@pytest.mark.parametrize("weight", [0.04, 0.5])
def test_proposition_2_is_the_gradient_where_the_visitation_is_frozen(weight):
    tasks, logits = TabularTasks(random_mdps(TASKS)), random_logits()
    frozen = tasks.evaluate(logits).visitation

    def objective(point):
        before = tasks.evaluate(point)
        return tasks.evaluate(
            adapt_tabular("euclidean", point.expand(before.logits.shape), before.action_values, weight, frozen)
        )

    true = differences(lambda point: objective(point).expected_return, logits)
    found = hypergradient("euclidean", tasks, logits, weight, visitation_term=False)
    assert relative_error(found.gradient, true) < 1e-5


@pytest.mark.parametrize("weight", [0.04, 0.5])
def test_proposition_2_needs_the_derivative_of_the_visitation_to_be_exact(weight):
    tasks, logits = TabularTasks(random_mdps(TASKS)), random_logits()
    true = differences(exact_return("euclidean", tasks, weight), logits)
    assert relative_error(hypergradient("euclidean", tasks, logits, weight).gradient, true) < 1e-5
    assert (
        relative_error(hypergradient("euclidean", tasks, logits, weight, visitation_term=False).gradient, true) > 1e-3
    )


def test_with_a_penalty_by_state_there_is_no_such_term():
    tasks, logits = TabularTasks(random_mdps(TASKS)), random_logits()
    true = differences(exact_return("euclidean", tasks, 0.2, "state"), logits)
    for term in (True, False):
        found = hypergradient("euclidean", tasks, logits, 0.2, penalty="state", visitation_term=term)
        assert relative_error(found.gradient, true) < 1e-5


def test_exact_maml_is_the_gradient_through_its_inner_step():
    tasks, logits = TabularTasks(random_mdps(TASKS)), random_logits()
    rule = PolicyGradientStep(2.0)
    true = differences(lambda point: tasks.evaluate(rule.adapt(tasks.evaluate(point))).expected_return, logits)
    assert relative_error(maml_gradient(tasks, logits, 2.0).gradient, true) < 1e-5


def test_a_policy_gradient_step_is_alg_3_for_large_weights():
    """Appendix H: step size (1 - discount) / (2 lambda)."""
    tasks, logits, weight = TabularTasks(random_mdps(TASKS)), random_logits(), 1e4
    before = tasks.evaluate(logits)
    proximal = adapt_exactly("euclidean", before, weight) - logits
    step = PolicyGradientStep((1 - DISCOUNT) / (2 * weight)).adapt(before) - logits
    torch.testing.assert_close(step, proximal, rtol=1e-3, atol=1e-3 * float(step.abs().max()))


@pytest.mark.parametrize("distance", DISTANCES)
def test_adaptation_at_the_theorems_weight_improves_every_one_of_a_thousand_random_mdps(distance):
    mdp = random_mdps(1000)
    tasks, logits = TabularTasks(mdp), random_logits(1000)
    before = tasks.evaluate(logits)
    least_visits = (1 - mdp.discount) * mdp.initial.min(-1)  # Remark 1 (ii)
    pairs = zip(advantage_bound(mdp), least_visits, strict=True)
    weights = torch.tensor([theorem_weight(distance, bound, mdp.discount, least) for bound, least in pairs])
    # only Q / lambda matters, so that each MDP gets the lambda of its own constants
    scaled = before.action_values / weights[:, None, None]
    after = tasks.evaluate(adapt_tabular(distance, logits, scaled, 1.0, before.visitation))
    assert (after.expected_return >= before.expected_return - 1e-13).all()
    assert after.expected_return.mean() > before.expected_return.mean() + 1e-6


def test_meta_training_raises_the_return_after_one_step_above_that_of_any_start():
    tasks = TabularTasks(random_mdps(TASKS))
    rule = ExactAdaptation("reverse_kl", 0.5)
    start = torch.zeros(STATES, ACTIONS, dtype=torch.float64)
    trained, reached = meta_train(rule, tasks, start[None], iterations=100)
    returns = returns_after_steps(rule, tasks, trained[0], 2)
    assert returns.shape == (3, TASKS)
    assert float(returns[1].mean()) == pytest.approx(float(reached), abs=1e-12)
    assert float(reached) > float(returns_after_steps(rule, tasks, start, 1)[1].mean()) + 0.01
