"""The trust-region step of TRPO: natural gradient direction, then a backtracking line search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from algorithms.optimisation.conjugate_gradient import blas_dots, solve
from algorithms.policies.parameters import Parameters, flat, unflat
from algorithms.search_space import COUNT, INSIDE_UNIT, NOT_NEGATIVE, POSITIVE, SOLVER, LogRange, searched, unsearched

#: conjugate gradient stops below this residual
RESIDUAL = 1e-5


@dataclass(frozen=True)
class TrustRegionConfig:
    """The settings that ProMP's and MAML's code share."""

    # bound on the mean KL divergence
    delta: float = searched(0.01, LogRange(1e-3, 0.1), tabular=LogRange(3e-4, 0.03), domain=POSITIVE)
    cg_iterations: int = unsearched(10, SOLVER, domain=COUNT)
    damping: float = unsearched(1e-5, SOLVER, domain=NOT_NEGATIVE)
    backtrack_ratio: float = unsearched(0.8, SOLVER, domain=INSIDE_UNIT)
    backtracks: int = unsearched(15, SOLVER, domain=COUNT)


class TrustRegion:
    """TRPO's step, Schulman et al. 2015, Appendix C."""

    def __init__(self, config: TrustRegionConfig) -> None:
        self.config = config

    def ascend(
        self,
        parameters: Parameters,
        objective: float,
        gradient: Parameters,
        curvature: Callable[[Parameters], Parameters],
        evaluate: Callable[[Parameters], tuple[float, float]],
    ) -> tuple[Parameters, dict[str, float]]:
        """`step` on parameters."""
        point, metrics = self.step(
            flat(parameters),
            objective,
            flat(gradient),
            lambda vector: flat(curvature(unflat(vector, parameters))),
            lambda vector: evaluate(unflat(vector, parameters)),
        )
        return {name: value.clone() for name, value in unflat(point, parameters).items()}, metrics

    def step(
        self,
        start: torch.Tensor,
        objective: float,
        gradient: torch.Tensor,
        curvature: Callable[[torch.Tensor], torch.Tensor],
        evaluate: Callable[[torch.Tensor], tuple[float, float]],
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """The point after one step of ascent from `start`, and what happened.

        objective, gradient: at start.  curvature: Hessian-vector product of the KL divergence there.
        evaluate: point -> (objective, KL).  A step that lowers the objective, violates the bound or gives a
        number that is not finite is shortened; after `backtracks` tries the start is kept.
        """
        config = self.config
        if not torch.isfinite(gradient).all():
            raise FloatingPointError("the meta-gradient is not finite")
        direction, bend = self.natural_direction(gradient, curvature)
        scale = torch.sqrt(2 * config.delta / (bend + 1e-8))
        if not torch.isfinite(scale):
            return start, {"kl": 0.0, "improvement": 0.0, "backtracks": float(config.backtracks)}
        for attempt in range(config.backtracks):
            point = start + config.backtrack_ratio**attempt * scale * direction
            reached, kl = evaluate(point)
            if reached > objective and kl <= config.delta:
                return point, {"kl": kl, "improvement": reached - objective, "backtracks": float(attempt)}
        return start, {"kl": 0.0, "improvement": 0.0, "backtracks": float(config.backtracks)}

    def natural_direction(
        self, gradient: torch.Tensor, curvature: Callable[[torch.Tensor], torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """x = (H + damping I)^-1 gradient, approximately, and x^T H x, by what the iteration left of the gradient."""

        def product(rows: torch.Tensor) -> torch.Tensor:
            return (curvature(rows[0]) + self.config.damping * rows[0]).unsqueeze(0)

        found = solve(
            product, gradient.unsqueeze(0), self.config.cg_iterations, relative=0.0, absolute=RESIDUAL, dot=blas_dots
        )
        solution = found.vectors[0]
        image = gradient - found.remainders[0] - self.config.damping * solution
        return solution, solution.dot(image)
