"""Sampled meta-gradients against exact ones on small tabular MDPs.

Equations are those of Rothfuss et al. 2019 (ProMP).  With rewards-to-go and neither baseline nor discount, and a task's
mean running over its valid steps (L of them in expectation), both methods adapt by theta' = theta + alpha/L grad J and
estimate, averaged over tasks,

    1/L' (I + alpha/L C) grad J(theta')

where C is the expected Hessian of what the inner step ascends: H_2 (37) for log pi * A, which is all that MAML's
nabla J_post (26) keeps, and H_1 + H_2 (74) for the likelihood ratio, LVC at theta_o.  The Hessian of the expected
return, with which it would be formulation I's gradient (34), also has H_12 and its transpose (35), the dependence of
later states on theta; in an episode of one step that term is zero and LVC is exact.
"""

import dataclasses

import numpy as np
import pytest
import torch

from algorithms.optimisation.inner_update import inner_update
from algorithms.policies.parameters import stacked
from environments.streams import Streams
from tests.support.meta_gradients import STEP_SIZE, TASKS, ExactMetaGradient, prepared, relative_error
from tests.support.tabular_problem import SmallTabular, drawn_logits, options

#: trajectories per task over three decades, and how often each error is measured
SIZES, REPEATS = (30, 300, 3_000, 30_000), (40, 20, 8, 3)
METHODS = {"maml-vpg": "log-probability", "promp": "ratio"}


def leaves(logits):
    return {"logits": logits.clone().requires_grad_()}


def assert_error_falls_like_one_over_root_n(errors):
    slope = np.polyfit(np.log(SIZES), np.log(errors), 1)[0]
    assert -0.65 < slope < -0.35, f"relative errors {errors} at {SIZES}"
    assert errors[-1] < 0.06


def test_the_exact_hessian_is_the_sum_of_its_four_terms():
    """Equation (35): with H_12 from the derivative of Q_t, the sum is autograd's Hessian of the exact return."""
    suite = SmallTabular()
    exact = ExactMetaGradient(suite.models, suite.horizon)
    start = drawn_logits().expand(TASKS, -1, -1).clone()

    def crossed(logits, other):
        """sum_t E_{s_t}[sum_a pi_logits(a|s_t) Q_t^other(s_t, a)], whose mixed derivative is H_12 (38)."""
        values = exact.rewards_to_go(torch.softmax(other, -1))
        states = exact.occupancy(torch.softmax(start, -1))
        return torch.einsum("its,isa,itsa->", states, torch.softmax(logits, -1), values)

    size = start.numel()
    full, frozen = (
        torch.autograd.functional.hessian(lambda x, kind=kind: exact.objective(kind, x).sum(), start).view(size, size)
        for kind in ("return", "ratio")
    )
    mixed = torch.autograd.functional.hessian(crossed, (start, start))[0][1].view(size, size)
    torch.testing.assert_close(frozen + mixed + mixed.T, full, rtol=1e-10, atol=1e-12)
    assert mixed.norm() > 0.1 * full.norm()


def test_all_three_inner_objectives_have_the_gradient_of_the_return():
    suite = SmallTabular()
    exact = ExactMetaGradient(suite.models, suite.horizon)
    start = drawn_logits().expand(TASKS, -1, -1).clone().requires_grad_()
    kinds = ("return", "ratio", "log-probability")
    slopes = [torch.autograd.grad(exact.objective(kind, start).sum(), start)[0] for kind in kinds]
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(slopes[2], slopes[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_meta_gradient_converges_to_the_exact_one_over_three_decades(method, monkeypatch):
    """... and to no other: not to the other method's, nor to formulation I's, which keeps H_12."""
    suite = SmallTabular()
    exact = ExactMetaGradient(suite.models, suite.horizon)
    targets = {kind: exact(kind, drawn_logits(), 1) for kind in ("log-probability", "ratio", "return")}
    target = targets.pop(METHODS[method])
    # the penalty's weight is large because its gradient is zero at theta_o
    penalty = {"kl_penalty": 1.0} if method == "promp" else {}
    learner, collector = prepared(suite, method, monkeypatch, **penalty)
    errors = [relative_error(learner, collector, target, *size) for size in zip(SIZES, REPEATS, strict=True)]
    assert_error_falls_like_one_over_root_n(errors)
    for other in targets.values():
        assert errors[-1] < (target - other).norm() / target.norm() / 4


def test_promp_converges_to_the_gradient_of_formulation_one_where_episodes_have_one_step(monkeypatch):
    suite = SmallTabular(options(horizon=1))
    target = ExactMetaGradient(suite.models, 1)("return", drawn_logits(), 1)
    learner, collector = prepared(suite, "promp", monkeypatch)
    errors = [relative_error(learner, collector, target, *size) for size in zip(SIZES, REPEATS, strict=True)]
    assert_error_falls_like_one_over_root_n(errors)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("steps", [0, 2])
def test_the_meta_gradient_converges_without_and_with_several_inner_steps(method, steps, monkeypatch):
    suite = SmallTabular()
    target = ExactMetaGradient(suite.models, suite.horizon)(METHODS[method], drawn_logits(), steps)
    learner, collector = prepared(suite, method, monkeypatch, steps=steps)
    few, many = (relative_error(learner, collector, target, *size) for size in ((100, 16), (10_000, 3)))
    assert many < 0.2
    assert 4 < few / many < 25  # 10 in expectation


@pytest.mark.parametrize("method", ["maml-vpg", "maml-trpo", "promp"])
def test_the_meta_gradient_is_the_derivative_of_the_mean_objective_however_tasks_are_chunked(method, monkeypatch):
    learner, collector = prepared(SmallTabular(), method, monkeypatch, steps=2, trajectories=6)
    data = learner.sample(collector)
    logits = learner.parameters["logits"] + 0.05 * drawn_logits(1)  # away from theta_o

    def mean(values):
        return learner.task_objectives({"logits": values}, data).mean()

    logits.requires_grad_()
    assert torch.autograd.gradcheck(mean, logits)
    (slope,) = torch.autograd.grad(mean(logits), logits)
    for chunk in (1, 2, 3, 40):
        learner.config = dataclasses.replace(learner.config, chunk=chunk)
        objective, gradient = learner.meta_gradient({"logits": logits}, data)
        assert objective == pytest.approx(mean(logits).item(), rel=1e-12)
        torch.testing.assert_close(gradient["logits"], slope, rtol=1e-10, atol=1e-13)


def test_a_tasks_objective_depends_on_its_own_data_alone(monkeypatch):
    learner, collector = prepared(SmallTabular(), "promp", monkeypatch)
    data = learner.sample(collector)
    start = leaves(drawn_logits())
    whole = learner.task_objectives(start, data)
    for task in range(TASKS):
        alone = learner.task_objectives(start, [step.select(slice(task, task + 1)) for step in data])
        torch.testing.assert_close(alone, whole[task : task + 1], rtol=1e-12, atol=0)


def test_promps_objective_is_equation_seven_written_out(monkeypatch):
    """Clipped surrogate of the adapted policy less eta times the pre-update policy's KL divergence, step by step."""
    eta, clip = 0.7, 0.1
    learner, collector = prepared(SmallTabular(), "promp", monkeypatch, trajectories=8, kl_penalty=eta, clip=clip)
    before, after = learner.sample(collector)
    logits = drawn_logits() + 0.3 * drawn_logits(1)
    old, new = torch.log_softmax(drawn_logits(), -1), torch.log_softmax(logits, -1)
    clipped = 0
    for task, objective in enumerate(learner.task_objectives(leaves(logits), [before, after])):
        slope = torch.zeros_like(logits)
        divergence, steps = 0.0, 0.0
        for state, action, advantage, valid in valid_steps(before, task):
            onehot = torch.nn.functional.one_hot(action, logits.shape[-1])
            ratio = torch.exp(new[state, action] - old[state, action])
            slope[state] += valid * ratio * advantage * (onehot - new[state].exp())
            divergence += valid * (old[state].exp() * (old[state] - new[state])).sum()
            steps += valid
        adapted = torch.log_softmax(logits + STEP_SIZE * slope / steps, -1)
        surrogate, later_steps = 0.0, 0.0
        acted = iter(after.trajectories.log_probabilities[task].reshape(-1))
        for state, action, advantage, valid in valid_steps(after, task):
            ratio = torch.exp(adapted[state, action] - next(acted))
            bounded = min(max(ratio, 1 - clip), 1 + clip)
            clipped += int(valid * (ratio * advantage > bounded * advantage))
            surrogate += valid * min(ratio * advantage, bounded * advantage)
            later_steps += valid
        torch.testing.assert_close(objective, surrogate / later_steps - eta * divergence / steps, rtol=1e-10, atol=0)
    assert clipped > 5


def valid_steps(step, task):
    """(state, action, advantage, mask) of each time step of a task."""
    arrays = step.trajectories.observations, step.trajectories.actions, step.advantages, step.trajectories.mask.double()
    return zip(*(array[task].reshape(-1) for array in arrays), strict=True)


def test_training_adapts_as_evaluation_does(monkeypatch):
    learner, collector = prepared(SmallTabular(), "maml-vpg", monkeypatch, steps=2)
    data = learner.sample(collector)
    adaptation = learner.adapt(collector.sample_tasks(TASKS))
    next(adaptation)
    for step in data[:-1]:
        policy = adaptation.send(step.trajectories)
    start = stacked(leaves(drawn_logits()), TASKS)
    graph = learner.adapted(start, data[:-1], differentiable=True)
    torch.testing.assert_close(policy.parameters["logits"], graph["logits"], rtol=1e-12, atol=1e-14)
    again = policy.network.distribution(policy.parameters, data[-1].trajectories.observations)
    acted = data[-1].trajectories.distribution["logits"]
    valid = data[-1].trajectories.mask.bool()
    torch.testing.assert_close(again.parameters["logits"][valid], acted[valid], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("differentiable", [False, True])
def test_an_inner_update_ascends_each_tasks_own_objective_by_its_step_sizes(differentiable):
    """On sum(c x^2)/2 + sum(y): x (1 + alpha c), y + beta, and the derivative of the result where it is asked for."""
    draw = Streams(0).torch("inner update")
    curvature = torch.randn(4, 3, generator=draw, dtype=torch.float64)
    start = {name: torch.randn(4, 3, generator=draw, dtype=torch.float64) for name in ("x", "y")}
    parameters = {name: value.clone().requires_grad_() for name, value in start.items()}

    def objective(point):
        return (0.5 * curvature * point["x"].square() + point["y"]).sum(-1)

    sizes = {"x": torch.tensor([0.1, 0.0, 2.0], dtype=torch.float64), "y": torch.tensor(0.5, dtype=torch.float64)}
    updated = inner_update(objective, parameters, sizes, differentiable)
    torch.testing.assert_close(updated["x"], start["x"] * (1 + sizes["x"] * curvature))
    torch.testing.assert_close(updated["y"], start["y"] + 0.5)
    assert updated["x"].requires_grad is differentiable
    if differentiable:
        (slope,) = torch.autograd.grad(updated["x"].sum(), parameters["x"])
        torch.testing.assert_close(slope, 1 + sizes["x"] * curvature)
    plain = inner_update(objective, parameters, 0.25, differentiable)
    torch.testing.assert_close(plain["x"], start["x"] * (1 + 0.25 * curvature))
    torch.testing.assert_close(plain["y"], start["y"] + 0.25)
