"""Action distributions: diagonal Gaussian and categorical, each determined by its parameter tensors."""

from __future__ import annotations

import math
from typing import Self

import torch

LOG_TWO_PI = math.log(2 * math.pi)


class Gaussian:
    """Diagonal Gaussian; mean and log_std [..., dimensions], broadcast against each other."""

    def __init__(self, mean: torch.Tensor, log_std: torch.Tensor) -> None:
        self.mean, self.log_std = mean, log_std

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        return {"mean": self.mean, "log_std": self.log_std}

    @classmethod
    def from_parameters(cls, parameters: dict[str, torch.Tensor]) -> Self:
        return cls(parameters["mean"], parameters["log_std"])

    def sample(self, generator: torch.Generator) -> torch.Tensor:
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype)
        return self.mean + noise * self.log_std.exp()

    def log_prob(self, action: torch.Tensor) -> torch.Tensor:
        """[...], summed over the action's dimensions."""
        scaled = (action - self.mean) * torch.exp(-self.log_std)
        constant = self.log_std.sum(-1) + 0.5 * LOG_TWO_PI * self.mean.shape[-1]
        return -0.5 * scaled.square().sum(-1) - constant

    def entropy(self) -> torch.Tensor:
        entropy = (self.log_std + 0.5 * (LOG_TWO_PI + 1)).sum(-1)
        return entropy.expand(self.mean.shape[:-1])

    def kl(self, other: Gaussian) -> torch.Tensor:
        """KL(self || other), [...]."""
        variance = torch.exp(2 * self.log_std)
        scaled = (variance + (self.mean - other.mean).square()) * torch.exp(-2 * other.log_std)
        return (other.log_std - self.log_std + 0.5 * scaled - 0.5).sum(-1)

    def fisher_product(self, tangent: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The Fisher information in (mean, log_std), diag(1 / std**2, 2), times a tangent of their shapes."""
        return {"mean": tangent["mean"] * torch.exp(-2 * self.log_std), "log_std": 2 * tangent["log_std"]}


class Categorical:
    """Categorical over integers; logits [..., choices], not necessarily normalised."""

    def __init__(self, logits: torch.Tensor) -> None:
        self.log_probabilities = torch.log_softmax(logits, -1)

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        return {"logits": self.log_probabilities}

    @classmethod
    def from_parameters(cls, parameters: dict[str, torch.Tensor]) -> Self:
        return cls(parameters["logits"])

    def sample(self, generator: torch.Generator) -> torch.Tensor:
        """int64 [...], by inverting the distribution function."""
        cumulative = self.log_probabilities.exp().cumsum(-1)
        uniform = torch.rand(cumulative.shape[:-1], generator=generator, dtype=cumulative.dtype)
        choice = (uniform.unsqueeze(-1) * cumulative[..., -1:] >= cumulative).sum(-1)
        return choice.clamp_(max=cumulative.shape[-1] - 1)

    def log_prob(self, action: torch.Tensor) -> torch.Tensor:
        return self.log_probabilities.gather(-1, action.unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> torch.Tensor:
        return -(self.log_probabilities.exp() * self.log_probabilities).sum(-1)

    def kl(self, other: Categorical) -> torch.Tensor:
        """KL(self || other), [...]."""
        return (self.log_probabilities.exp() * (self.log_probabilities - other.log_probabilities)).sum(-1)

    def fisher_product(self, tangent: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The Fisher information in the logits, diag(p) - p p^T, times a tangent of their shape."""
        probabilities = self.log_probabilities.exp()
        weighted = probabilities * tangent["logits"]
        return {"logits": weighted - probabilities * weighted.sum(-1, keepdim=True)}
