"""Fine-tuning a model of stable-baselines3 on a batch that the harness collected on one task.

Imports stable-baselines3, so that it is imported where that is installed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3.common.buffers import ReplayBuffer, RolloutBuffer
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from algorithms.experts.sb3_policy import with_contexts
from environments.trajectories import TrajectoryBatch


def fine_tune(model: Any, batches: Sequence[TrajectoryBatch], context: torch.Tensor, steps: int) -> None:
    """One update of the model on one task's trajectories, with the library's own `train`.

    batches: of that task alone, one for each adaptation step so far.  On-policy algorithms learn from the last, with
    as many epochs as in training; off-policy ones from all, in so many gradient `steps`.
    context: float32 [context].
    """
    if isinstance(model, OffPolicyAlgorithm):
        model.replay_buffer = _replayed(model, batches, context)
        model.train(gradient_steps=steps, batch_size=model.batch_size)
    else:
        model.rollout_buffer = _rolled_out(model, batches[-1], context)
        model.train()


def _rolled_out(model: Any, batch: TrajectoryBatch, context: torch.Tensor) -> RolloutBuffer:
    """The valid steps, episode after episode in one row; an episode that was cut is worth its last state's value."""
    valid = batch.mask[0].bool()
    seen = with_contexts(batch.observations, context[None])[0][valid]
    actions, rewards = batch.actions[0][valid], batch.rewards[0].clone()
    assert batch.final_observations is not None
    with torch.no_grad():
        values, log_probabilities, _ = model.policy.evaluate_actions(seen, actions)
        after = model.policy.predict_values(with_contexts(batch.final_observations, context[None])[0]).flatten()
    ends = batch.lengths[0] - 1
    rewards[torch.arange(len(rewards)), ends] += model.gamma * after * ~batch.terminated[0]
    starts = torch.zeros_like(rewards)
    starts[:, 0] = 1
    buffer = RolloutBuffer(
        len(seen), model.observation_space, model.action_space, "cpu", model.gae_lambda, model.gamma, n_envs=1
    )
    buffer.observations[:, 0] = seen.numpy()
    buffer.actions[:] = actions.reshape(len(seen), 1, -1).numpy()
    for array, column in (
        (buffer.rewards, rewards[valid]),
        (buffer.episode_starts, starts[valid]),
        (buffer.values, values.flatten()),
        (buffer.log_probs, log_probabilities),
    ):
        array[:, 0] = column.numpy()
    buffer.pos, buffer.full = len(seen), True
    buffer.compute_returns_and_advantage(last_values=torch.zeros(1, 1), dones=np.ones(1))
    return buffer


def _replayed(model: Any, batches: Sequence[TrajectoryBatch], context: torch.Tensor) -> ReplayBuffer:
    """The valid steps of all batches as transitions; only what terminated is an end."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("seen", "following", "actions", "rewards", "dones")}
    for batch in batches:
        valid = batch.mask[0].bool()
        dones = torch.zeros_like(batch.rewards[0])
        dones[torch.arange(len(dones)), batch.lengths[0] - 1] = batch.terminated[0].float()
        columns["seen"].append(with_contexts(batch.observations, context[None])[0][valid].numpy())
        columns["following"].append(with_contexts(batch.next_observations, context[None])[0][valid].numpy())
        columns["actions"].append(_scaled(model, batch.actions[0][valid].numpy()))
        columns["rewards"].append(batch.rewards[0][valid].numpy())
        columns["dones"].append(dones[valid].numpy())
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    count = len(whole["seen"])
    buffer = ReplayBuffer(count, model.observation_space, model.action_space, "cpu", n_envs=1)
    buffer.observations[:, 0], buffer.next_observations[:, 0] = whole["seen"], whole["following"]
    buffer.actions[:] = whole["actions"].reshape(count, 1, -1)
    buffer.rewards[:, 0], buffer.dones[:, 0] = whole["rewards"], whole["dones"]
    buffer.full = True
    return buffer


def _scaled(model: Any, actions: np.ndarray) -> np.ndarray:
    """As buffers hold them: continuous ones within [-1, 1]."""
    space = model.action_space
    if not isinstance(space, gymnasium.spaces.Box):
        return actions
    return model.policy.scale_action(np.clip(actions, space.low, space.high))
