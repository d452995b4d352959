"""Mutual information between the parameters and the index of the Gaussian that they were drawn from."""

from __future__ import annotations

import math

import torch

#: for the calibration alone, in at most N - 1 dimensions
CALIBRATION_DRAWS = 2048


def normals(draws: int, size: int, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """[draw, size], standard normal: pairs of opposite ones, the last alone if their number is odd."""
    half = torch.randn((draws + 1) // 2, size, generator=generator, dtype=dtype)
    return torch.cat([half, -half])[:draws]


def mutual_information(means: torch.Tensor, stds: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """I(theta; j) of the uniform mixture of N(means_j, diag(stds_j^2)), in nats, differentiable in both.

    XMRL-G's (4) for N sampled sets: the mean over components j and draws theta of log p_j(theta) minus the log of
    mean_k p_k(theta), which is at most log N.  Where components separate it is log N and its gradient 0.  Appendix E
    has another estimate, which is at most 0.
    means, stds: [set, parameter].  draws: [draw, parameter], standard normal, the same for all components; the same
    draws at other means and stds make it a smooth function of these.
    """
    apart = means - means.detach().mean(0)  # rounding is less about the middle
    points = (apart.unsqueeze(1) + stds.unsqueeze(1) * draws).flatten(0, 1)
    precisions = stds.square().reciprocal()
    # the squared distances multiplied out, so that no array of [set, set, draw, parameter] is walked through
    squares = points.square() @ precisions.T - 2 * points @ (apart * precisions).T
    squares = squares + (apart.square() * precisions).sum(-1)
    densities = (-0.5 * squares - stds.log().sum(-1)).view(len(means), len(draws), len(means)).movedim(2, 0)
    # [under, of, draw], but for a constant
    own = torch.diagonal(densities, dim1=0, dim2=1).T
    return (own - densities.logsumexp(0)).mean() + math.log(len(means))


def calibrated_std(means: torch.Tensor, share: float, generator: torch.Generator) -> float | None:
    """The std, of every parameter and component, at which the mixture's information is that share of log N.

    By bisection, as a multiple of the means' root mean squared distance from their average: the information falls from
    log N to 0 as the std rises.  With equal stds it lies in the plane of the means alone, where it is estimated.
    means: [set, parameter].  None where they coincide, or are so close that rounding decides.
    """
    centred = means.double() - means.double().mean(0)
    _, sizes, directions = torch.linalg.svd(centred, full_matrices=False)
    spread = float(centred.square().sum(1).mean().sqrt())
    if not spread > 1e-12 * (1 + float(means.double().norm())):
        return None
    plane = centred @ directions[sizes > 1e-9 * sizes[0]].T / spread
    draws = normals(CALIBRATION_DRAWS, plane.shape[1], generator)
    low, high = math.log(1e-4), math.log(1e4)
    for _ in range(50):
        middle = (low + high) / 2
        found = mutual_information(plane, torch.full_like(plane, math.exp(middle)), draws)
        low, high = (middle, high) if found > share * math.log(len(means)) else (low, middle)
    return spread * math.exp(low)
