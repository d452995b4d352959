"""Small random MDPs and every trajectory of them with its probability: expectations of estimators as finite sums."""

from __future__ import annotations

import numpy as np
import torch

from environments.tabular import TabularMDP
from environments.trajectories import TrajectoryBatch


def random_mdp(generator: np.random.Generator, states: int, actions: int) -> TabularMDP:
    """Dirichlet transitions and start, rewards of unit variance, no discount."""
    transition = generator.dirichlet(np.full(states, 0.6), size=(states, actions))
    reward = generator.normal(0.5, 1.0, size=(states, actions))
    return TabularMDP(transition, reward, generator.dirichlet(np.ones(states)), 1.0)


def all_trajectories(mdp: TabularMDP, logits: torch.Tensor, horizon: int) -> tuple[TrajectoryBatch, torch.Tensor]:
    """Each trajectory as a task of its own with one trajectory [n, 1, time], and its probability, float64 [n].

    logits: float64 [state, action] of the policy that acts.
    """
    policy = torch.softmax(logits, -1).numpy()
    states, probability = np.arange(mdp.states)[:, None], mdp.initial
    actions = np.zeros((mdp.states, 0), dtype=np.int64)
    for time in range(horizon):
        # every action, and every successor but after the last step
        successors = mdp.states if time < horizon - 1 else 1
        row, action, successor = (index.ravel() for index in np.indices((len(states), mdp.actions, successors)))
        state = states[row, time]
        probability = probability[row] * policy[state, action]
        actions = np.column_stack([actions[row], action])
        states = states[row]
        if time < horizon - 1:
            probability = probability * mdp.transition[state, action, successor]
            states = np.column_stack([states, successor])
    observations, chosen = torch.from_numpy(states[:, None]), torch.from_numpy(actions[:, None])
    rewards = torch.from_numpy(mdp.reward[states, actions][:, None])
    log_policy = torch.log_softmax(logits, -1)[observations]
    none = torch.zeros(len(states), 1, dtype=torch.bool)
    batch = TrajectoryBatch(
        observations,
        chosen,
        rewards,
        torch.ones_like(rewards),
        log_policy.gather(-1, chosen.unsqueeze(-1)).squeeze(-1),
        {"logits": log_policy},
        none,
        none,
    )
    return batch, torch.from_numpy(probability)


def rewards_to_go(mdp: TabularMDP, logits: torch.Tensor, horizon: int) -> torch.Tensor:
    """The expected sum of rewards from step t on in state s, float64 [time, state]."""
    policy = torch.softmax(logits, -1).numpy()
    values, following = [], np.zeros(mdp.states)
    for _ in range(horizon):
        following = (policy * (mdp.reward + mdp.transition @ following)).sum(-1)
        values.append(following)
    return torch.from_numpy(np.stack(values[::-1]))
