"""Training tasks that are one MDP under several names: their weights cannot be told apart, so they share one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch

Groups = tuple[tuple[int, ...], ...]


def grouped(keys: Sequence[Hashable]) -> Groups:
    """Indices of equal keys together, in the order of each group's first."""
    found: dict[Hashable, list[int]] = {}
    for index, key in enumerate(keys):
        found.setdefault(key, []).append(index)
    return tuple(map(tuple, found.values()))


@dataclass(frozen=True)
class Pool:
    """From tasks to groups of identical ones and back; tensors have tasks, or groups, last."""

    groups: Groups

    @property
    def tasks(self) -> int:
        return sum(map(len, self.groups))

    @property
    def sizes(self) -> torch.Tensor:
        """float64 [group]."""
        return torch.tensor([float(len(group)) for group in self.groups], dtype=torch.float64)

    def means(self, values: torch.Tensor) -> torch.Tensor:
        """[..., group] of [..., task]."""
        return torch.stack([values[..., list(group)].mean(-1) for group in self.groups], dim=-1)

    def shared(self, values: torch.Tensor) -> torch.Tensor:
        """[..., task] of [..., group]."""
        tasks = values.new_zeros(*values.shape[:-1], self.tasks)
        for index, group in enumerate(self.groups):
            tasks[..., list(group)] = values[..., index : index + 1]
        return tasks
