"""How the weights of training tasks act on other tasks: the lower level of XMRL-G's problem (2) and Lemma 3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from algorithms.explanation.objectives import Objectives
from algorithms.explanation.options import ExplanationConfig
from algorithms.optimisation.conjugate_gradient import solve

#: of rho at most
DOUBLINGS = 12
#: by which share a product must raise the largest curvature known, of which rho is a multiple, for another to be taken
HARDLY_MORE = 0.02


@dataclass(frozen=True)
class Hypergradient:
    """Of L(theta*(omega)), a mean over the poor rows, in every training row's weight."""

    corrected: torch.Tensor  # float64 [row]: Lemma 3, d L / d omega = -[d2 / d omega d theta] H^-1 grad L
    direction: torch.Tensor  # float64 [parameter]: (rho I - H)^-1 grad L
    residual: float  # of the conjugate gradient, as a share of |grad L|
    truncated: bool  # whether negative curvature of rho I - H ended it
    objective: float  # L

    @property
    def printed(self) -> torch.Tensor:
        """Equation (8) as printed: without the minus that Lemma 3 and the implicit function theorem have."""
        return -self.corrected


class ImportanceProblem:
    """theta*(omega) = argmax sum_row omega_row J_row(theta) - rho / 2 |theta - theta_0|^2, and what it does for others.

    Rows are collections of tasks; points are vectors [parameter] and weights [row], all float64.
    """

    def __init__(self, training: Objectives, poor: Objectives, options: ExplanationConfig) -> None:
        self.training, self.poor, self.options = training, poor, options
        self.start = training.start
        uniform = torch.full((training.rows,), 1 / training.rows, dtype=torch.float64)
        poorly = self._poor_gradient(self.start)[1]
        curvature = largest_curvature(training.hessian(self.start, uniform), poorly, options.implicit_iterations)
        far = float(training.weighted(self.start, uniform)[1].norm()) / options.reach
        #: rho; where all gradients vanish every one will do
        self.proximity = max(options.proximity * curvature, far) or 1.0

    def settled(self, weights: torch.Tensor) -> tuple[torch.Tensor, float]:
        """`solution` from theta_0, rho doubled until the steps suffice for it.

        Away from theta_0 the curvature of a surrogate may grow without bound, and with it the rho that is enough.
        """
        for _ in range(DOUBLINGS):
            point, left = self.solution(weights, self.start)
            if left <= self.options.tolerance:
                break
            self.proximity *= 2
        return point, left

    def value(self, point: torch.Tensor, weights: torch.Tensor) -> tuple[float, torch.Tensor]:
        """The lower level's objective and its gradient."""
        value, slope = self.training.weighted(point, weights)
        away = point - self.start
        return value - 0.5 * self.proximity * float(away @ away), slope - self.proximity * away

    def solution(self, weights: torch.Tensor, point: torch.Tensor) -> tuple[torch.Tensor, float]:
        """theta*(omega) by gradient ascent from the given point, and the norm of the slope that is left there, as a
        share of that of the weighted objective alone.

        A step that lowers the objective is taken back and its size halved.
        """
        options = self.options
        size = options.lower_rate / self.proximity
        margin = 10 * self.training.precision  # near the solution values differ by rounding alone
        reached, slope = self.value(point, weights)
        for _ in range(options.lower_steps):
            if self._left(point, slope) <= options.tolerance:
                break
            candidate = point + size * slope
            value, its_slope = self.value(candidate, weights)
            if value >= reached - margin * (1 + abs(reached)):  # false for a value that is not a number
                point, reached, slope = candidate, value, its_slope
            else:
                size /= 2
        return point, self._left(point, slope)

    def hypergradient(
        self, weights: torch.Tensor, point: torch.Tensor, guess: torch.Tensor | None = None
    ) -> Hypergradient:
        """At theta*(omega) = point; guess: a direction near that of the solution, as another iteration's is."""
        options = self.options
        objective, slope = self._poor_gradient(point)
        curvature = self.training.hessian(point, weights)

        def product(vectors: torch.Tensor) -> torch.Tensor:
            return (self.proximity * vectors[0] - curvature(vectors[0])).unsqueeze(0)

        known = torch.zeros_like(slope) if guess is None else guess
        target = slope if guess is None else slope - product(guess.unsqueeze(0))[0]
        norm = float(slope.norm())
        solved = solve(
            product, target.unsqueeze(0), options.implicit_iterations, relative=0.0, absolute=options.tolerance * norm
        )
        direction = known + solved.vectors[0]
        return Hypergradient(
            corrected=self.training.gradients(point) @ direction,
            direction=direction,
            residual=float(solved.remainders[0].norm()) / norm if norm > 0 else 0.0,
            truncated=bool(solved.negative_curvature[0]),
            objective=objective,
        )

    def poor_objective(self, point: torch.Tensor) -> float:
        """L(theta), a mean over the poor rows."""
        return self._poor_gradient(point)[0]

    def _left(self, point: torch.Tensor, slope: torch.Tensor) -> float:
        whole = float((slope + self.proximity * (point - self.start)).norm())
        return float(slope.norm()) / whole if whole > 0 else 0.0

    def _poor_gradient(self, point: torch.Tensor) -> tuple[float, torch.Tensor]:
        rows = self.poor.rows
        return self.poor.weighted(point, torch.full((rows,), 1 / rows, dtype=torch.float64))


def largest_curvature(product: Callable[[torch.Tensor], torch.Tensor], start: torch.Tensor, iterations: int) -> float:
    """The largest absolute eigenvalue of a symmetric matrix as its products tell it, from below.

    Lanczos with full orthogonalisation from `start`, whose Krylov space is that of the conjugate gradient on it; ends
    where a further product tells hardly more.
    """
    found = 0.0
    basis: list[torch.Tensor] = []
    images: list[torch.Tensor] = []
    vector = start
    for _ in range(min(iterations, len(start))):
        length = float(vector.norm())
        if length <= 1e-9 * (float(images[-1].norm()) if images else 0.0) or length == 0:
            break
        basis.append(vector / length)
        images.append(product(basis[-1]))
        vector = images[-1]
        for _ in range(2):  # once more, against rounding
            vector = vector - sum(((vector @ other) * other for other in basis), torch.zeros_like(vector))
        projected = torch.stack(basis) @ torch.stack(images).T
        before, found = found, float(torch.linalg.eigvalsh((projected + projected.T) / 2).abs().max())
        if found - before <= HARDLY_MORE * found:
            break
    return found
