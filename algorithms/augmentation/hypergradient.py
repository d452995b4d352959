"""The derivative of the lower level's solutions by their coefficients, by the implicit function theorem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.augmentation.meta_gaussian import ExpectedObjective, Posterior, Products
from algorithms.augmentation.mutual_information import mutual_information
from algorithms.optimisation.conjugate_gradient import solve

Direction = Literal["information", "lemma1"]


class Curvature:
    """Products with second derivatives of F at a Gaussian, [2, parameter], and coefficients, [critical].

    exact: by double backward through one graph for each draw, which is kept.  differences: central ones of gradients,
    two for each draw, for objectives that can be differentiated only once; their step moves the parameters by the cube
    root of the type's precision, relative to one more than their norm.
    """

    def __init__(
        self, expected: ExpectedObjective, gaussian: torch.Tensor, coefficients: torch.Tensor, products: Products
    ) -> None:
        self._expected, self._coefficients, self._exact = expected, coefficients, products == "exact"
        self._points = expected.points(gaussian)
        if self._exact:
            self._leaves = [expected.leaf(point) for point in self._points]
            self._coefficient_leaf = expected.leaf(coefficients)
            with torch.enable_grad():
                self._slopes = [
                    torch.autograd.grad(expected.value(leaf, self._coefficient_leaf), leaf, create_graph=True)[0]
                    for leaf in self._leaves
                ]
            if not all(slope.requires_grad for slope in self._slopes):
                raise TypeError("the objective is differentiable only once; take hessian_products=differences")

    def __call__(self, vector: torch.Tensor) -> torch.Tensor:
        """The Hessian of F in (mu, sigma) times a vector, [2, parameter]."""
        directions = self._expected.along(vector)
        self._expected.products += len(directions)
        if self._exact:
            images = [
                torch.autograd.grad(slope, leaf, direction, retain_graph=True, materialize_grads=True)[0]
                for slope, leaf, direction in zip(self._slopes, self._leaves, directions, strict=True)
            ]
        else:
            images = [
                self._difference(self._expected.by_parameters, point, direction)
                for point, direction in zip(self._points, directions, strict=True)
            ]
        return self._expected.gathered(torch.stack(images))

    def mixed(self, vector: torch.Tensor) -> torch.Tensor:
        """vector^T d2F / d(mu, sigma) d coefficients, [critical]."""
        directions = self._expected.along(vector)
        if self._exact:
            images = [
                torch.autograd.grad(
                    slope, self._coefficient_leaf, direction, retain_graph=True, materialize_grads=True
                )[0]
                for slope, direction in zip(self._slopes, directions, strict=True)
            ]
        else:
            images = [
                self._difference(self._expected.by_coefficients, point, direction)
                for point, direction in zip(self._points, directions, strict=True)
            ]
        return torch.stack(images).mean(0)

    def _difference(
        self,
        gradient: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        point: torch.Tensor,
        direction: torch.Tensor,
    ) -> torch.Tensor:
        length = float(direction.norm())
        if length == 0:
            return torch.zeros_like(gradient(point, self._coefficients))
        step = torch.finfo(point.dtype).eps ** (1 / 3) * (1 + float(point.norm())) / length
        ahead, behind = (gradient(point + sign * step * direction, self._coefficients) for sign in (1, -1))
        return (ahead - behind) / (2 * step)


@dataclass(frozen=True)
class Implicit:
    """slopes: [set, critical].  residual: the mean relative one of conjugate gradient.  truncated: share of sets whose
    problem proved not concave."""

    slopes: torch.Tensor
    residual: float
    truncated: float


def through_posteriors(
    expected: ExpectedObjective,
    posteriors: list[Posterior],
    coefficients: torch.Tensor,
    cotangents: torch.Tensor,
    weights: torch.Tensor,
    iterations: int,
    tolerance: float,
    products: Products,
    blocks: tuple[bool, bool] = (True, True),
) -> Implicit:
    """cotangents^T d(mu, sigma) / d coefficients at the solutions of `posterior`, each set's own.

    There F's gradient is weights * (solution - start), hence d(mu, sigma)/d lambda = (W - Hess F)^-1 d2F/d(mu,
    sigma)d lambda on the coordinates that no floor holds: the proximal weights are the damping, and no other is added.
    Conjugate gradient runs on I - W^-1/2 Hess F W^-1/2, each set for itself since one set's graphs fill the memory.
    Where that proves not positive definite it keeps the point reached before.
    coefficients: [set, critical].  cotangents: [set, 2, parameter].  weights: [2, parameter].
    blocks: whether mu and whether sigma move; Lemma 1 leaves mu out.
    """
    slopes, residuals, truncated = [], [], []
    own = torch.tensor(blocks).unsqueeze(1)
    for solution, values, cotangent in zip(posteriors, coefficients, cotangents, strict=True):
        scale = (solution.free & own) / weights.sqrt()
        curvature = Curvature(expected, solution.gaussian, values, products)

        def product(rows: torch.Tensor, scale: torch.Tensor = scale, of: Curvature = curvature) -> torch.Tensor:
            return rows - (scale * of(scale * rows.view_as(scale))).view(1, -1)

        solved = solve(product, (scale * cotangent).view(1, -1), iterations, tolerance)
        slopes.append(curvature.mixed(scale * solved.vectors.view_as(scale)))
        residuals.append(float(solved.residuals))
        truncated.append(float(solved.negative_curvature))
    count = len(slopes)
    return Implicit(torch.stack(slopes), sum(residuals) / count, sum(truncated) / count)


def information_cotangents(gaussians: torch.Tensor, draws: torch.Tensor) -> tuple[float, torch.Tensor]:
    """The mutual information of the components [set, 2, parameter], and its gradient in them; in float64."""
    leaf = gaussians.detach().double().requires_grad_()
    with torch.enable_grad():
        found = mutual_information(leaf[:, 0], leaf[:, 1], draws)
        (slopes,) = torch.autograd.grad(found, leaf)
    return float(found.detach()), slopes


def lemma1_value(gaussians: torch.Tensor) -> float:
    """log |sum_j sigma_j| - mean_j log |sigma_j|, of which Lemma 1 prints the gradient.  gaussians: [set, 2,
    parameter]."""
    stds = gaussians[:, 1].double()
    return float(stds.sum(0).norm().log() - stds.norm(dim=1).log().mean())


def appendix_e_estimate(gaussians: torch.Tensor) -> float:
    """mean_j log(1 / |sigma_j|) - log mean_j(1 / |sigma_j|): Appendix E's information, which Jensen's inequality keeps
    at most 0.  gaussians: [set, 2, parameter]."""
    inverse = 1 / gaussians[:, 1].double().norm(dim=1)
    return float(inverse.log().mean() - inverse.mean().log())


def lemma1_cotangents(gaussians: torch.Tensor) -> torch.Tensor:
    """Lemma 1's coefficients of the derivatives of sigma*, as printed but contracted with sigma / |sigma|.

    sum_j d sigma_j / |sum_j sigma_j| - mean_j d sigma_j / |sigma_j| has an entry for each parameter; the gradient of a
    norm contracts it, which makes it that of `lemma1_value`.  Where the norms are close to each other, that of Appendix
    E's estimate is its opposite.
    gaussians: [set, 2, parameter].  Returns the same shape, in float64, 0 for the means.
    """
    stds = gaussians[:, 1].double()
    total = stds.sum(0)
    slopes = total / total.square().sum() - stds / stds.square().sum(1, keepdim=True) / len(stds)
    return torch.stack([torch.zeros_like(slopes), slopes], dim=1)
