"""BO-MRL's one-time adaptation and the gradient through it, against formulas, autograd and finite differences."""

import math

import pytest
import torch

from algorithms.bo_mrl import MetaSample
from algorithms.one_time_adaptation.adaptation import OneTimeAdaptation, bounded, finite_ratio
from algorithms.one_time_adaptation.distances import Centre, squared_distance
from algorithms.policies.parameters import stacked
from environments.tabular import differentiable_return
from environments.task import TaskRef
from tests.support.bo_mrl_learners import DISTANCES, drawn_near, every_kind, in_double, prepared
from tests.support.tabular_problem import SmallTabular, drawn_logits, learner_on


def slopes(objective, parameters):
    leaves = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
    return dict(zip(leaves, torch.autograd.grad(objective(leaves).sum(), list(leaves.values())), strict=True))


def newton_solved(lower, start, step, iterations=12):
    """The lower level's stationary point near phi, by Newton's method on every task's own Hessian."""
    centre = Centre.of(lower.network, {name: value.detach() for name, value in start.items()}, step.trajectories)
    slope = lower.slope(start, step) if lower.config.first_order else None
    rows = []
    for task in range(len(step.advantages)):
        one = slice(task, task + 1)
        chosen = {name: value[one].detach() for name, value in start.items()}
        here = Centre.of(
            lower.network,
            {name: value[one] for name, value in centre.parameters.items()},
            step.select(one).trajectories,
        )
        local = None if slope is None else {name: value[one] for name, value in slope.items()}
        names, sizes = list(chosen), [value.numel() for value in chosen.values()]

        def value(vector, chosen=chosen, here=here, local=local, one=one, names=names, sizes=sizes):
            parts = dict(zip(names, torch.split(vector, sizes), strict=True))
            shaped = {name: part.view_as(chosen[name]) for name, part in parts.items()}
            return lower.objective(shaped, here, step.select(one), local).sum()

        point = torch.cat([part.reshape(-1) for part in chosen.values()])
        for _ in range(iterations):
            gradient = torch.autograd.functional.jacobian(value, point)
            if gradient.abs().max() < 1e-13:
                break
            hessian = torch.autograd.functional.hessian(value, point)
            assert torch.linalg.eigvalsh(hessian).max() < 0  # a maximum: else the test would prove nothing
            point = point - torch.linalg.solve(hessian, gradient)
        assert gradient.abs().max() < 1e-12
        rows.append(torch.split(point, sizes))
    return {name: torch.cat([row[index].view_as(start[name][:1]) for row in rows]) for index, name in enumerate(start)}


def test_h_is_one_with_slope_one_at_one_and_never_above_two():
    ratio = torch.tensor([0.0, 1.0, 3.0, 1e9], dtype=torch.float64, requires_grad=True)
    value = bounded(ratio)
    (slope,) = torch.autograd.grad(value.sum(), ratio)
    assert value.tolist() == pytest.approx([2 / (1 + math.exp(2)), 1.0, 2 / (1 + math.exp(-4)), 2.0])
    assert slope[1] == pytest.approx(1.0)
    assert torch.isfinite(slope).all()


@every_kind
def test_each_distance_is_its_formula_over_valid_steps(kind):
    learner, _, step = prepared(kind)
    mask = step.trajectories.mask
    start, other = drawn_near(learner.parameters, 0.2), drawn_near(learner.parameters, 0.2, purpose="other")
    centre = Centre.of(learner.network, start, step.trajectories)
    policy = learner.distribution(other, step)
    distances = squared_distance(DISTANCES[kind], centre, other, policy, mask)

    def normal(distribution):
        return torch.distributions.Independent(
            torch.distributions.Normal(distribution.mean, distribution.log_std.exp()), 1
        )

    pair = (normal(centre.policy), normal(policy))
    for task in range(2):
        if kind == 3:
            expected = sum(float(((start[name] - other[name])[task] ** 2).sum()) for name in start)
        else:
            divergence = torch.distributions.kl_divergence(*(pair if kind == 1 else pair[::-1]))
            expected = float(divergence[task][mask[task] > 0].mean())
        assert float(distances[task]) == pytest.approx(expected, rel=1e-9)


@every_kind
@pytest.mark.parametrize("first_order", [False, True])
def test_the_written_out_gradient_is_autograds(kind, first_order):
    learner, _, step = prepared(kind, hidden=(5, 4), first_order=first_order)
    lower = learner.lower
    start, other = drawn_near(learner.parameters, 0.1), drawn_near(learner.parameters, 0.1, purpose="other")
    centre = Centre.of(learner.network, start, step.trajectories)
    slope = lower.slope(start, step) if first_order else None
    expected = slopes(lambda parameters: lower.objective(parameters, centre, step, slope), other)
    for name, value in lower.ascent(centre, step, slope)(other).items():
        torch.testing.assert_close(value, expected[name], rtol=1e-9, atol=1e-11)


@every_kind
@pytest.mark.parametrize("constant_std", [False, True])
@pytest.mark.parametrize("first_order", [False, True])
def test_an_adaptation_ascends_its_objective_and_every_task_by_itself(kind, constant_std, first_order):
    options = {"state_dependent_std": not constant_std, "first_order": first_order}
    learner, _, step = prepared(kind, hidden=(8,), adam_step_size=3e-3, **options)
    lower = learner.lower
    start = {name: value.clone() for name, value in stacked(learner.parameters, 2).items()}
    centre = Centre.of(learner.network, start, step.trajectories)
    slope = lower.slope(start, step) if first_order else None
    solution = learner.adapted(start, [step], differentiable=False)
    before, after = (lower.objective(parameters, centre, step, slope) for parameters in (start, solution))
    assert (after > before).all()
    alone = lower.solve({name: value[1:] for name, value in start.items()}, step.select(slice(1, 2)))
    for name, value in alone.items():
        torch.testing.assert_close(value, solution[name][1:], rtol=1e-9, atol=1e-12)


def test_a_ratio_beyond_the_range_of_floats_leaves_value_and_gradients_finite():
    learner, _, step = prepared(1)
    start = {name: value.clone() for name, value in stacked(learner.parameters, 2).items()}
    step.trajectories.log_probabilities[:, 0] = -2_000.0
    centre = Centre.of(learner.network, start, step.trajectories)
    assert torch.isfinite(finite_ratio(centre.policy, step.trajectories)).all()
    for value in learner.lower.ascent(centre, step, None)(start).values():
        assert torch.isfinite(value).all()


@every_kind
@pytest.mark.parametrize("first_order", [False, True])
def test_the_hypergradient_is_a_finite_difference_through_the_solved_lower_level(kind, first_order):
    # a network's KL divergence has directions without curvature, a linear policy's has none
    config = {"regularisation": 20.0, "hidden": (2,) if kind == 3 else (), "first_order": first_order, "chunk": 2}
    learner, collector, step = prepared(
        kind, "corners[horizon=6]", trajectories=12, hypergradient_iterations=200, **config
    )
    lower = learner.lower
    learner.parameters = start = wave(learner.parameters, 0.05, around=True)  # not where the data came from
    solution = newton_solved(lower, stacked(start, 2), step)
    after = collected_after(learner, collector, solution)
    gradient, metrics = learner.hypergradient(MetaSample(step, solution, after))
    assert metrics["bent_hessians"] == 0
    direction, size, values = wave(start, 1.0), 1e-4, []
    for sign in (1, -1):
        moved = {name: value + sign * size * direction[name] for name, value in start.items()}
        values.append(mean_objective(learner, newton_solved(lower, stacked(moved, 2), step), after))
    expected = (values[0] - values[1]) / (2 * size)
    assert sum(float((gradient[name] * direction[name]).sum()) for name in start) == pytest.approx(expected, rel=1e-5)
    assert abs(expected) > 1e-3


@every_kind
def test_the_tabular_hypergradient_is_a_finite_difference_through_the_exact_solution(kind):
    learner, collector = learner_on(
        SmallTabular(),
        f"bo-mrl-{kind}",
        tasks=3,
        trajectories=30,
        regularisation=0.5,
        discount=0.9,
        value_derivative=False,
    )
    learner.parameters = {"logits": drawn_logits()}
    sample = learner.sample(collector)
    gradient, _ = learner.hypergradient(sample)
    direction, size, values = torch.sin(1 + torch.arange(12.0).double()).view(4, 3), 1e-5, []
    for sign in (1, -1):
        moved = {"logits": learner.parameters["logits"] + sign * size * direction}
        values.append(mean_objective(learner, learner.adapted(stacked(moved, 3), [sample.before], False), sample.after))
    expected = (values[0] - values[1]) / (2 * size)
    assert float((gradient["logits"] * direction).sum()) == pytest.approx(expected, rel=1e-6)
    assert abs(expected) > 1e-3


def mean_objective(learner, solution, after):
    with torch.no_grad():
        return float(learner.lower.outer_objective(solution, after).mean())


def wave(parameters, size, around=False):
    """A direction without symmetries, or a point that far from the parameters."""
    return {
        name: around * value + size * torch.sin(1 + torch.arange(value.numel(), dtype=value.dtype)).view_as(value)
        for name, value in parameters.items()
    }


def collected_after(learner, collector, solution):
    """The adapted policies' own data, in double precision."""
    floats = {name: value.float() for name, value in solution.items()}
    tasks = collector.sample_tasks(2)
    return learner.adaptation_batch(in_double(collector.collect(learner.policy(floats), tasks, 12)))


@pytest.mark.parametrize(("precise", "least", "most"), [(True, 0.0, 0.05), (False, 0.2, 1.0)])
def test_only_with_the_datas_derivatives_the_first_order_variant_is_precise_maml(precise, least, most):
    """Appendix H: the gradient of J(phi + grad J(phi) / (2 lambda)), J per valid step, against dynamic programming."""
    suite, trajectories, step_size = SmallTabular(), 20_000, 2.0
    config = {"baseline": False, "standardise": False, "value_derivative": precise, "visitation_derivative": precise}
    learner, collector = learner_on(
        suite,
        "bo-mrl-3",
        tasks=3,
        trajectories=trajectories,
        regularisation=1 / (2 * step_size),
        first_order=True,
        **config,
    )
    learner.parameters = {"logits": drawn_logits()}
    # of the sampled objective, though the policy is a table
    learner.lower = OneTimeAdaptation(learner.network, "euclidean", learner.config, learner.discount)
    start = stacked(learner.parameters, 3)
    tasks = [TaskRef("train", task.id) for task in suite.split.train]

    def collected(parameters):
        return learner.adaptation_batch(in_double(collector.collect(learner.policy(parameters), tasks, trajectories)))

    before = collected(start)
    slope = learner.lower.slope(start, before)
    solution = {"logits": start["logits"] + step_size * slope["logits"]}
    after = collected(solution)
    gradient, _ = learner.hypergradient(MetaSample(before, solution, after))

    def per_step(logits, step):
        return differentiable_return(
            suite.models, torch.softmax(logits, -1), suite.horizon
        ) / step.trajectories.lengths.double().mean(1)

    point = drawn_logits().requires_grad_()
    stack = point.expand(3, *point.shape)
    (exact_slope,) = torch.autograd.grad(per_step(stack, before).sum(), stack, create_graph=True)
    (exact,) = torch.autograd.grad(per_step(stack + step_size * exact_slope, after).mean(), point)
    assert least <= float((gradient["logits"] - exact).norm() / exact.norm()) < most
