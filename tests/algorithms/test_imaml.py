"""Implicit MAML: the proximal solver, the batched solves and the implicit gradient, against exact answers."""

import math
from dataclasses import replace

import pytest
import torch

from algorithms.curvature.hessian_products import HessianProduct
from algorithms.curvature.implicit_differentiation import proximal_vjp, through_proximal_solution
from algorithms.estimators.surrogates import mean_kl
from algorithms.optimisation.conjugate_gradient import solve
from algorithms.optimisation.inner_update import inner_update
from algorithms.optimisation.proximal_ascent import proximal_ascent
from algorithms.policies.parameters import flat, from_task_vectors, stacked, task_vectors, unflat
from environments.catalogue import make_suite
from environments.streams import Streams
from environments.typed_options import UsageError
from tests.support.tabular_problem import SmallTabular, in_float64, learner_on

TASKS, SIZE = 3, 7
SUITES = {"tabular": SmallTabular(), "gaussian": make_suite("half-cheetah-velocity[horizon=6]")}
#: strongly concave proximal problems, solved to the last digit
CONVERGED = {"proximal_steps": 60, "proximal_rate": 0.7, "implicit_iterations": 60}
SMALL = {"tasks": TASKS, "trajectories": 5, "chunk": 2, "hidden": (6,), **CONVERGED}
STEP_SIZES = {"tabular": 20.0, "gaussian": 0.03}

on_both_kinds = pytest.mark.parametrize("kind", SUITES)


def drawn(purpose, *shape):
    return torch.randn(*shape, generator=Streams(0).torch(purpose), dtype=torch.float64)


def symmetric(eigenvalues, purpose="bases"):
    """[task, n, n] with the given eigenvalues [task, n]."""
    bases = torch.linalg.qr(drawn(purpose, *eigenvalues.shape, eigenvalues.shape[-1]))[0]
    return bases @ torch.diag_embed(eigenvalues) @ bases.transpose(1, 2)


def times(matrices):
    return lambda vectors: torch.bmm(matrices, vectors.unsqueeze(2)).squeeze(2)


def spread(smallest, largest):
    return torch.linspace(smallest, largest, SIZE, dtype=torch.float64).expand(TASKS, -1)


class Quadratics:
    """J_i(x) = b_i x - x A_i x / 2 of every task, with the parameters of a task in two tensors."""

    def __init__(self, eigenvalues):
        self.matrices, self.slopes = symmetric(eigenvalues), drawn("slopes", TASKS, SIZE)
        self.like = {"a": torch.zeros(TASKS, 2, 2), "b": torch.zeros(TASKS, SIZE - 4)}
        self.centre = from_task_vectors(drawn("centre", TASKS, SIZE), self.like)

    def __call__(self, parameters):
        vectors = task_vectors(parameters)
        return (self.slopes * vectors - 0.5 * vectors * times(self.matrices)(vectors)).sum(1)

    def solution(self, weight):
        """(A + weight I) x = b + weight * centre."""
        shifted = self.matrices + weight * torch.eye(SIZE, dtype=torch.float64)
        return torch.linalg.solve(shifted, self.slopes + weight * task_vectors(self.centre))


def sampled(kind, steps=1, cut=True, **config):
    """iMAML in float64 away from its initialisation, and data of unequal lengths."""
    config = {**SMALL, "inner_step_size": STEP_SIZES[kind], **config}
    learner, collector = learner_on(SUITES[kind], "imaml", steps, **config)
    in_float64(learner)
    learner.parameters = {name: value + 0.2 * drawn(name, *value.shape) for name, value in learner.parameters.items()}
    data = learner.sample(collector)
    return learner, [cut_short(step) for step in data] if cut else data


def cut_short(step):
    mask = step.trajectories.mask.double()
    mask[1, 2:, 2:] = 0
    return replace(step, trajectories=replace(step.trajectories, mask=mask))


def test_batched_conjugate_gradient_solves_every_tasks_system():
    matrices, targets = symmetric(spread(0.5, 4.0)), drawn("targets", TASKS, SIZE)
    targets[1] *= 1e-3
    solved = solve(times(matrices), targets, SIZE, relative=0.0)
    torch.testing.assert_close(solved.vectors, torch.linalg.solve(matrices, targets), rtol=1e-9, atol=1e-12)
    assert (solved.residuals < 1e-9).all()
    assert not solved.negative_curvature.any()


@pytest.mark.parametrize("iterations", [0, 1, 3])
def test_a_tasks_solution_is_that_of_its_own_run(iterations):
    matrices, targets = symmetric(spread(0.5, 4.0)), drawn("targets", TASKS, SIZE)
    matrices[0] *= 100
    whole = solve(times(matrices), targets, iterations)
    for task in range(TASKS):
        rows = slice(task, task + 1)
        alone = solve(times(matrices[rows]), targets[rows], iterations)
        torch.testing.assert_close(alone.vectors, whole.vectors[rows], rtol=1e-12, atol=0)
        residual = (targets[rows] - times(matrices[rows])(alone.vectors)).norm() / targets[rows].norm()
        assert alone.residuals.item() == pytest.approx(residual.item(), rel=1e-9)


def test_a_task_is_done_once_its_residual_is_small_while_others_go_on():
    calls = []
    matrices, targets = symmetric(spread(0.5, 4.0)), drawn("targets", TASKS, SIZE)
    matrices[0], targets[2] = 2 * torch.eye(SIZE), 0.0
    solved = solve(lambda vectors: calls.append(1) or times(matrices)(vectors), targets, 50)
    torch.testing.assert_close(solved.vectors[0], targets[0] / 2)
    torch.testing.assert_close(solved.vectors[1], torch.linalg.solve(matrices[1], targets[1]), rtol=1e-4, atol=1e-5)
    assert not solved.vectors[2].any()
    assert len(calls) <= SIZE + 1
    assert not torch.isnan(solved.residuals).any()


def test_negative_curvature_ends_a_tasks_search_where_it_was_met():
    """Not before the point reached, at first the target; other tasks are solved as if alone."""
    eigenvalues = spread(0.5, 4.0).clone()
    eigenvalues[0] = -1.0
    eigenvalues[1, 0] = -0.01
    matrices, targets = symmetric(eigenvalues), drawn("targets", TASKS, SIZE)
    solved = solve(times(matrices), targets, 3 * SIZE)
    assert solved.negative_curvature.tolist() == [True, True, False]
    assert torch.equal(solved.vectors[0], targets[0])
    assert solved.residuals[0].item() == pytest.approx(2.0)
    torch.testing.assert_close(solved.vectors[2], torch.linalg.solve(matrices[2], targets[2]), rtol=1e-4, atol=1e-5)
    # what was reached raises b x - x A x / 2 above its value at 0
    gain = targets[1] @ solved.vectors[1] - 0.5 * solved.vectors[1] @ matrices[1] @ solved.vectors[1]
    assert gain > 0


def test_hessian_products_and_their_blocks_are_those_of_the_whole_hessian():
    learner, data = sampled("gaussian")
    point = stacked(learner.parameters, TASKS)
    objective = learner.inner_value(data[0])
    product = HessianProduct(objective, point)
    vectors = drawn("vectors", *task_vectors(point).shape)
    like = {name: value[:1] for name, value in point.items()}
    names = ["bias0", "log_std"]
    for task in range(TASKS):
        rows = slice(task, task + 1)
        value = learner.inner_value(data[0].select(rows))
        hessian = torch.autograd.functional.hessian(
            lambda row, value=value: value(from_task_vectors(row.unsqueeze(0), like)).sum(), task_vectors(point)[task]
        )
        image = task_vectors(product(from_task_vectors(vectors, point)))[task]
        torch.testing.assert_close(image, hessian @ vectors[task], rtol=1e-9, atol=1e-12)
        chosen = from_task_vectors(vectors, point)
        only = {name: chosen[name] if name in names else torch.zeros_like(chosen[name]) for name in chosen}
        columns = task_vectors(product({name: chosen[name] for name in names}))[task]
        torch.testing.assert_close(columns, hessian @ task_vectors(only)[task], rtol=1e-9, atol=1e-12)
    rows = product(chosen, of=names)
    assert list(rows) == names
    for name in names:
        torch.testing.assert_close(rows[name], product(chosen)[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_the_proximal_problem_is_solved(rate):
    problem = Quadratics(spread(-1.0, 2.0))  # not concave by itself
    found = proximal_ascent(problem, problem.centre, problem.centre, 4.0, 80, rate)
    assert {name: value.shape for name, value in found.items()} == {n: v.shape for n, v in problem.like.items()}
    torch.testing.assert_close(task_vectors(found), problem.solution(4.0), rtol=1e-7, atol=1e-7)


def test_a_proximal_step_that_overshoots_is_taken_back_and_shortened_for_its_task_alone():
    eigenvalues = spread(0.1, 1.0).clone()
    eigenvalues[1] *= 40  # beyond the weight: steps of 1 / weight would diverge
    problem = Quadratics(eigenvalues)

    def proximal(point):
        away = task_vectors(point) - task_vectors(problem.centre)
        return problem(point) - away.square().sum(1)

    reached = [proximal(problem.centre)]
    for steps in (1, 2, 5, 20, 200):
        point = proximal_ascent(problem, problem.centre, problem.centre, 2.0, steps, 1.0)
        reached.append(proximal(point))
        assert (reached[-1] >= reached[-2]).all()
    torch.testing.assert_close(task_vectors(point), problem.solution(2.0), rtol=1e-6, atol=1e-6)
    assert torch.equal(reached[1][1], reached[0][1])
    assert (reached[1] > reached[0])[[0, 2]].all()


def test_a_proximal_step_into_numbers_that_are_not_finite_is_taken_back():
    def objective(parameters):
        values = parameters["x"].squeeze(1)
        return torch.where(values > 1, math.nan, 3 * values)

    start = {"x": torch.zeros(2, 1, dtype=torch.float64)}
    found = proximal_ascent(objective, start, start, 1.0, 2, 0.5)["x"]
    torch.testing.assert_close(found, torch.full((2, 1), 0.75, dtype=torch.float64))


@on_both_kinds
def test_with_one_proximal_step_adaptation_is_mamls(kind):
    learner, data = sampled(kind, proximal_steps=1, proximal_rate=1.0)
    start = stacked(learner.parameters, TASKS)
    ours = learner.adapted(start, data[:1], differentiable=False)
    theirs = inner_update(learner.inner_value(data[0]), start, STEP_SIZES[kind], differentiable=False)
    torch.testing.assert_close(task_vectors(ours), task_vectors(theirs), rtol=1e-12, atol=1e-14)
    assert (task_vectors(ours) != task_vectors(start)).any(1).all()


@on_both_kinds
def test_adaptation_ends_where_the_surrogates_slope_balances_the_proximal_term(kind):
    """grad J(psi) = lambda (psi - theta), after two steps too: the centre stays, the data are the last step's."""
    learner, data = sampled(kind, steps=2)
    start = stacked(learner.parameters, TASKS)
    for count in (1, 2):
        solution = learner.adapted(start, data[:count], differentiable=False)
        slope = task_vectors(HessianProduct(learner.inner_value(data[count - 1]), solution).gradient)
        away = task_vectors(solution) - task_vectors(start)
        torch.testing.assert_close(slope, away / STEP_SIZES[kind], rtol=1e-6, atol=1e-9)
        assert (away.norm(dim=1) > 1e-3).all()


def test_the_implicit_gradient_is_the_exact_inverses_product_with_the_minus_sign():
    problem, weight = Quadratics(spread(-1.0, 2.0)), 4.0
    slopes = drawn("outer slopes", TASKS, SIZE)
    found = from_task_vectors(problem.solution(weight), problem.centre)
    identity = torch.eye(SIZE, dtype=torch.float64)
    for damping in (0.0, 0.3):
        hessian = HessianProduct(problem, found)  # -A
        solved = proximal_vjp(hessian, from_task_vectors(slopes, problem.centre), weight, SIZE + 2, damping)
        exact = torch.linalg.solve((1 + damping) * identity + problem.matrices / weight, slopes)
        torch.testing.assert_close(solved.vectors, exact, rtol=1e-5, atol=1e-6)
    jacobian = weight * torch.linalg.inv(problem.matrices + weight * identity)  # of the solution in the centre
    exact = torch.bmm(jacobian, slopes.unsqueeze(2)).squeeze(2)
    centre = {name: value.clone().requires_grad_() for name, value in problem.centre.items()}
    attached = through_proximal_solution(problem, centre, found, weight, SIZE + 2)
    torch.testing.assert_close(task_vectors(attached), problem.solution(weight), rtol=0, atol=0)
    pulled = torch.autograd.grad((task_vectors(attached) * slopes).sum(), list(centre.values()))
    torch.testing.assert_close(task_vectors(dict(zip(centre, pulled, strict=True))), exact, rtol=1e-5, atol=1e-6)


@on_both_kinds
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_meta_gradient_equals_finite_differences_of_the_bilevel_objective(kind, steps):
    """Every inner problem solved anew at each point; with two steps, the path to the last solution does not matter."""
    learner, data = sampled(kind, steps)
    start, size = flat(learner.parameters), 1e-5
    start = start + 0.05 * drawn("away from the policy that acted", *start.shape)

    def mean(vector):
        return learner.evaluate(unflat(vector, learner.parameters), data)[0]

    objective, gradient = learner.meta_gradient(unflat(start, learner.parameters), data)
    assert objective == pytest.approx(mean(start), rel=1e-12)
    for index in range(4):
        direction = drawn(f"direction {index}", *start.shape)
        difference = (mean(start + size * direction) - mean(start - size * direction)) / (2 * size)
        assert float(flat(gradient) @ direction) == pytest.approx(difference, rel=1e-5, abs=1e-7)
    if steps and kind == "gaussian":  # the Hessian counts; a table's is 0 once a baseline by state is taken off
        first_order = first_order_gradient(learner, unflat(start, learner.parameters), data)
        assert (first_order - flat(gradient)).norm() > 0.02 * flat(gradient).norm()


def first_order_gradient(learner, parameters, data):
    """The adapted policies' own gradients, as if they moved with the meta-parameters."""
    adapted = learner.adapted(stacked(parameters, TASKS), data[:-1], differentiable=False)
    leaves = {name: value.requires_grad_() for name, value in adapted.items()}
    objective = learner.outer_objective(learner.distribution(leaves, data[-1]), data[-1]).mean()
    slopes = torch.autograd.grad(objective, list(leaves.values()))
    return flat({name: slope.sum(0) for name, slope in zip(leaves, slopes, strict=True)})


@on_both_kinds
def test_the_meta_gradient_is_the_bilevel_objectives_with_likelihood_ratios_too(kind):
    learner, data = sampled(kind, surrogate="ratio", inner_step_size={"tabular": 0.5, "gaussian": 0.01}[kind])
    start, size = flat(learner.parameters), 1e-5
    ratio = learner.meta_gradient(learner.parameters, data)[1]
    for index in range(2):
        direction = drawn(f"direction {index}", *start.shape)
        ends = [unflat(start + sign * size * direction, learner.parameters) for sign in (1, -1)]
        values = [learner.evaluate(end, data)[0] for end in ends]
        difference = (values[0] - values[1]) / (2 * size)
        assert float(flat(ratio) @ direction) == pytest.approx(difference, rel=1e-5, abs=1e-7)
    first_order = first_order_gradient(learner, learner.parameters, data)
    assert (first_order - flat(ratio)).norm() > 0.02 * flat(ratio).norm()  # the Hessian counts


@on_both_kinds
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_curvature_is_the_hessian_of_the_mean_divergence(kind, steps):
    """Differences of the divergence's gradient, whose derivative in the centre is the implicit one."""
    learner, data = sampled(kind, steps, curvature_terms=40)
    start, size = learner.parameters, 1e-4
    old = learner.distribution(learner.adapted(stacked(start, TASKS), data[:-1], differentiable=False), data[-1])

    def slope(vector):
        leaves = {name: value.clone().requires_grad_() for name, value in unflat(vector, start).items()}
        adapted = learner.adapted(stacked(leaves, TASKS), data[:-1], differentiable=True)
        divergence = mean_kl(old, learner.distribution(adapted, data[-1]), data[-1].trajectories.mask).mean()
        return flat(dict(zip(leaves, torch.autograd.grad(divergence, list(leaves.values())), strict=True)))

    parts = [part.fisher for part in learner.each_chunk(learner.linearised, data)]
    for index in range(2):
        vector = drawn(f"vector {index}", flat(start).numel())
        ends = [slope(flat(start) + sign * size * vector) for sign in (1, -1)]
        difference = (ends[0] - ends[1]) / (2 * size)
        product = torch.stack([flat(part(unflat(vector, start))) for part in parts]).sum(0) / TASKS
        assert (product - difference).norm() < 1e-4 * difference.norm()


def test_a_problem_that_is_not_concave_gives_a_finite_adaptation_and_gradient():
    learner, data = sampled("gaussian", inner_step_size=3.0, surrogate="ratio", proximal_steps=5)
    solution = learner.adapted(stacked(learner.parameters, TASKS), data[:1], differentiable=False)
    assert all(torch.isfinite(value).all() for value in solution.values())
    _, gradient = learner.meta_gradient(learner.parameters, data)
    assert torch.isfinite(flat(gradient)).all()
    assert learner.update(data)["implicit_truncated"] > 0


@on_both_kinds
def test_an_update_raises_the_surrogate_within_the_bound(kind):
    learner, data = sampled(kind, cut=False)
    before, unmoved = learner.evaluate(learner.parameters, data)
    metrics = learner.update(data)
    after, divergence = learner.evaluate(learner.parameters, data)
    assert unmoved == pytest.approx(0, abs=1e-6)
    assert after > before
    assert 0 < divergence <= learner.config.delta
    assert metrics["implicit_truncated"] == 0
    assert metrics["implicit_residual"] < 1e-5


@pytest.mark.parametrize(
    "bad",
    [
        {"inner_step_size": 0.0},
        {"proximal_steps": 0},
        {"proximal_rate": 2.0},
        {"implicit_iterations": 0},
        {"implicit_damping": -0.5},
        {"curvature_terms": -2},
        {"surrogate": "return"},
    ],
)
def test_an_option_out_of_range_is_refused_with_its_value(bad):
    (value,) = bad.values()
    with pytest.raises(UsageError, match=str(value)):
        learner_on(SUITES["tabular"], "imaml", **bad)


def test_meta_training_raises_the_exact_return_after_adaptation():
    suite = SmallTabular()
    learner, collector = learner_on(suite, "imaml", 1, tasks=3, trajectories=40, inner_step_size=1.0)
    tasks, returns = collector.sample_tasks(3), []
    order = [int(task.id.removeprefix("mdp-")) for task in tasks]
    for iterations in (0, 40):
        for iteration in range(iterations):
            collector.begin_iteration(iteration)
            learner.meta_step(collector)
        adaptation = learner.adapt(tasks)
        policy = adaptation.send(collector.collect(next(adaptation), tasks, 500))
        probabilities = torch.empty(3, 4, 3, dtype=torch.float64)
        probabilities[order] = torch.softmax(policy.parameters["logits"], -1).double()
        returns.append(suite.models.finite_return(probabilities.numpy(), suite.horizon).mean())
    assert returns[1] > returns[0] + 1
