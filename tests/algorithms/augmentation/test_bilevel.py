"""The augmentation on a small problem that is known exactly: its hypergradient, its iterations, its state."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.autograd.function import once_differentiable

from algorithms.augmentation.bilevel import Augmentation, Bilevel, Draws
from algorithms.augmentation.coefficients import LEAST_STD, CoefficientDistribution
from algorithms.augmentation.meta_gaussian import ExpectedObjective, Objective, as_gaussian, posterior
from algorithms.augmentation.options import AugmentationConfig
from algorithms.policies.parameters import Parameters
from benchmarks.studies.xmrl_g_lemmas.problem import MixedBandits
from environments.streams import Streams
from environments.typed_options import UsageError, make_options

PROBLEM = MixedBandits.drawn(Streams(0))
START = PROBLEM.parameters(Streams(1))
STD = 0.05
#: the lower level solved, and the linear systems too
SOLVED = AugmentationConfig(
    parameter_draws=2,
    posterior_steps=100,
    posterior_step_size=1.0,
    information_draws=128,
    hypergradient_iterations=60,
    hypergradient_tolerance=1e-12,
    hessian_products="exact",
)


def levels(
    distribution: CoefficientDistribution, config: AugmentationConfig = SOLVED, floor: float = 0.02, seed: int = 0
) -> Bilevel:
    gaussian = as_gaussian(START, STD)
    draws = Draws.drawn(config, PROBLEM.critical, gaussian, torch.Generator().manual_seed(seed))
    weights = torch.full_like(gaussian, 1 / config.posterior_step_size)
    return Bilevel(PROBLEM.objective, START, distribution, draws, gaussian, weights, floor, config)


def differences(distribution: CoefficientDistribution, step: float = 1e-4, **other: Any) -> torch.Tensor:
    """The information's gradient by central differences of the whole problem, [2, size]."""
    found = torch.zeros(2, len(distribution.mean), dtype=torch.float64)
    for row, name in enumerate(("mean", "std")):
        for column in range(len(distribution.mean)):
            ends = []
            for sign in (1, -1):
                moved = getattr(distribution, name).clone()
                moved[column] += sign * step
                ends.append(levels(replace(distribution, **{name: moved}), **other).information)
            found[row, column] = (ends[0] - ends[1]) / (2 * step)
    return found


@pytest.mark.parametrize(("size", "products"), [(1, "exact"), (1, "differences"), (PROBLEM.critical, "exact")])
def test_the_hypergradient_is_the_derivative_of_the_information(size: int, products: Any) -> None:
    distribution = CoefficientDistribution.initial(0.78, 0.1, size)
    here = levels(distribution, replace(SOLVED, hessian_products=products))
    assert 0.1 < here.information / math.log(4) < 0.9
    assert max(solution.remainder for solution in here.posteriors) < 1e-9
    found, implicit = here.hypergradient("information")
    assert implicit.residual < 1e-6 and implicit.truncated == 0
    exact = differences(distribution)
    assert float((found - exact).norm() / exact.norm()) < 1e-3


def test_clipped_coefficients_have_no_gradient() -> None:
    distribution = CoefficientDistribution.initial(0.9, 0.15, 1)
    here = levels(distribution)
    assert 0 < here.coefficients.clipped < 1
    assert torch.all((here.coefficients.values == 1) == ~here.coefficients.inside)
    found, _ = here.hypergradient("information")
    exact = differences(distribution, step=1e-5)
    assert float((found - exact).norm() / exact.norm()) < 1e-3
    everywhere = CoefficientDistribution.initial(1.0, 0.1, 1).drawn(torch.ones(4, PROBLEM.critical))
    assert everywhere.clipped == 1
    slopes = distribution.gradient(everywhere, torch.ones(4, PROBLEM.critical))
    assert torch.equal(slopes, torch.zeros(2, 1, dtype=torch.float64))


def test_stds_at_the_floor_stay_there_and_move_nothing() -> None:
    distribution = CoefficientDistribution.initial(0.78, 0.1, 1)
    here = levels(distribution, floor=STD)
    stds = here.gaussians[:, 1]
    free = torch.stack([solution.free[1] for solution in here.posteriors])
    assert bool((stds >= STD).all()) and 0 < int(free.sum()) < free.numel()
    assert torch.equal(stds > STD, free)
    found, _ = here.hypergradient("information")
    exact = differences(distribution, step=1e-5, floor=STD)
    assert float((found - exact).norm() / exact.norm()) < 1e-3


def test_lemma_1_as_printed_points_elsewhere() -> None:
    distribution = CoefficientDistribution.initial(0.78, 0.1, 1)
    printed, _ = levels(distribution).hypergradient("lemma1")
    exact = differences(distribution)
    assert float((printed - exact).norm() / exact.norm()) > 0.1


def test_the_lower_level_is_solved_about_its_start() -> None:
    gaussian = as_gaussian(START, STD)
    draws = torch.randn(3, gaussian.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    expected = ExpectedObjective(PROBLEM.objective, START, draws)
    coefficients = torch.tensor([0.7, 0.9, 0.8], dtype=torch.float64)
    weights = torch.full_like(gaussian, 0.8)
    solution = posterior(expected, coefficients, gaussian, weights, 0.02, 400)
    _, slope = expected.slope(solution.gaussian, coefficients)
    away = weights * (solution.gaussian - gaussian)
    assert torch.allclose(slope[solution.free], away[solution.free], atol=1e-9)
    assert bool((slope[~solution.free] <= away[~solution.free]).all())
    first = posterior(expected, coefficients, gaussian, weights, 0.02, 1)
    _, slope = expected.slope(gaussian, coefficients)
    assert torch.allclose(first.gaussian[0], (gaussian + slope / weights)[0])


def run(
    config: AugmentationConfig, iterations: int, objective: Objective = PROBLEM.objective
) -> list[dict[str, float]]:
    augmentation = Augmentation(START, PROBLEM.critical, config)
    return [augmentation.step(objective, torch.Generator().manual_seed(k)) for k in range(iterations)]


def test_the_information_starts_where_it_is_asked_to() -> None:
    shares = [
        run(AugmentationConfig(starting_information=share, information_draws=2000), 1)[0]["information_share"]
        for share in (0.2, 0.5, 0.8)
    ]
    assert shares == pytest.approx([0.2, 0.5, 0.8], abs=0.07)


def test_the_std_is_calibrated_once_the_coefficients_differ() -> None:
    augmentation = Augmentation(START, PROBLEM.critical, AugmentationConfig(coefficient_mean=1.0))
    augmentation.coefficients = CoefficientDistribution.initial(1.0, 1e-9, 1)
    augmentation.coefficients = replace(augmentation.coefficients, mean=torch.full((1,), 5.0, dtype=torch.float64))
    first = augmentation.step(PROBLEM.objective, torch.Generator().manual_seed(0))
    assert first["coefficients_clipped"] == 1 and first["mutual_information"] == pytest.approx(0, abs=1e-9)
    augmentation.coefficients = CoefficientDistribution.initial(0.8, 0.1, 1)
    second = augmentation.step(PROBLEM.objective, torch.Generator().manual_seed(1))
    assert 0.1 < second["information_share"] < 0.9


def test_a_restored_augmentation_goes_on_to_the_same_numbers() -> None:
    config = AugmentationConfig(coefficient_sharing="none")
    whole = Augmentation(START, PROBLEM.critical, config)
    numbers = [whole.step(PROBLEM.objective, torch.Generator().manual_seed(k)) for k in range(4)]
    half = Augmentation(START, PROBLEM.critical, config)
    for k in range(2):
        half.step(PROBLEM.objective, torch.Generator().manual_seed(k))
    again = Augmentation(PROBLEM.parameters(Streams(9)), PROBLEM.critical, config)
    again.load_state_dict(half.state_dict())
    assert [again.step(PROBLEM.objective, torch.Generator().manual_seed(k)) for k in (2, 3)] == numbers[2:]
    assert torch.equal(again.mean["weight"], whole.mean["weight"])
    assert not torch.equal(again.mean["weight"], START["weight"])


def test_the_lower_level_raises_the_objective_and_the_upper_the_information() -> None:
    config = AugmentationConfig(posterior_step_size=0.3, coefficient_step_size=0.02, information_draws=500)
    numbers = run(config, 25)
    assert numbers[-1]["objective"] > numbers[0]["objective"] + 0.05
    fixed = levels(CoefficientDistribution.initial(0.78, 0.1, 1))
    direction, _ = fixed.hypergradient("information")
    higher = CoefficientDistribution.initial(0.78, 0.1, 1).moved(direction, 1e-3)
    assert levels(higher).information > fixed.information


def test_the_mean_and_std_of_the_coefficients_stay_in_bounds() -> None:
    start = CoefficientDistribution.initial(0.8, 0.1, 1)
    moved = start.moved(torch.tensor([[50.0], [-50.0]]), 1.0)
    assert (float(moved.mean), float(moved.std)) == (1.0, LEAST_STD)
    moved = start.moved(torch.tensor([[50.0], [-50.0]]), 1.0, bound=0.05)
    assert (float(moved.mean), float(moved.std)) == pytest.approx((0.85, 0.05))


class Once(torch.autograd.Function):
    """The objective's value going forward, its gradient going backward, and no second derivative."""

    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
        leaves = weight.detach().requires_grad_(), coefficients.detach().requires_grad_()
        with torch.enable_grad():
            value = PROBLEM.objective({"weight": leaves[0]}, leaves[1])
        ctx.slopes = torch.autograd.grad(value, leaves)
        return value.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> Any:
        return tuple(slope * its for its in ctx.slopes)


def test_an_objective_that_is_differentiable_once_is_augmented_all_the_same() -> None:
    def once(parameters: Parameters, coefficients: torch.Tensor) -> torch.Tensor:
        return Once.apply(parameters["weight"], coefficients)

    exact, differenced = run(AugmentationConfig(hessian_products="exact"), 3), run(AugmentationConfig(), 3, once)
    for one, other in zip(exact, differenced, strict=True):
        assert other["hypergradient_squared"] == pytest.approx(one["hypergradient_squared"], rel=1e-3)
    with pytest.raises(TypeError, match="only once; take hessian_products=differences"):
        run(AugmentationConfig(hessian_products="exact"), 1, once)


def test_options_that_mean_nothing_are_refused() -> None:
    for values, named in (
        ({"coefficient_sets": 1}, "coefficient_sets must be at least 2, got 1"),
        ({"parameter_std": 0}, "parameter_std must be above 0, got 0"),
        ({"starting_information": 1}, r"starting_information must be in \(0, 1\), got 1"),
        ({"std_floor": 0}, "std_floor must be above 0, got 0"),
        ({"direction": "lemma2"}, "must be one of information, lemma1"),
    ):
        with pytest.raises(UsageError, match=named):
            make_options(AugmentationConfig, values, "augmentation")
