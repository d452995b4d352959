"""The distribution of the mixture coefficients, upper level of the augmentation."""

from __future__ import annotations

from dataclasses import dataclass

import torch

#: the least std of a coefficient: below, the sets are alike and say nothing of each other
LEAST_STD = 0.01


@dataclass(frozen=True)
class Coefficients:
    """One iteration's draws.  values: [set, critical], in [0, 1].  inside: [set, critical], false where clipped.
    normals: what they were made of."""

    values: torch.Tensor
    inside: torch.Tensor
    normals: torch.Tensor

    @property
    def clipped(self) -> float:
        """Share that has no gradient."""
        return 1 - float(self.inside.double().mean())


@dataclass(frozen=True)
class CoefficientDistribution:
    """lambda_i ~ N(mean, std^2), clipped to [0, 1]: XMRL-G's P_phi(lambda), phi = (mean, std).

    mean, std: [1] where all critical tasks share them, as the paper writes, or [critical]; float64.
    """

    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def initial(cls, mean: float, std: float, size: int) -> CoefficientDistribution:
        return cls(torch.full((size,), mean, dtype=torch.float64), torch.full((size,), std, dtype=torch.float64))

    def drawn(self, normals: torch.Tensor) -> Coefficients:
        """mean + std * normals, clipped; normals: [set, critical]."""
        free = self.mean + self.std * normals
        return Coefficients(free.clamp(0.0, 1.0), (free > 0) & (free < 1), normals)

    def gradient(self, draws: Coefficients, slopes: torch.Tensor) -> torch.Tensor:
        """The derivative by (mean, std), [2, size], of what has the given slopes [set, critical] in the draws.

        A clipped draw has none.
        """
        kept = torch.where(draws.inside, slopes.double(), 0.0)
        by_task = torch.stack([kept.sum(0), (kept * draws.normals).sum(0)])
        return by_task.sum(1, keepdim=True) if len(self.mean) == 1 else by_task

    def moved(self, direction: torch.Tensor, step_size: float, bound: float | None = None) -> CoefficientDistribution:
        """After one step of ascent along direction [2, size].

        bound: on the change of any number.  The mean stays in [0, 1], beyond which nearly all draws would be clipped,
        and the std at least `LEAST_STD`.
        """
        step = step_size * direction
        if bound is not None:
            step = step.clamp(-bound, bound)
        return CoefficientDistribution((self.mean + step[0]).clamp(0.0, 1.0), (self.std + step[1]).clamp(min=LEAST_STD))
