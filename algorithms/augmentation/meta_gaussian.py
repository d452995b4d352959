"""The meta-parameters' Gaussian: an objective's expectation under it, its derivatives, and the lower level's solution.

A Gaussian with mean mu and a std sigma for each parameter is a tensor [2, parameter]: mu, then sigma.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.policies.parameters import Parameters, flat, unflat

#: parameters, coefficients [critical] -> scalar, differentiable in both, pure
Objective = Callable[[Parameters, torch.Tensor], torch.Tensor]
Products = Literal["exact", "differences"]
#: a surrogate that rises faster than this multiple of its gradient's promise is followed no further
TRUSTED = 2.0


class ExpectedObjective:
    """F(mu, sigma; lambda) = the mean over fixed draws zeta of L(mu + sigma * zeta, lambda), XMRL-G's (7).

    like: parameters that give names and shapes.  draws: [draw, parameter], of the parameters' type.
    `gradients` counts the gradients of L that were taken, `products` those with its Hessian.
    """

    def __init__(self, objective: Objective, like: Parameters, draws: torch.Tensor) -> None:
        self._objective, self._like = objective, like
        self.draws = draws
        self.gradients, self.products = 0, 0

    def points(self, gaussian: torch.Tensor) -> torch.Tensor:
        """[draw, parameter]"""
        return gaussian[0] + gaussian[1] * self.draws

    def slope(self, gaussian: torch.Tensor, coefficients: torch.Tensor) -> tuple[float, torch.Tensor]:
        """F and its gradient in mu and sigma, [2, parameter]."""
        values, slopes = zip(*(self._at(point, coefficients) for point in self.points(gaussian)), strict=True)
        return sum(values) / len(values), self.gathered(torch.stack(slopes))

    def along(self, direction: torch.Tensor) -> torch.Tensor:
        """How each draw's parameters move with the Gaussian: [2, parameter] -> [draw, parameter]."""
        return direction[0] + self.draws * direction[1]

    def gathered(self, slopes: torch.Tensor) -> torch.Tensor:
        """The transposed of `along`, a mean over draws: [draw, parameter] -> [2, parameter]."""
        return torch.stack([slopes.mean(0), (self.draws * slopes).mean(0)])

    def leaf(self, point: torch.Tensor) -> torch.Tensor:
        return point.detach().clone().requires_grad_()

    def value(self, point: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
        """L at a vector of parameters, a node of its graph."""
        self.gradients += 1
        return self._objective(unflat(point, self._like), coefficients)

    def by_coefficients(self, point: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
        """L's gradient in the coefficients, [critical]."""
        leaf = self.leaf(coefficients)
        with torch.enable_grad():
            return torch.autograd.grad(self.value(self.leaf(point), leaf), leaf, materialize_grads=True)[0]

    def by_parameters(self, point: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
        return self._at(point, coefficients)[1]

    def _at(self, point: torch.Tensor, coefficients: torch.Tensor) -> tuple[float, torch.Tensor]:
        leaf = self.leaf(point)
        with torch.enable_grad():
            value = self.value(leaf, coefficients.detach())
            (slope,) = torch.autograd.grad(value, leaf)
        return float(value.detach()), slope


@dataclass(frozen=True)
class Posterior:
    """A solution of the lower level.  gaussian: [2, parameter].  free: [2, parameter], false where the floor holds a
    std.  value: of F there.  remainder: norm of the free gradient over that of F's, 0 at an optimum.  first: gradient
    of F in mu at the start, [parameter].  refused: steps that were taken back."""

    gaussian: torch.Tensor
    free: torch.Tensor
    value: float
    remainder: float
    first: torch.Tensor
    refused: int


def posterior(
    expected: ExpectedObjective,
    coefficients: torch.Tensor,
    start: torch.Tensor,
    weights: torch.Tensor,
    floor: float,
    steps: int,
) -> Posterior:
    """Towards argmax of F(mu, sigma; lambda) - 1/2 |(mu, sigma) - start|^2_weights with sigma >= floor: XMRL-G's (5).

    The proximal term is ours: on fixed data mean(log pi * A) has no maximum.  Gradient ascent from the start with steps
    of 1 / weights, as `algorithms.optimisation.proximal_ascent` takes them: the first is a plain ascent step of that
    size.  A step is taken back and the size quartered where it does not raise the objective, and where it raises it by
    more than `TRUSTED` times what the gradient promised: a policy far from the one that acted raises log pi * A without
    bound by making actions of negative advantage impossible.  A std below the floor is set to it.  Costs steps + 1
    gradients of F, fewer where it is solved before.
    coefficients: [critical].  start, weights: [2, parameter].
    """

    def evaluate(point: torch.Tensor) -> tuple[float, float, torch.Tensor, torch.Tensor]:
        value, raw = expected.slope(point, coefficients)
        away = point - start
        return value - 0.5 * float((weights * away * away).sum()), value, raw - weights * away, raw

    point = torch.stack([start[0], start[1].clamp(min=floor)])
    reached, value, slope, raw = evaluate(point)
    first = raw[0]
    size = 1.0
    refused = 0
    margin = 10 * torch.finfo(start.dtype).eps  # near the solution values differ by rounding alone
    for _ in range(steps):
        if float(slope.norm()) <= margin * float(raw.norm()):
            break
        step = point + size * slope / weights
        candidate = torch.stack([step[0], step[1].clamp(min=floor)])
        found = evaluate(candidate)
        rounding = margin * (1 + abs(reached))
        promised = float((slope * (candidate - point)).sum())
        if -rounding <= found[0] - reached <= TRUSTED * promised + rounding:
            point, (reached, value, slope, raw) = candidate, found
        else:
            refused += 1
            size /= 4
    free = torch.stack([torch.ones_like(point[0], dtype=torch.bool), point[1] > floor])
    scale = float((raw * free).norm())
    return Posterior(point, free, value, float((slope * free).norm()) / scale if scale > 0 else 0.0, first, refused)


def as_gaussian(parameters: Parameters, std: float) -> torch.Tensor:
    """About the parameters, with that std for all: [2, parameter]."""
    mean = flat(parameters).detach()
    return torch.stack([mean, torch.full_like(mean, std)])
