"""What experts did, and would have done in others' places: observations and labels by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch.nn.functional import pad

from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class Shown:
    """One task's trajectories."""

    observations: torch.Tensor  # [trajectory, time, *shape]
    labels: torch.Tensor  # [trajectory, time, *shape]
    mask: torch.Tensor  # float32 [trajectory, time]

    def joined(self, other: Shown) -> Shown:
        return Shown(*(torch.cat(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass(frozen=True)
class Demonstrations:
    """By a task's id all that was shown of it; adding to it makes another one, so that a kept one stays as it was."""

    shown: Mapping[str, Shown] = field(default_factory=dict)

    def missing(self, tasks: Sequence[TaskRef]) -> list[TaskRef]:
        """Those of which nothing is shown, each once."""
        return [task for task in dict.fromkeys(tasks) if task.id not in self.shown]

    def of(self, tasks: Sequence[TaskRef]) -> Demonstrations:
        """What is shown of these tasks alone."""
        kept = {task.id for task in tasks}
        return Demonstrations({id: part for id, part in self.shown.items() if id in kept})

    def added(self, tasks: Sequence[TaskRef], batch: TrajectoryBatch, labels: torch.Tensor) -> Demonstrations:
        """With the batch's trajectories [task, ...] too.  labels: what the expert does there, [task, trajectory, time,
        *shape]."""
        shown = dict(self.shown)
        for row, task in enumerate(tasks):
            new = Shown(batch.observations[row], labels[row], batch.mask[row])
            shown[task.id] = shown[task.id].joined(new) if task.id in shown else new
        return Demonstrations(shown)

    def batch(self, tasks: Sequence[TaskRef]) -> TrajectoryBatch:
        """As trajectories [task, trajectory, time] whose actions are the labels; who acted is not told.

        A task of which less is shown than of others is padded with trajectories that the mask leaves out.
        Raises KeyError for a task of which nothing is shown.
        """
        parts = [self.shown[task.id] for task in tasks]
        most = max(len(part.mask) for part in parts)
        mask = torch.stack([_padded(part.mask, most) for part in parts])
        zeros, never = torch.zeros_like(mask), torch.zeros_like(mask[..., 0], dtype=torch.bool)
        return TrajectoryBatch(
            observations=torch.stack([_padded(part.observations, most) for part in parts]),
            actions=torch.stack([_padded(part.labels, most) for part in parts]),
            rewards=zeros,
            mask=mask,
            log_probabilities=zeros,
            distribution={},
            success=never,
            terminated=never,
        )

    def state_dict(self) -> dict[str, Any]:
        return {id: dict(vars(part)) for id, part in self.shown.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls({id: Shown(**part) for id, part in state.items()})


def _padded(values: torch.Tensor, trajectories: int) -> torch.Tensor:
    return pad(values, [0, 0] * (values.ndim - 1) + [0, trajectories - len(values)])
