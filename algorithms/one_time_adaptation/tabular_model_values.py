"""Action values of the policy that acted, exact in the tabular model that a batch's transitions make up."""

from __future__ import annotations

import torch

from environments.trajectories import TrajectoryBatch


def modelled_values(batch: TrajectoryBatch, discount: float, states: int, actions: int) -> torch.Tensor:
    """Q [task, S, A], float64: the solution of the Bellman equation with observed frequencies and mean rewards.

    Where dynamics are deterministic this is exact as far as the batch has gone, and with Monte Carlo it shares the
    data, not the noise.  An action never taken has its state's value (advantage 0), a state never left has 0.  A step
    at the horizon, whose successor is not seen, says nothing.
    """
    mask = batch.mask.double()
    tasks = len(mask)
    following = torch.cat([mask[..., 1:], torch.zeros_like(mask[..., :1])], -1)
    ends = mask * (1 - following) * batch.terminated.unsqueeze(-1)
    ends[..., -1] = 0  # else ends would be overrepresented
    successors = torch.cat([batch.observations[..., 1:], batch.observations[..., -1:]], -1)
    pairs = (batch.observations * actions + batch.actions).reshape(tasks, -1)
    known = (following + ends).reshape(tasks, -1)
    empty = torch.zeros(tasks, states * actions, dtype=torch.float64)
    count = empty.scatter_add(1, pairs, known)
    reward = empty.scatter_add(1, pairs, known * batch.rewards.double().reshape(tasks, -1)) / count.clamp_min(1)
    triples = pairs * states + successors.reshape(tasks, -1)
    moves = torch.zeros(tasks, states * actions * states, dtype=torch.float64)
    moves = moves.scatter_add(1, triples, following.reshape(tasks, -1)).view(tasks, states * actions, states)
    transition = (moves / count.clamp_min(1).unsqueeze(-1)).view(tasks, states, actions, states)
    tried = (count > 0).view(tasks, states, actions)
    weight = _acting_policy(batch, states, actions) * tried
    total = weight.sum(-1, keepdim=True)
    weight = torch.where(total > 0, weight / total, 0.0)
    chain = torch.einsum("isa,isat->ist", weight, transition)
    pay = (weight * reward.view(tasks, states, actions)).sum(-1)
    value = torch.linalg.solve(torch.eye(states, dtype=torch.float64) - discount * chain, pay)
    action_values = reward.view(tasks, states, actions) + discount * torch.einsum("isat,it->isa", transition, value)
    return torch.where(tried, action_values, value.unsqueeze(-1))


def _acting_policy(batch: TrajectoryBatch, states: int, actions: int) -> torch.Tensor:
    """Probabilities [task, S, A] where the batch has been; 0 elsewhere.  The same at every visit of a state."""
    tasks = len(batch.mask)
    rows = batch.distribution["logits"].double().softmax(-1).reshape(tasks, -1, actions)
    index = batch.observations.reshape(tasks, -1, 1).expand_as(rows)
    return torch.zeros(tasks, states, actions, dtype=torch.float64).scatter(1, index, rows)
