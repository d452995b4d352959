"""A diagonal Gaussian squashed into the bounds of a Box by tanh, as soft actor-critic acts."""

from __future__ import annotations

import math
from typing import Self

import gymnasium
import numpy as np
import torch

from algorithms.policies.distributions import Gaussian

#: how near to a bound an action's density is asked at the most, of half the Box: float32 knows no nearer one
NEAREST = 1e-6
#: nodes of the quadrature by which the entropy is computed
NODES = 32


class SquashedGaussian:
    """a = centre + half * tanh(u), u ~ N(mean, exp(log_std)^2); all [..., dimensions], broadcast against each other.

    Haarnoja et al. 2018, arXiv:1812.05905, Appendix C.
    """

    def __init__(self, mean: torch.Tensor, log_std: torch.Tensor, centre: torch.Tensor, half: torch.Tensor) -> None:
        self.base = Gaussian(mean, log_std)
        self.centre, self.half = centre, half

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        return {**self.base.parameters, "centre": self.centre, "half": self.half}

    @classmethod
    def from_parameters(cls, parameters: dict[str, torch.Tensor]) -> Self:
        return cls(parameters["mean"], parameters["log_std"], parameters["centre"], parameters["half"])

    @property
    def middle(self) -> torch.Tensor:
        """The action of the mean, within the bounds: the distribution's median."""
        return self.centre + self.half * torch.tanh(self.base.mean)

    def sample(self, generator: torch.Generator) -> torch.Tensor:
        return self.centre + self.half * torch.tanh(self.base.sample(generator))

    def log_prob(self, action: torch.Tensor) -> torch.Tensor:
        """[...], summed over the action's dimensions; of an action at a bound, that of one just within."""
        inside = ((action - self.centre) / self.half).clamp(NEAREST - 1, 1 - NEAREST)
        unbounded = torch.atanh(inside)
        return self.base.log_prob(unbounded) - self._log_slope(unbounded).sum(-1)

    def entropy(self) -> torch.Tensor:
        """[...], by Gauss-Hermite quadrature of the squashing's mean logarithmic slope."""
        nodes, weights = (torch.from_numpy(each).to(self.base.mean.dtype) for each in _hermite())
        unbounded = self.base.mean[..., None] + math.sqrt(2) * self.base.log_std.exp()[..., None] * nodes
        slope = _log_tanh_slope(unbounded) @ weights / math.sqrt(math.pi) + self.half.log()
        return self.base.entropy() + slope.sum(-1)

    def kl(self, other: SquashedGaussian) -> torch.Tensor:
        """KL(self || other), [...], of equal bounds: that of the Gaussians, since the squashing is one to one."""
        return self.base.kl(other.base)

    def fisher_product(self, tangent: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """In mean and log_std: the Gaussian's, for the same reason."""
        return self.base.fisher_product(tangent)

    def _log_slope(self, unbounded: torch.Tensor) -> torch.Tensor:
        return _log_tanh_slope(unbounded) + self.half.log()


def bounds_of(space: gymnasium.spaces.Box) -> tuple[torch.Tensor, torch.Tensor]:
    """Centre and half of the Box's sides, float32 [dimensions]."""
    low, high = (torch.from_numpy(np.asarray(side, dtype=np.float32)) for side in (space.low, space.high))
    return (low + high) / 2, (high - low) / 2


def _log_tanh_slope(unbounded: torch.Tensor) -> torch.Tensor:
    """log(1 - tanh(u)^2), without loss where tanh is 1 to rounding."""
    return 2 * (math.log(2) - unbounded - torch.nn.functional.softplus(-2 * unbounded))


def _hermite() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.hermite.hermgauss(NODES)
