"""Every task's parameters as one vector: [task, parameter] and back."""

from __future__ import annotations

import torch

from algorithms.networks import Parameters


def task_vectors(parameters: Parameters) -> torch.Tensor:
    """[task, parameter] of parameters [task, ...], in the dictionary's order."""
    return torch.cat([value.flatten(1) for value in parameters.values()], dim=1)


def from_task_vectors(vectors: torch.Tensor, like: Parameters) -> Parameters:
    """The inverse of `task_vectors`; like: parameters [task, ...] that give names and shapes."""
    parts = torch.split(vectors, [value[0].numel() for value in like.values()], dim=1)
    return {name: part.reshape(value.shape) for (name, value), part in zip(like.items(), parts, strict=True)}
