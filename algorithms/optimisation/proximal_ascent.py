"""The proximal problem of implicit MAML, solved for every task at once."""

from __future__ import annotations

from collections.abc import Callable

import torch

from algorithms.policies.parameters import Parameters, from_task_vectors, task_vectors


def proximal_ascent(
    objective: Callable[[Parameters], torch.Tensor],
    centre: Parameters,
    start: Parameters,
    weight: float,
    steps: int,
    rate: float,
) -> Parameters:
    """Towards argmax over psi of J(psi) - weight / 2 * |psi - centre|^2 (Rajeswaran et al. 2019, Equation 3).

    Gradient ascent with steps of rate / weight: at rate 1 the first one from the centre is MAML's inner update of size
    1 / weight, and the iteration is psi = centre + grad J(psi) / weight, which converges where the eigenvalues of J's
    Hessian lie within +-weight.  Beyond, a task whose proximal objective a step does not raise takes it back and halves
    its own rate, so that no solution is worse than the start but by rounding.  Costs steps + 1 gradients of J.

    objective: parameters [task, ...] -> [task], where a task's value depends on its own row alone.
    centre, start: parameters [task, ...].  Returns parameters of the same shapes, detached.
    """
    anchor = task_vectors(centre).detach()

    def evaluate(vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The proximal objective [task] and its slope [task, parameter]."""
        leaves = {
            name: value.detach().contiguous().requires_grad_()
            for name, value in from_task_vectors(vectors, centre).items()
        }
        with torch.enable_grad():
            values = objective(leaves)
            slopes = torch.autograd.grad(values.sum(), list(leaves.values()))
        away = vectors - anchor
        slope = task_vectors(dict(zip(leaves, slopes, strict=True)))
        return values.detach() - 0.5 * weight * away.square().sum(1), slope - weight * away

    point = task_vectors(start).detach()
    reached, slope = evaluate(point)
    sizes = torch.full_like(reached, rate / weight)
    margin = 10 * torch.finfo(reached.dtype).eps  # near the solution values differ by rounding alone
    for _ in range(steps):
        candidate = point + sizes.unsqueeze(1) * slope
        value, its_slope = evaluate(candidate)
        better = value >= reached - margin * (1 + reached.abs())  # false for a value that is not a number
        row = better.unsqueeze(1)
        point, slope = torch.where(row, candidate, point), torch.where(row, its_slope, slope)
        reached, sizes = torch.where(better, value, reached), torch.where(better, sizes, sizes / 2)
    return from_task_vectors(point, centre)
