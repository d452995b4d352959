"""A batch of trajectories: what was seen, done and earned, with a validity mask."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch


@dataclass(frozen=True)
class TrajectoryBatch:
    """Arrays are [task, trajectory, time, ...]; entries where `mask` is 0 are padding after an episode's end."""

    observations: torch.Tensor  # float32 [task, trajectory, time, *shape], or int64 for discrete observations
    actions: torch.Tensor  # float32 [..., *shape] (as drawn, before clipping), or int64
    rewards: torch.Tensor  # float32 [task, trajectory, time], 0 where masked
    mask: torch.Tensor  # float32 [task, trajectory, time], 1 on valid steps
    log_probabilities: torch.Tensor  # float32 [task, trajectory, time], under the policy that acted
    distribution: dict[str, torch.Tensor]  # the acting distribution's parameters, [..., *shape]
    success: torch.Tensor  # bool [task, trajectory], the environment's own flag
    terminated: torch.Tensor  # bool [task, trajectory], ended before the horizon by the environment
    latent: torch.Tensor | None = None  # [task, trajectory, ...], the episode's own draw
    final_observations: torch.Tensor | None = None  # [task, trajectory, *shape], after each one's last valid step

    @property
    def returns(self) -> torch.Tensor:
        """Undiscounted sum of rewards, float64 [task, trajectory]."""
        return self.rewards.double().sum(-1)

    def discounted_returns(self, discount: float) -> torch.Tensor:
        """Sum of discount**t * r_t, float64 [task, trajectory]."""
        weights = discount ** torch.arange(self.rewards.shape[-1], dtype=torch.float64)
        return (self.rewards.double() * weights).sum(-1)

    @property
    def lengths(self) -> torch.Tensor:
        """Valid steps of each trajectory, int64 [task, trajectory]."""
        return self.mask.sum(-1).long()

    @property
    def next_observations(self) -> torch.Tensor:
        """The observation after each step [task, trajectory, time, *shape], made anew when asked for; padding repeats.

        After the last valid step it is the final one, whether the episode terminated there or the horizon cut it.
        Raises ValueError for a batch without final observations, which was not collected.
        """
        if self.final_observations is None:
            raise ValueError("the batch holds no final observations, so nothing is known after the last step")
        following = torch.cat([self.observations[:, :, 1:], self.final_observations[:, :, None]], dim=2)
        tasks, trajectories = self.mask.shape[:2]
        following[torch.arange(tasks)[:, None], torch.arange(trajectories), self.lengths - 1] = self.final_observations
        return following

    def select(self, tasks: torch.Tensor | slice) -> TrajectoryBatch:
        """The same batch with only the given task indices."""
        chosen = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                value = {key: item[tasks] for key, item in value.items()}
            elif value is not None:
                value = value[tasks]
            chosen[field.name] = value
        return replace(self, **chosen)
