"""Policy parameters: dictionaries of tensors, stacked over tasks, or as vectors and back."""

from __future__ import annotations

import torch

Parameters = dict[str, torch.Tensor]


def stacked(parameters: Parameters, tasks: int) -> Parameters:
    """One set of parameters repeated for each of `tasks` tasks: [task, ...] views."""
    return {name: value.expand(tasks, *value.shape) for name, value in parameters.items()}


def flat(parameters: Parameters) -> torch.Tensor:
    """One vector of all parameters, in the dictionary's order."""
    return torch.cat([value.reshape(-1) for value in parameters.values()])


def unflat(vector: torch.Tensor, like: Parameters) -> Parameters:
    """The inverse of `flat`."""
    parts = torch.split(vector, [value.numel() for value in like.values()])
    return {name: part.view_as(value) for (name, value), part in zip(like.items(), parts, strict=True)}


def task_vectors(parameters: Parameters) -> torch.Tensor:
    """[task, parameter] of parameters [task, ...], in the dictionary's order."""
    return torch.cat([value.flatten(1) for value in parameters.values()], dim=1)


def from_task_vectors(vectors: torch.Tensor, like: Parameters) -> Parameters:
    """The inverse of `task_vectors`; like: parameters [task, ...] that give names and shapes."""
    parts = torch.split(vectors, [value[0].numel() for value in like.values()], dim=1)
    return {name: part.reshape(value.shape) for (name, value), part in zip(like.items(), parts, strict=True)}
