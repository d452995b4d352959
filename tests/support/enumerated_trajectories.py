"""Every trajectory of a small tabular MDP with its probability: expectations as finite sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from environments.tabular import TabularMDP
from environments.trajectories import TrajectoryBatch
from tests.support.tabular_problem import ACTIONS, END, STATES


@dataclass(frozen=True)
class Enumeration:
    """All trajectories, each as a task of its own with one trajectory, so that per-task results are per trajectory."""

    batch: TrajectoryBatch  # [trajectory, 1, time]
    probability: torch.Tensor  # float64 [trajectory]

    def __len__(self) -> int:
        return len(self.probability)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The expectation of [trajectory, ...]."""
        return torch.tensordot(self.probability, values, 1)

    def variance(self, values: torch.Tensor) -> float:
        """The sum over coordinates of the variances of [trajectory, ...]."""
        return float(self.mean((values - self.mean(values)).square()).sum())


def enumerated(mdp: TabularMDP, logits: torch.Tensor, horizon: int) -> Enumeration:
    """Of one MDP [S, A, S] under softmax(logits); an episode ends on entering END."""
    policy = torch.softmax(logits, -1).numpy()
    states = np.arange(STATES)[:, None]
    probability = mdp.initial
    actions, rewards = np.zeros((STATES, 0), int), np.zeros((STATES, 0))
    for time in range(horizon):
        rows = len(states)
        # every action of every state, and every successor; in the end one action stands for all
        row, action, successor = (index.ravel() for index in np.indices((rows, ACTIONS, STATES)))
        state = states[row, time]
        weight = np.where(state == END, (action == 0) & (successor == END), policy[state, action])
        probability = probability[row] * weight * mdp.transition[state, action, successor]
        rewards = np.column_stack([rewards[row], mdp.reward[state, action]])
        actions = np.column_stack([actions[row], action])
        states = np.column_stack([states[row], successor])
        kept = probability > 0
        states, actions, rewards, probability = states[kept], actions[kept], rewards[kept], probability[kept]
    observations = torch.from_numpy(states[:, None, :-1])
    chosen = torch.from_numpy(actions[:, None])
    mask = (observations != END).double()
    log_policy = torch.log_softmax(logits, -1)[observations]
    ended = torch.from_numpy(states[:, -1:] == END)
    batch = TrajectoryBatch(
        observations,
        chosen,
        torch.from_numpy(rewards[:, None]),
        mask,
        log_policy.gather(-1, chosen.unsqueeze(-1)).squeeze(-1),
        {"logits": log_policy},
        torch.zeros_like(ended),
        ended,
    )
    return Enumeration(batch, torch.from_numpy(probability))
