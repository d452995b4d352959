"""Conjugate gradient, trust region and curvature, against problems whose solution is known and double backward."""

import math
from dataclasses import replace

import pytest
import torch

from algorithms import bo_mrl
from algorithms.estimators import control_variate
from algorithms.estimators.surrogates import mean_kl
from algorithms.meta_learning import gradient_adaptation, gradient_meta_learner
from algorithms.optimisation import task_chunks
from algorithms.optimisation.conjugate_gradient import blas_dots, solve, summed_products
from algorithms.optimisation.task_chunks import added, scaled
from algorithms.optimisation.trust_region import TrustRegion, TrustRegionConfig
from algorithms.policies.parameters import flat, stacked, unflat
from environments.catalogue import make_suite
from environments.streams import Streams
from tests.support.tabular_problem import SmallTabular, in_float64, learner_on

DELTA = 0.01
SIZE = 6


def drawn(purpose, *shape):
    return torch.randn(*shape, generator=Streams(0).torch(purpose), dtype=torch.float64)


def positive_definite(size=SIZE, smallest=0.5, largest=4.0):
    """A symmetric matrix with eigenvalues spread evenly between the two."""
    basis = torch.linalg.qr(drawn("basis", size, size))[0]
    return basis @ torch.diag(torch.linspace(smallest, largest, size, dtype=torch.float64)) @ basis.T


class Quadratic:
    """Gain slope . x - bend |x|^2 from a start, and KL x^T A x / 2 there; keeps the points that were tried."""

    def __init__(self, bend=0.0):
        self.start, self.slope, self.matrix = drawn("start", SIZE), drawn("slope", SIZE), positive_definite()
        self.bend, self.tried, self.products = bend, [], 0

    def evaluate(self, point):
        move = point - self.start
        self.tried.append(point)
        return float(self.slope @ move - self.bend * move @ move), float(0.5 * move @ self.matrix @ move)

    def step(self, evaluate=None, **settings):
        region = TrustRegion(TrustRegionConfig(**{"delta": DELTA, "damping": 0.0, **settings}))
        return region.step(self.start, 0.0, self.slope, self.product, evaluate or self.evaluate)

    def product(self, vector):
        self.products += 1
        return self.matrix @ vector


@pytest.mark.parametrize("dot", [summed_products, blas_dots])
def test_conjugate_gradient_solves_a_positive_definite_system_in_as_many_steps_as_it_has_unknowns(dot):
    matrix, target = positive_definite(), drawn("target", SIZE)
    solution = solve(lambda rows: rows @ matrix, target[None], SIZE, relative=0.0, dot=dot).vectors[0]
    torch.testing.assert_close(solution, torch.linalg.solve(matrix, target), rtol=1e-10, atol=1e-12)


def test_conjugate_gradient_minimises_over_the_krylov_space_of_its_products():
    """After k products the error is the least in A's norm over span(b, Ab, ..., A^(k-1) b)."""
    matrix, target = positive_definite(), drawn("target", SIZE)
    exact = torch.linalg.solve(matrix, target)
    for products in range(1, SIZE):
        calls = []
        solution = solve(lambda rows, calls=calls: calls.append(1) or rows @ matrix, target[None], products)
        space = torch.stack([torch.linalg.matrix_power(matrix, power) @ target for power in range(products)], dim=1)
        best = space @ torch.linalg.solve(space.T @ matrix @ space, space.T @ matrix @ exact)
        torch.testing.assert_close(solution.vectors[0], best, rtol=1e-6, atol=1e-8)
        assert len(calls) == products


def test_conjugate_gradient_stops_once_the_residual_is_small():
    calls = []
    target = drawn("target", SIZE)
    solution = solve(lambda rows: calls.append(1) or 2 * rows, target[None], 50).vectors[0]
    torch.testing.assert_close(solution, target / 2)
    assert len(calls) == 1
    for least in ({}, {"relative": 0.0}, {"absolute": 10.0}):
        size = 1.0 if "absolute" in least else 0.0  # of a target whose residual is small from the start
        found = solve(lambda rows: calls.append(1) or rows, size * torch.ones(1, SIZE), 50, **least)
        assert not found.vectors.any()
    assert len(calls) == 1


def test_a_quadratic_problem_is_solved_to_the_edge_of_the_region():
    """Of slope . x subject to x^T A x / 2 <= delta: x = sqrt(2 delta / g^T A^-1 g) A^-1 g."""
    problem = Quadratic()
    point, metrics = problem.step()
    natural = torch.linalg.solve(problem.matrix, problem.slope)
    best = natural * torch.sqrt(2 * DELTA / problem.slope.dot(natural))
    torch.testing.assert_close(point - problem.start, best, rtol=1e-6, atol=0)
    assert metrics["kl"] == pytest.approx(DELTA, rel=1e-6)
    assert metrics["kl"] <= DELTA
    assert metrics["improvement"] == pytest.approx(float(problem.slope.dot(best)), rel=1e-6)
    assert metrics["backtracks"] == 0
    # the start is not evaluated again, and the step's length costs no product beside conjugate gradient's
    assert len(problem.tried) == 1
    assert problem.products == SIZE


def test_damping_shortens_the_directions_of_little_curvature():
    problem = Quadratic()
    point, _ = problem.step(damping=3.0)
    damped = torch.linalg.solve(problem.matrix + 3 * torch.eye(SIZE, dtype=torch.float64), problem.slope)
    torch.testing.assert_close(torch.cosine_similarity(point - problem.start, damped, 0).item(), 1.0, rtol=1e-9, atol=0)
    assert problem.evaluate(point)[1] == pytest.approx(DELTA, rel=1e-6)


def test_a_step_beyond_the_bound_is_shortened_until_it_holds():
    problem = Quadratic()

    def steeper(point):
        reached, kl = problem.evaluate(point)
        return reached, 2 * kl  # the true divergence is twice its quadratic model

    point, metrics = problem.step(steeper)
    # 2 delta 0.8^(2k) <= delta from k = 2 on
    assert metrics["backtracks"] == 2
    assert metrics["kl"] == pytest.approx(2 * DELTA * 0.8**4, rel=1e-6)
    assert problem.evaluate(point)[1] == pytest.approx(DELTA * 0.8**4, rel=1e-6)


def test_a_step_that_lowers_the_objective_is_shortened_until_it_does_not():
    natural = torch.linalg.solve(Quadratic().matrix, Quadratic().slope)
    whole = natural * torch.sqrt(2 * DELTA / Quadratic().slope.dot(natural))
    # slope . (k x) - bend |k x|^2 is positive below k = 0.3: first at 0.8^6
    bend = Quadratic().slope.dot(whole) / (0.3 * whole.dot(whole))
    problem = Quadratic(float(bend))
    point, metrics = problem.step()
    assert metrics["backtracks"] == 6
    assert metrics["improvement"] > 0
    torch.testing.assert_close(point - problem.start, 0.8**6 * whole, rtol=1e-6, atol=1e-12)


def test_where_no_step_improves_the_start_is_kept():
    problem = Quadratic()
    point, metrics = problem.step(lambda point: (-problem.evaluate(point)[0], 0.0))
    assert torch.equal(point, problem.start)
    assert metrics == {"kl": 0.0, "improvement": 0.0, "backtracks": 15.0}
    assert len(problem.tried) == 15


@pytest.mark.parametrize("spoilt", [(math.nan, 0.0), (1e9, math.nan), (math.inf, math.inf)])
def test_a_step_with_a_result_that_is_not_finite_is_shortened(spoilt):
    problem = Quadratic()

    def evaluate(point):
        result = problem.evaluate(point)
        return spoilt if len(problem.tried) in (1, 2) else result

    point, metrics = problem.step(evaluate)
    assert metrics["backtracks"] == 2
    assert math.isfinite(metrics["improvement"])
    assert torch.equal(point, problem.tried[2])


def test_a_gradient_that_is_not_finite_is_refused():
    problem = Quadratic()
    problem.slope[2] = math.nan
    with pytest.raises(FloatingPointError, match="meta-gradient is not finite"):
        problem.step()


@pytest.mark.parametrize("curvature", [-1.0, math.nan])
def test_without_positive_curvature_the_start_is_kept_untried(curvature):
    problem = Quadratic()
    problem.matrix = torch.eye(SIZE, dtype=torch.float64) * curvature

    def content_with_anything(point):
        problem.tried.append(point)
        return float(len(problem.tried)), 0.0

    point, metrics = problem.step(content_with_anything)
    assert torch.equal(point, problem.start)
    assert metrics["kl"] == 0
    assert not problem.tried


def test_flattened_parameters_are_restored():
    parameters = {"b": drawn("b", 2, 3), "a": drawn("a", 4), "c": drawn("c", 1)}
    vector = flat(parameters)
    assert vector.shape == (11,)
    restored = unflat(vector, parameters)
    assert list(restored) == list(parameters)
    for name, value in parameters.items():
        assert torch.equal(restored[name], value)


def sampled_maml_trpo(suite, steps, **config):
    """MAML-TRPO in float64 away from its uniform start, and data of unequal lengths."""
    config = {"tasks": 3, "trajectories": 5, "chunk": 2, "hidden": (8, 8), "inner_step_size": 0.7, **config}
    learner, collector = learner_on(suite, "maml-trpo", steps, **config)
    in_float64(learner)
    learner.parameters = {
        name: value + 0.3 * torch.randn(value.shape, generator=Streams(0).torch(name), dtype=value.dtype)
        for name, value in learner.parameters.items()
    }
    return learner, learner.sample(collector)


def cut_short(step):
    """The same data with some trajectories of one task ended earlier."""
    mask = step.trajectories.mask.double()
    mask[1, 2:, 2:] = 0
    return replace(step, trajectories=replace(step.trajectories, mask=mask))


def divergence_product(learner, data, vector):
    """The Hessian of the mean KL(old || new) of the adapted policies times a vector, by double backward."""
    leaves = {name: value.clone().requires_grad_() for name, value in learner.parameters.items()}
    adapted = learner.adapted(stacked(leaves, 3), data[:-1], differentiable=True)
    policy = learner.distribution(adapted, data[-1])
    old = type(policy).from_parameters({name: value.detach() for name, value in policy.parameters.items()})
    divergence = mean_kl(old, policy, data[-1].trajectories.mask).mean()
    slopes = torch.autograd.grad(divergence, list(leaves.values()), create_graph=True)
    products = torch.autograd.grad(slopes, list(leaves.values()), list(unflat(vector, leaves).values()))
    return torch.cat([product.reshape(-1) for product in products])


@pytest.mark.parametrize("suite", [SmallTabular(), make_suite("corners[horizon=6]")], ids=["tabular", "gaussian"])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_adapted_curvature_is_the_hessian_of_the_mean_divergence(suite, steps):
    learner, data = sampled_maml_trpo(suite, steps)
    data = [cut_short(step) for step in data]
    parts = learner.each_chunk(learner.linearised, data)
    for index in range(3):
        vector = drawn(f"vector {index}", flat(learner.parameters).numel())
        direction = unflat(vector, learner.parameters)
        product = torch.stack([flat(part.fisher(direction)) for part in parts]).sum(0) / 3
        exact = divergence_product(learner, data, vector)
        assert (product - exact).norm() < 1e-9 * exact.norm()


@pytest.mark.parametrize("method", ["maml-trpo", "e-maml-trpo", "lvc-trpo", "cavia", "imaml"])
@pytest.mark.parametrize("suite", [SmallTabular(), make_suite("corners[horizon=6]")], ids=["tabular", "gaussian"])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_gradient_of_the_curvatures_graphs_is_the_meta_gradient(method, suite, steps):
    learner, collector = learner_on(suite, method, steps, tasks=3, trajectories=5, chunk=2, hidden=(8, 8))
    in_float64(learner)
    data = learner.sample(collector)
    value, gradient = learner.meta_gradient(learner.parameters, data)
    parts = learner.each_chunk(learner.linearised, data)
    mean = scaled(added(part.gradient for part in parts), 1 / 3)
    for name, slope in gradient.items():
        torch.testing.assert_close(mean[name], slope, rtol=1e-9, atol=1e-12)
    assert float(torch.cat([part.objectives for part in parts]).mean()) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("method", ["maml-trpo", "e-maml-trpo", "lvc-trpo", "cavia"])
def test_an_update_builds_the_adaptations_graphs_once_beside_those_of_the_line_search(method, monkeypatch):
    """Gradient, Jacobians and all products of conjugate gradient share one linearisation of each chunk."""
    suite = make_suite("corners[horizon=6]")
    learner, collector = learner_on(suite, method, 1, tasks=4, trajectories=5, chunk=2, hidden=(8,))
    data, built = learner.sample(collector), []
    own = type(learner).inner_objective
    monkeypatch.setattr(type(learner), "inner_objective", lambda self, *given: built.append(1) or own(self, *given))
    metrics = learner.update(data)
    tried = int(metrics["backtracks"]) + 1
    assert len(built) == 2 * (1 + tried)


@pytest.mark.parametrize("method", ["maml-trpo", "e-maml-trpo", "lvc-trpo", "cavia", "imaml", "bo-mrl-1"])
def test_an_update_records_how_far_the_policy_before_adaptation_moved(method):
    learner, collector = learner_on(make_suite("corners[horizon=6]"), method, 1, tasks=3, trajectories=5, hidden=(8,))
    data = learner.sample(collector)
    metrics = learner.update(data) if method != "bo-mrl-1" else learner.outer_step(learner.hypergradient(data)[0], data)
    first = data[0] if method != "bo-mrl-1" else data.before
    moved = first.divergence(learner.distribution(stacked(learner.parameters, 3), first)).mean()
    assert metrics["backtracks"] < 15
    assert metrics["kl_before_adaptation"] == pytest.approx(float(moved), rel=1e-4)
    assert metrics["kl_before_adaptation"] > 0


class _Reversed:
    """Works on the last chunk first, as threads might."""

    def __call__(self, work, tasks, size):
        parts = list(task_chunks.chunks(tasks, size))
        return [work(part) for part in reversed(parts)][::-1]


@pytest.mark.parametrize("method", ["maml-trpo", "promp", "tmaml", "bo-mrl-1"])
def test_an_iterations_bytes_do_not_depend_on_which_chunk_is_done_first(method, monkeypatch):
    """... as long as results are added in the tasks' order, which `added` is given."""
    ended = []
    for order in (task_chunks.each_chunk, _Reversed()):
        for module in (gradient_adaptation, gradient_meta_learner, control_variate, bo_mrl):
            monkeypatch.setattr(module, "each_chunk", order)
        suite = make_suite("corners[horizon=6]")
        learner, collector = learner_on(suite, method, 1, tasks=5, trajectories=4, chunk=2, hidden=(8,))
        metrics = learner.meta_step(collector)
        ended.append((metrics, flat(learner.parameters)))
    assert ended[0][0] == ended[1][0]
    assert torch.equal(ended[0][1], ended[1][1])


def test_sums_over_tasks_go_from_the_first_chunk_to_the_last():
    terms = [{"a": torch.tensor([value])} for value in (1.0, 1e8, -1e8)]
    assert task_chunks.each_chunk(lambda part: (part.start, part.stop), 5, 2) == [(0, 2), (2, 4), (4, 5)]
    assert float(added(terms)["a"]) == 0.0  # 1 is lost in 1e8
    assert float(added(reversed(terms))["a"]) == 1.0
    assert float(terms[0]["a"]) == 1.0


@pytest.mark.parametrize("suite", [SmallTabular(), make_suite("corners[horizon=6]")], ids=["tabular", "gaussian"])
def test_maml_trpos_step_is_the_natural_gradient_within_the_bound(suite):
    """Along (H + damping)^-1 g with H by double backward, scaled to the bound and backtracked."""
    learner, data = sampled_maml_trpo(suite, 1, cg_iterations=200, damping=0.1)
    data[-1] = cut_short(data[-1])
    start, (_, gradient) = flat(learner.parameters), learner.meta_gradient(learner.parameters, data)
    hessian = torch.stack([divergence_product(learner, data, row) for row in torch.eye(len(start), dtype=start.dtype)])
    natural = torch.linalg.solve(hessian + 0.1 * torch.eye(len(start), dtype=start.dtype), flat(gradient))
    whole = natural * torch.sqrt(2 * DELTA / (natural @ hessian @ natural))
    before, unmoved = learner.evaluate(learner.parameters, data)
    metrics = learner.update(data)
    torch.testing.assert_close(
        flat(learner.parameters) - start, whole * 0.8 ** metrics["backtracks"], rtol=1e-3, atol=1e-4
    )
    after, divergence = learner.evaluate(learner.parameters, data)
    assert unmoved == pytest.approx(0, abs=1e-12)
    assert 0 < divergence <= DELTA
    assert divergence == metrics["kl"]
    assert after - before == pytest.approx(metrics["improvement"])
    assert after > before
